"""Timers and forgetting follow the shard's watermark, never a wall clock: a backlog changes nothing."""

import asyncio

import pytest
from tests.support.engine import LEDGER, OWN, A, Worker, World, a_world
from tests.support.tally import DAY_MS

from drawdown.domain.limits import ID_BUCKET_MS, PROBE_INTERVAL_MS, TIMER_RESEND_MS, WATERMARK_MARGIN_MS
from drawdown.engine.memory.clock import START_MS
from drawdown.engine.memory.log import MemoryLog

DUE = START_MS + 60_000
SOON_MS = WATERMARK_MARGIN_MS + 2 * PROBE_INTERVAL_MS


async def with_a_timer(world: World, worker: Worker | None = None) -> Worker:
    """Give a worker that has taken a command which wants a timer at DUE."""
    worker = await world.start(worker)
    world.set(A, "set", 5, due=DUE)
    await world.settled()
    return worker


def timers(world: World) -> list[int]:
    """Give when each timer was sent, after DUE."""
    return [
        e.timestamp - DUE for e in world.broker.committed(LEDGER.command_topic, 0) if b'"timer"' in (e.value or b"")
    ]


async def until_due(world: World) -> None:
    await world.clock.advance(DUE - world.clock.now_ms())


# --- sending ---------------------------------------------------------------------------------


async def test_a_timer_is_sent_once_when_the_watermark_has_passed_its_time(world: World) -> None:
    worker = await with_a_timer(world)
    await until_due(world)
    assert timers(world) == []
    await world.pass_time(SOON_MS)
    await world.settled()
    assert world.totals(A) == [("set", 5, 1), (f"timer:{A}:{DUE}", 5, 2)]
    await world.pass_time(3 * TIMER_RESEND_MS)
    assert len(timers(world)) == 1
    assert 0 < timers(world)[0] <= SOON_MS
    assert worker.runtime.counts.timers_sent == 1
    assert world.cache.copy(0).due == {}


async def test_a_timer_lost_on_its_way_is_sent_again_after_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends: list[int] = []
    original = MemoryLog.send

    async def lossy(
        log: MemoryLog, topic: str, partition: int, key: bytes, value: bytes, timestamp: int | None
    ) -> None:
        sends.append(world.clock.now_ms())
        if len(sends) > 1:
            await original(log, topic, partition, key, value, timestamp)

    monkeypatch.setattr(MemoryLog, "send", lossy)
    await with_a_timer(world)
    await until_due(world)
    await world.pass_time(SOON_MS + TIMER_RESEND_MS + PROBE_INTERVAL_MS)
    await world.settled()
    assert len(sends) == 2
    assert TIMER_RESEND_MS <= sends[1] - sends[0] <= TIMER_RESEND_MS + PROBE_INTERVAL_MS
    assert world.totals(A)[-1] == (f"timer:{A}:{DUE}", 5, 2)


async def test_a_timer_that_waits_is_sent_again_and_counts_once(world: World) -> None:
    worker = await with_a_timer(world)
    worker.transport.throttle(0, full=True)  # nothing more is fetched
    await until_due(world)
    await world.pass_time(SOON_MS + 2 * TIMER_RESEND_MS)
    assert len(timers(world)) == 3
    worker.transport.throttle(0, full=False)
    await world.settled()
    assert world.totals(A) == [("set", 5, 1), (f"timer:{A}:{DUE}", 5, 2)]
    assert worker.runtime.counts.duplicates == 2


async def test_the_next_owner_sends_a_timer_that_the_former_one_did_not(world: World) -> None:
    first = await with_a_timer(world)
    await first.stop()
    await until_due(world)
    await world.clock.advance(SOON_MS)
    assert timers(world) == []
    await world.start()
    await world.pass_time(SOON_MS)
    await world.settled()
    assert world.totals(A)[-1] == (f"timer:{A}:{DUE}", 5, 2)


async def test_a_timer_that_a_command_moved_comes_at_its_new_time_only(world: World) -> None:
    await with_a_timer(world)
    world.set(A, "again", 6, due=DUE + 60_000)
    await world.settled()
    await until_due(world)
    await world.pass_time(SOON_MS)
    assert timers(world) == []
    await world.pass_time(60_000)
    assert len(timers(world)) == 1
    assert world.totals(A)[-1] == (f"timer:{A}:{DUE + 60_000}", 6, 3)


async def test_a_timer_that_was_taken_back_never_comes(world: World) -> None:
    await with_a_timer(world)
    world.set(A, "again", 6)
    await world.settled()
    await until_due(world)
    await world.pass_time(4 * SOON_MS)
    assert timers(world) == []


async def test_kafka_or_redis_down_delays_timers_and_loses_none(world: World) -> None:
    worker = await with_a_timer(world)
    await until_due(world)
    world.cache.down = True
    await world.clock.advance(2 * SOON_MS)
    world.cache.down, world.broker.down = False, True
    await world.clock.advance(2 * SOON_MS)
    assert timers(world) == []
    world.broker.down = False
    await world.pass_time(SOON_MS)
    await world.settled()
    assert world.totals(A)[-1] == (f"timer:{A}:{DUE}", 5, 2)
    assert worker.failure is None


async def test_a_timer_is_known_again_after_redis_was_rebuilt(world: World) -> None:
    await with_a_timer(world)
    world.cache.wipe(0)
    await until_due(world)
    await world.pass_time(SOON_MS)
    assert world.totals(A)[-1] == (f"timer:{A}:{DUE}", 5, 2)


# --- too early -------------------------------------------------------------------------------


async def test_a_timer_that_comes_too_early_is_dropped_and_not_remembered(world: World) -> None:
    worker = await with_a_timer(world)
    world.publish(A, LEDGER.command_topic, id=f"timer:{A}:{DUE}", account=A, timer=DUE)
    await world.settled()
    assert world.totals(A) == [("set", 5, 1)]
    assert worker.runtime.counts.rated == 1
    assert world.dead_letters() == []
    await until_due(world)
    await world.pass_time(SOON_MS)
    assert world.totals(A) == [("set", 5, 1), (f"timer:{A}:{DUE}", 5, 2)]
    assert worker.runtime.counts.duplicates == 0


# --- the watermark ---------------------------------------------------------------------------


async def test_a_backlog_holds_timers_back_however_late_it_is(world: World) -> None:
    worker = await with_a_timer(world)
    worker.transport.throttle(0, full=True)  # nothing more is fetched
    world.add(A, "late", 1)
    await world.clock.jump(DAY_MS)
    await world.clock.advance(4 * SOON_MS)
    assert timers(world) == []
    worker.transport.throttle(0, full=False)
    await world.pass_time(SOON_MS)
    await world.settled()
    assert world.totals(A) == [("set", 5, 1), ("late", 6, 2), (f"timer:{A}:{DUE}", 6, 3)]


async def test_one_input_of_several_that_lags_holds_timers_back(world: World) -> None:
    worker = await with_a_timer(world)
    worker.transport.throttle(0, full=True)
    for number in range(5):
        world.add(A, f"late-{number}", topic="adds-late")
    worker.transport.records_max = 1
    worker.held = asyncio.Event()
    worker.transport.throttle(0, full=False)
    await until_due(world)
    await world.clock.advance(4 * SOON_MS)
    assert timers(world) == []
    worker.held.set()
    await world.pass_time(SOON_MS)
    await world.settled()
    assert [total for _, total, _ in world.totals(A)] == [5, 6, 7, 8, 9, 10, 10]


async def test_the_watermark_is_in_the_commit_record_and_never_ahead_of_what_was_taken(world: World) -> None:
    await world.start()
    world.add(A, "one")
    await world.settled()
    first = world.newest_commit(0)
    await world.clock.advance(20_000)
    world.add(A, "two")
    await world.settled()
    second = world.newest_commit(0)
    assert first is not None
    assert second is not None
    assert first.watermark == 0  # nothing was ever asked
    assert START_MS < second.watermark <= world.clock.now_ms() - WATERMARK_MARGIN_MS


async def test_where_records_carry_their_own_time_only_they_move_timers() -> None:
    async with a_world(append_time=False, log_clock=True) as world:
        await world.start()
        world.publish(A, LEDGER.command_topic, at=START_MS, id="set", set=5, due=DUE)
        await world.settled()
        await world.pass_time(4 * SOON_MS)
        await world.clock.jump(DAY_MS)
        await world.pass_time(SOON_MS)
        assert world.totals(A) == [("set", 5, 1)]
        world.publish(A, at=DUE + 1, id="usage", add=1)
        await world.settled()
        await world.pass_time(SOON_MS)
        await world.settled()
        assert world.totals(A) == [("set", 5, 1), ("usage", 6, 2), (f"timer:{A}:{DUE}", 6, 3)]


# --- forgetting ------------------------------------------------------------------------------


async def test_ids_are_forgotten_when_the_watermark_has_passed_their_time(world: World) -> None:
    worker = await world.start()
    world.add(A, "one")
    await world.settled()
    await world.clock.jump(DAY_MS)
    await world.clock.advance(SOON_MS)
    world.add(A, "one")  # its bucket is not over yet
    await world.settled()
    assert worker.runtime.counts.duplicates == 1
    await world.clock.jump(ID_BUCKET_MS)
    await world.clock.advance(SOON_MS)
    assert len(world.cache.copy(0).buckets) == 1  # no commit says yet how far the watermark is
    world.add(A, "two")
    await world.settled()
    await world.clock.advance(SOON_MS)
    assert len(world.cache.copy(0).buckets) == 1
    world.add(A, "one")
    await world.settled()
    assert world.totals(A) == [("one", 1, 1), ("two", 2, 2), ("one", 3, 3)]


async def test_a_backlog_of_days_forgets_nothing_that_it_may_hold_again(world: World) -> None:
    worker = await world.start()
    world.add(A, "one")
    await world.settled()
    worker.transport.throttle(0, full=True)  # nothing more is fetched
    world.add(A, "two")
    world.add(A, "one")  # appended now, taken days later
    await world.clock.jump(3 * DAY_MS)
    await world.clock.advance(4 * SOON_MS)
    worker.transport.throttle(0, full=False)
    await world.settled()
    assert worker.runtime.counts.duplicates == 1
    assert world.totals(A) == [("one", 1, 1), ("two", 2, 2)]


async def test_an_owner_that_never_reached_the_end_of_its_inputs_forgets_nothing(world: World) -> None:
    first = await world.start()
    world.add(A, "one")
    await world.settled()
    await first.stop()
    await world.clock.jump(3 * DAY_MS)
    owner = world.worker()
    owner.held = asyncio.Event()
    world.add(A, "two")
    await owner.assign(0, 1)
    await world.clock.advance(SOON_MS)
    assert len(world.cache.copy(0).buckets) == 1
    assert all(world.broker.committed(topic, 0) for topic in OWN)
    owner.held.set()
    await world.settled()
