"""Readers must not see stale balances for longer than a few seconds: an idle shard's Redis is probed."""

import pytest
from tests.support.engine import A, B, Worker, World, a_world

from drawdown.domain.limits import LOG_CLOCK_PROBE_INTERVAL_MS, PROBE_INTERVAL_MS
from drawdown.engine.commit import Cursor


@pytest.fixture
async def worker(world: World) -> Worker:
    """A worker whose shards are idle after some inputs."""
    made = await world.start()
    for number in range(3):
        world.add(A, f"a{number}")
        world.add(B, f"b{number}")
        await world.settled()
    return made


async def test_a_wiped_redis_is_rebuilt_within_the_probe_interval(world: World, worker: Worker) -> None:
    before = world.states()
    world.cache.wipe(0)
    world.cache.wipe(1)
    await world.clock.advance(PROBE_INTERVAL_MS + 100)
    assert world.states() == before
    assert (worker.runtime.counts.rebuilds, worker.runtime.counts.doubts) == (2, 2)


async def test_a_redis_rolled_back_catches_up_within_the_probe_interval(world: World, worker: Worker) -> None:
    earlier = world.cache.copy(0)
    world.add(A, "later")
    await world.settled()
    now = world.cache.copy(0)
    world.cache.restore(0, earlier)
    await world.clock.advance(PROBE_INTERVAL_MS + 100)
    assert world.cache.copy(0) == now
    assert (worker.runtime.counts.catch_ups, worker.runtime.counts.rebuilds) == (1, 0)


async def test_an_unreadable_cursor_is_rebuilt_within_the_probe_interval(world: World, worker: Worker) -> None:
    before = world.cache.copy(0)
    world.cache.damage_cursor(0)
    await world.clock.advance(PROBE_INTERVAL_MS + 100)
    assert world.cache.copy(0) == before


async def test_a_shard_that_never_had_an_input_is_probed_too(world: World) -> None:
    worker = await world.start()
    world.cache.set_cursor(0, Cursor(5, b"of another stack"))
    halt = await world.halts(worker, 0)
    assert "Redis is at commit 5, but the newest on the changelog is 0" in str(halt)
    assert worker.runtime.open_shards == {1}


async def test_a_redis_that_is_down_when_it_is_probed_is_asked_again_later(world: World, worker: Worker) -> None:
    world.cache.down = True
    await world.clock.advance(4 * PROBE_INTERVAL_MS)
    assert worker.runtime.open_shards == {0, 1}
    world.cache.wipe(0)
    world.cache.down = False
    await world.clock.advance(PROBE_INTERVAL_MS + 100)
    assert world.states()[A] == b"[3, 3, 0]"
    assert worker.runtime.counts.doubts == 1


async def test_a_shard_in_order_is_left_alone_however_often_it_is_probed(world: World, worker: Worker) -> None:
    fenced = [world.fences(0), world.fences(1)]
    await world.clock.advance(20 * PROBE_INTERVAL_MS)
    assert worker.runtime.counts.doubts == 0
    assert [world.fences(0), world.fences(1)] == fenced


async def test_a_busy_shard_is_probed_between_its_takes(world: World, worker: Worker) -> None:
    for number in range(40):
        world.add(A, f"more-{number}")
        await world.clock.advance(PROBE_INTERVAL_MS // 10)
        if number == 20:
            world.cache.wipe(0)
    await world.settled()
    assert world.states()[A] == b"[43, 43, 0]"
    assert worker.runtime.counts.rebuilds == 1


async def test_where_records_carry_their_own_time_it_passes_in_leaps_and_shards_are_looked_at_more_often() -> None:
    async with a_world(append_time=False, log_clock=True) as world:
        worker = await world.start()
        world.add(A, "a")
        await world.settled()
        world.cache.wipe(world.place(A))
        await world.clock.advance(LOG_CLOCK_PROBE_INTERVAL_MS + 100)
        assert worker.runtime.counts.rebuilds == 1
