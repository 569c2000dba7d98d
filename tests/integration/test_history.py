"""The history beside a worker on a real Kafka and Redis: projectors killed, doubled, ended; SQLite and PostgreSQL."""

import asyncio
import contextlib
import csv
import io
import random
import re
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.conftest import SEED
from tests.support.chronicled import Projecting, caught_up, differing, file_of, held, undisturbed, with_history
from tests.support.commands import drawdown
from tests.support.databases import KINDS, database
from tests.support.load import call, now_ms, stage_on, started

from drawdown.demo import broken, chronicle, credit, lives, scenario
from drawdown.demo.stage import Stage
from drawdown.local.stack import LocalStack
from drawdown.topics import ACCOUNT_EVENTS, CHARGES

ACCOUNTS = 24
KILLS = 3
SLICE = 150  # calls
PAYER = scenario.account_name(0)
PLANS = [f"{PAYER}-{kind}" for kind in ("all", "tokens", "year")]


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[dict[str, SecretStr]]:
    with contextlib.ExitStack() as kept:
        yield {kind: kept.enter_context(database(kind, tmp_path)) for kind in KINDS}


async def flowing(stage: Stage, ended: asyncio.Event) -> None:
    """Publish everything that a demonstration does, and calls as long as they are wanted."""
    now, dice = now_ms(), random.Random(SEED)
    usage = [*scenario.containers(ACCOUNTS, dice, now), *scenario.jobs(ACCOUNTS, dice, now)]
    await stage.publish(chain(scenario.disturbed(usage, dice), broken.late(now), lives.usage(now)))
    for first in count(0, SLICE):
        end = now_ms()
        await stage.publish(
            call(number, end, tokens=90_000, account=scenario.account_name(number % ACCOUNTS))
            for number in range(first, first + SLICE)
        )
        if ended.is_set():
            break
        await asyncio.sleep(0.4)
    await stage.publish([*credit.after(ACCOUNTS, now), *broken.repaired(now)])


async def unlucky(stage: Stage, address: SecretStr, dice: random.Random) -> None:
    """Kill projectors of a database, soon or late after they have begun; then let two write it at once."""
    for _ in range(KILLS):
        projector = Projecting(stage, address)
        await projector.ready()
        await asyncio.sleep(dice.uniform(0, 1))
        projector.child.kill()
    first, second = Projecting(stage, address), Projecting(stage, address)
    await asyncio.gather(first.ready(), second.ready())
    await asyncio.sleep(dice.uniform(2, 3))
    assert first.child.alive, first.child.tail()
    assert second.child.alive, second.child.tail()
    assert await first.stopped() == 0, first.child.tail()
    await second.until(lambda status, _: status == 200, "the other one did not go on")


async def test_killed_and_doubled_projectors_hold_what_the_log_and_redis_do(
    stack: LocalStack, prefix: str, tmp_path: Path, databases: dict[str, SecretStr]
) -> None:
    async with stage_on(stack, prefix) as stage:
        now = now_ms()
        before = (scenario.accounts(ACCOUNTS, now), broken.preparation(now), credit.before(ACCOUNTS, now))
        await stage.publish(chain(*before, credit.codes(now), lives.sold(now)))
        await started(stage)
        await stage.publish(credit.redemptions(now))
        ended = asyncio.Event()
        flow = asyncio.create_task(flowing(stage, ended))
        dice = [random.Random(f"{SEED} {kind}") for kind in databases]
        await asyncio.gather(*(unlucky(stage, one, own) for one, own in zip(databases.values(), dice, strict=True)))
        ended.set()
        await flow
        await stage.all_taken()
        await stage.settled()
        expected = with_history(stage.settings, file_of(tmp_path, "undisturbed.db"))
        await undisturbed(expected)
        charges = (await stage.read())[CHARGES]
        assert len(charges) > SLICE
        assert await chronicle.differences(expected, charges) == []
        rows = held(expected.history)
        assert {payer for *_, payer, _, _, _, _, _, _ in rows["series"]} == {"plan", "voucher", "top_up", "debt"}
        for kind, address in databases.items():
            await caught_up(with_history(stage.settings, address))
            assert differing(held(address), rows) == [], f"{kind}, seed {SEED}"
        for projector in stage.workers[1:]:
            projector.ask_to_stop()
        await commands_answer(stage, databases)


async def commands_answer(stage: Stage, databases: dict[str, SecretStr]) -> None:
    """Have each command that reads answer, and look at what it prints."""
    ever = "--from", "2026-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z"
    asked = (
        ("sqlite", "status"),
        ("sqlite", "statement", PAYER, *ever),
        ("postgresql", "show", PAYER, "--balance", "voucher"),
        ("postgresql", "export", PAYER, *ever),
    )
    done = await asyncio.gather(
        *(drawdown(stage, "history", *told, history=databases[kind].get_secret_value()) for kind, *told in asked)
    )
    for one in done:
        assert (one.code, one.err) == (0, ""), one
    status, told, shown, made = (one.out for one in done)
    assert status.endswith("\n0 offsets behind in all\n")
    assert all(topic in status for topic in (CHARGES, ACCOUNT_EVENTS))
    assert f"Credit History of {PAYER}, USD" in shown
    assert "came and went: voucher 7.51" in shown  # granted twice and redeemed once; nothing has expired
    assert [line.split("│")[1].strip() for line in told.splitlines() if line.startswith("│ acc-")] == PLANS
    assert re.search(r"│ top-ups less debt │ +0\.00 │ +50\.00 │ .* 5[0-3]\.\d+ │", told), told
    rows = list(csv.DictReader(io.StringIO(made)))
    assert {row["balance"] for row in rows} >= {"plan", "voucher", "top_up"}
