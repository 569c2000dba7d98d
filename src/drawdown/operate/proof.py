"""Proof from the outputs that an event id has no outcome: needed once ids of its time may be forgotten."""

from drawdown.domain.model import Usage
from drawdown.errors import NotSeen, NotThere, RefusedByService
from drawdown.operate.desk import LEDGERS, Desk, Output
from drawdown.topics import CHARGES, CREDIT_CHARGING, USAGE
from drawdown.wire.instants import format_instant

_TOPICS = (CHARGES, CREDIT_CHARGING)
_MARGIN_MS = 60_000


def needs_proof(desk: Desk, usage: Usage) -> bool:
    """Say whether the window is past: until then the ledger itself knows the id."""
    return desk.clock.now_ms() > usage.time + desk.settings.policy.window_ms(usage.service)


async def prove_no_outcome(desk: Desk, usage: Usage) -> None:
    """Raise RefusedByService naming the output if the id has one, NotThere where that cannot be told any more.

    A copy that is still waiting in an input could get an outcome after we looked: all inputs must be taken that far.
    """
    shard = desk.shard_of(usage.account.encode())
    await _all_taken(desk, usage, shard)
    found = await outputs_of(desk, usage.source, usage.id, [shard], _earliest(desk, usage), kept=True)
    if found:
        first = found[0]
        raise RefusedByService(
            f"event {usage.id} of {usage.source} has an outcome already: {first.topic} partition {first.partition}"
            f" offset {first.offset}, appended {format_instant(first.appended)}"
        )


async def outputs_of(
    desk: Desk, source: str, ident: str, shards: list[int] | range, since: int | None, *, kept: bool = False
) -> list[Output]:
    """List charges and overages of an event. source: "" for any. kept: raise NotThere if they are not all there."""
    browser = await desk.browser()
    places = [(topic, shard) for shard in shards for topic in _TOPICS]
    if kept and since is not None:
        await _still_kept(desk, places, since)
    found = []
    async for output in desk.outputs(await browser.spans(places, since)):
        event = output.said.get("event", {})
        if event.get("id") == ident and source in {"", event.get("source")}:
            found.append(output)
    return sorted(found, key=lambda one: (one.appended, one.topic != CHARGES, one.offset))


def _earliest(desk: Desk, usage: Usage) -> int:
    """Give an instant before which the event cannot have been rated, ms."""
    return usage.time - desk.settings.policy.skew_ms - _MARGIN_MS


async def _all_taken(desk: Desk, usage: Usage, shard: int) -> None:
    commit = await desk.newest_commit("plans", shard)
    if commit is not None and commit.watermark > usage.time + desk.settings.policy.window_ms(usage.service):
        return
    taken = {position.topic: position.next_offset for position in commit.inputs} if commit else {}
    browser = await desk.browser()
    spans = await browser.spans((topic, shard) for topic in LEDGERS["plans"] if topic in USAGE)
    waiting = {place: (max(taken.get(place[0], 0), start), end) for place, (start, end) in spans.items()}
    async for record in browser.read(waiting):
        raise NotSeen(
            f"{record.topic} partition {shard} holds records that no worker has taken yet, from offset {record.offset}"
            " on: one of them may be this event. Try again when `drawdown lag` shows none"
        )


async def _still_kept(desk: Desk, places: list[tuple[str, int]], since: int) -> None:
    browser = await desk.browser()
    for place, (start, end) in (await browser.spans(places)).items():
        if not start:
            continue
        async for record in browser.read({place: (start, end)}):
            if record.timestamp > since:
                topic, partition = place
                raise NotThere(
                    f"{topic} partition {partition} keeps records from {format_instant(record.timestamp)} on, and the"
                    f" event may have been rated from {format_instant(since)} on: nothing proves that it was not"
                )
            break
