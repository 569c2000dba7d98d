"""Row 10: the same event twice, at once on two topics, hours apart, after a restart; the same id with other content."""

import msgspec
from tests.chaos.checks import proved
from tests.chaos.ground import Ground
from tests.chaos.report import Told
from tests.support.load import HOUR, call, calls, now_ms

from drawdown.topics import USAGE

EVENTS = 300


async def test_the_same_event_at_once_on_two_topics(land: Ground, told: Told) -> None:
    async with land.working() as (stage, _):
        usage = calls(0, EVENTS, now_ms())
        await stage.publish(msgspec.structs.replace(one, topic=topic) for one in usage for topic in USAGE[1:])
        summary = await proved(told, stage, EVENTS)
        assert summary.duplicates == EVENTS
        told.fired("each event on two topics, one after the other", f"{summary.duplicates} duplicates", EVENTS)


async def test_the_same_event_hours_apart(land: Ground, told: Told) -> None:
    """On records that carry their own time; windows of inference are 6 hours."""
    base = now_ms() - 8 * HOUR
    async with land.stage(at=base - 1_000, timestamp_type="CreateTime", wallet=False) as stage:
        land.start_worker(stage)
        await stage.all_taken()
        usage = calls(0, EVENTS, base)
        await stage.publish(usage)
        await stage.publish(msgspec.structs.replace(one, time=one.time + 5 * HOUR) for one in usage)
        await stage.publish(msgspec.structs.replace(one, time=one.time + 7 * HOUR) for one in usage)
        summary = await proved(told, stage, EVENTS)
        told.fired(
            "again 5 hours later, and 7 hours later",
            f"{summary.duplicates} duplicates, past the window too",
            summary.duplicates,
        )
        assert summary.duplicates == 2 * EVENTS


async def test_the_same_event_after_a_restart(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        usage = calls(0, EVENTS, now_ms())
        await stage.publish(usage)
        await stage.all_taken()
        await land.ends(worker)
        await stage.flush()
        land.start_worker(stage)
        await stage.publish(usage)
        summary = await proved(told, stage, EVENTS)
        assert summary.duplicates == EVENTS
        told.fired("again after a restart, Redis empty", f"{summary.duplicates} duplicates", EVENTS)


async def test_the_same_id_with_other_content(land: Ground, told: Told) -> None:
    async with land.working() as (stage, _):
        end = now_ms()
        await stage.publish(call(number, end) for number in range(EVENTS))
        await stage.publish(call(number, end, tokens=901) for number in range(EVENTS))
        summary = await proved(told, stage, EVENTS)
        assert summary.dead_letters == {"id_conflict": EVENTS}
        told.fired("each id again with other tokens", f"dead letters {summary.dead_letters}", EVENTS)
