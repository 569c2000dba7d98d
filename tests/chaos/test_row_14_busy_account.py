"""Row 14: one account has half of all events: the others' lag stays bounded."""

import json

from tests.chaos.checks import proved
from tests.chaos.ground import Ground
from tests.chaos.report import Told
from tests.support.load import ACCOUNTS, call, now_ms

from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.demo.stage import Stage
from drawdown.topics import CHARGES, CREDIT_CHARGING

BUSY = ACCOUNTS[0]
EVENTS, BOUND_MS = 6_000, 10_000


async def ages(stage: Stage) -> dict[str, list[int]]:
    """Give account → ms from each event's append to that of its first output."""
    log = await stage.read()
    appended = {json.loads(one.value or b"")["id"]: one.timestamp for one in log["usage.inference"]}
    found: dict[str, list[int]] = {}
    for topic in (CHARGES, CREDIT_CHARGING):
        for record in log[topic]:
            told = json.loads(record.value) if record.value else {}
            event = told["event"]["id"] if told.get("ledger") == "plans" else ""
            if event in appended:
                age = record.timestamp - appended[event]
                found.setdefault((record.key or b"").decode(), []).append(age)
    return found


async def test_one_account_with_half_of_all_events(land: Ground, told: Told) -> None:
    async with land.working() as (stage, _):
        end = now_ms()
        await stage.publish(call(n, end, account=BUSY if n % 2 else ACCOUNTS[1 + n // 2 % 39]) for n in range(EVENTS))
        await proved(told, stage, EVENTS)
        found = await ages(stage)
        place = shard_of(stage.settings.shards)
        busy = place(BUSY.encode())
        elsewhere = sorted(age for name, many in found.items() if place(name.encode()) != busy for age in many)
        beside = sorted(
            age for name, many in found.items() if name != BUSY and place(name.encode()) == busy for age in many
        )
        own = sorted(found[BUSY])
        assert elsewhere[-1] < BOUND_MS
        assert beside[-1] < BOUND_MS
        told.fired(
            f"{EVENTS} events at once, half of one account",
            f"oldest when committed: other shards {elsewhere[-1]} ms, its shard {beside[-1]} ms, its own {own[-1]} ms",
            len(own),
        )
