"""The watermark never passes what may still come, and never goes back."""

import asyncio

import pytest
from tests.support.engine import A, World

from drawdown.engine.errors import REDIS_ALTERED, Doubt
from drawdown.engine.memory.cache import MemoryCache

SECOND = 1_000


async def test_it_waits_for_records_of_a_transaction_under_way(world: World) -> None:
    worker = await world.start()
    ending = asyncio.Event()

    async def slow(_: str) -> None:
        world.broker.on_end = None
        await ending.wait()

    world.broker.on_end = slow
    world.add(A, "misplaced", to=1)
    await world.clock.advance(30 * SECOND)
    forwarded = world.broker._at("adds", 0).entries[0].timestamp
    assert worker.runtime._shards[0].watermark.now() <= forwarded
    ending.set()
    await world.until(lambda: len(world.totals()) == 1)


def recorded(world: World) -> int:
    newest = world.newest_commit(0)
    assert newest is not None
    return newest.watermark


async def test_it_goes_on_with_the_next_owner(world: World) -> None:
    first = await world.start()
    await world.clock.advance(20 * SECOND)
    world.add(A, "one")
    await world.settled()
    before = recorded(world)
    assert before
    await first.stop()
    await world.start()
    world.add(A, "two")
    await world.settled()
    assert recorded(world) >= before


async def test_it_does_not_follow_a_clock_that_is_set_back(world: World) -> None:
    worker = await world.start()
    await world.clock.advance(20 * SECOND)
    before = worker.runtime._shards[0].watermark.now()
    world.clock._start_ms -= 60 * SECOND
    await world.clock.advance(5 * SECOND)
    assert worker.runtime._shards[0].watermark.now() >= before


async def test_a_recovery_that_ends_in_doubt_is_not_tried_again_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> bytes:
        await asyncio.sleep(0)
        msg = "Redis answered what it should not"
        raise Doubt(msg, kind=REDIS_ALTERED, rebuild=True)

    monkeypatch.setattr(MemoryCache, "begin_rebuild", broken)
    worker = world.worker()
    await worker.assign(0, 1)
    await world.clock.advance(10 * SECOND)
    assert 2 <= world.fences(0) <= 12
    monkeypatch.undo()
    await world.until(lambda: len(worker.runtime.open_shards) == 2)
