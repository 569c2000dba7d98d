"""A rebuild by hand: beside a running owner, which goes on; readers see whole balances all the time."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.support.engine import CHANGELOG, LEDGER, A, Worker, World, account
from tests.support.tally import DAY_MS

from drawdown.domain.limits import REBUILD_SWAPS_MAX
from drawdown.engine.commit import GENESIS, CommitRecord, Cursor
from drawdown.engine.errors import Doubt, Halt, Retry
from drawdown.engine.memory.cache import MemoryCache
from drawdown.engine.memory.clock import START_MS
from drawdown.engine.memory.log import MemoryLog
from drawdown.engine.ports import KnownId, StateWrite
from drawdown.engine.rebuild import Rebuild

OTHER = account(0, 1)
SOON_MS = 100


@pytest.fixture
async def worker(world: World) -> Worker:
    """A worker whose shards hold some states, ids and a due time."""
    made = await world.start()
    for number in range(4):
        world.add(A, f"a{number}")
        await world.settled()
    world.set(OTHER, "due", 7, due=START_MS + DAY_MS)
    await world.settled()
    return made


def rebuild(world: World, cache: MemoryCache | None = None) -> Rebuild:
    return Rebuild(MemoryLog(world.broker, LEDGER.name, chunk_records=2), cache or world.cache)


class Moving(MemoryCache):
    """The way of a rebuild to the Redis of all; the owner commits whenever the fresh place was written to."""

    def __init__(self, world: World, times: int) -> None:
        super().__init__()
        self._world, self._times = world, times
        self._shards, self._tokens = world.cache._shards, world.cache._tokens
        self.seen: list[bytes] = []

    async def stage(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        done = await super().stage(shard, token, states, ids)
        if self._times:
            self._times -= 1
            self._world.add(A, f"meanwhile-{self._times}")
            await self._world.settled()
        self.seen.append(self._world.states()[A])
        return done


async def test_a_wrong_shard_is_replaced_by_what_the_log_says(world: World, worker: Worker) -> None:
    await worker.stop()
    before = world.cache.copy(0)
    world.cache.held(0).states.pop(A)
    world.cache.held(0).buckets.clear()
    told: list[tuple[int, int]] = []
    done = await rebuild(world).run(0, lambda read, end: told.append((read, end)))
    assert world.cache.copy(0) == before
    assert (done.commit, done.states, done.ids, done.swaps) == (5, 2, 5, 1)
    assert told
    assert all(0 < read <= end for read, end in told)


@pytest.mark.parametrize("harm", ["wiped", "damaged"])
async def test_whatever_the_cursor_is(world: World, worker: Worker, harm: str) -> None:
    await worker.stop()
    before = world.cache.copy(0)
    if harm == "wiped":
        world.cache.wipe(0)
    else:
        world.cache.damage_cursor(0)
    await rebuild(world).run(0)
    assert world.cache.copy(0) == before


async def test_a_running_owner_does_not_notice(world: World, worker: Worker) -> None:
    fences = world.fences(0)
    before = world.cache.copy(0)
    await rebuild(world).run(0)
    assert world.cache.copy(0) == before
    world.add(A, "a0")
    world.add(A, "later")
    await world.settled()
    await world.clock.advance(200_000)
    assert world.totals(A)[-1] == ("later", 5, 5)
    assert (world.fences(0), worker.runtime.counts.doubts, worker.runtime.counts.duplicates) == (fences, 0, 1)


async def test_commits_made_meanwhile_are_loaded_before_the_swap(world: World, worker: Worker) -> None:
    cache = Moving(world, 3)
    done = await rebuild(world, cache).run(0)
    assert done.swaps == 4
    assert cache.seen == [b"[5, 5, 0]", b"[6, 6, 0]", b"[7, 7, 0]", b"[7, 7, 0]"]
    held = world.cache.copy(0)
    assert held.cursor is not None
    assert (held.cursor.number, held.states[A].value) == (8, b"[7, 7, 0]")
    for number in range(3):
        world.add(A, f"meanwhile-{number}")
    world.add(A, "later")
    await world.settled()
    assert world.totals(A)[-1] == ("later", 8, 8)
    assert (worker.runtime.counts.doubts, worker.runtime.counts.duplicates) == (0, 3)


async def test_an_owner_that_never_stands_still_is_left_alone(world: World, worker: Worker) -> None:
    before = world.cache.held(0)
    with pytest.raises(Doubt, match="committed again before each"):
        await rebuild(world, Moving(world, REBUILD_SWAPS_MAX)).run(0)
    assert world.cache.held(0) is before
    assert worker.runtime.counts.doubts == 0


async def test_an_owner_between_its_commit_and_its_apply_catches_up(world: World, worker: Worker) -> None:
    original, gate = world.cache.apply, asyncio.Event()

    async def slow(shard: int, expected: Cursor, new: Cursor, states: Sequence[StateWrite],
                   ids: Sequence[KnownId]) -> bool:  # fmt: skip
        await gate.wait()
        return await original(shard, expected, new, states, ids)

    world.cache.apply = slow  # type: ignore[method-assign]
    world.add(A, "slow")
    await world.until(lambda: len(world.totals(A)) == 5)
    assert (await rebuild(world).run(0)).commit == 6
    gate.set()
    await world.settled()
    world.add(A, "slow")
    world.add(A, "later")
    await world.settled()
    assert world.totals(A)[-1] == ("later", 6, 6)
    assert worker.runtime.counts.rebuilds == 0


async def test_a_redis_ahead_of_the_log_is_left_as_it_is(world: World, worker: Worker) -> None:
    await worker.stop()
    world.cache.set_cursor(0, Cursor(9, b"ahead of the log"))
    before = world.cache.copy(0)
    with pytest.raises(Halt, match="Redis is at commit 9, but the newest on the changelog is 5"):
        await rebuild(world).run(0)
    assert world.cache.copy(0) == before


class LateLog(MemoryLog):
    """A log whose readers are shown the newest commit when they ask for the newest one so many times."""

    asked = 0

    async def newest_commit(self, shard: int) -> tuple[CommitRecord, int] | None:
        self.asked += 1
        if self.asked == 4:
            self._broker.mark()
        return await super().newest_commit(shard)


async def test_what_its_owner_committed_a_moment_ago_is_waited_for(world: World, worker: Worker) -> None:
    world.broker.late.add("tally-0")
    world.add(A, "shown late")
    await world.clock.advance(SOON_MS)
    done = await Rebuild(LateLog(world.broker, LEDGER.name), world.cache).run(0)
    assert (done.commit, done.swaps) == (6, 4)
    assert world.cache.copy(0).states[A].number == 6


async def test_the_first_commit_of_all_is_asked_for_again(world: World) -> None:
    await world.start()
    world.broker.late.add("tally-0")
    world.add(A, "first")
    await world.clock.advance(SOON_MS)
    before = world.cache.copy(0)
    with pytest.raises(Retry, match="does not show its first commit yet"):
        await rebuild(world).run(0)
    assert world.cache.copy(0) == before


async def test_an_empty_log_leaves_nothing_to_do(world: World) -> None:
    assert (await rebuild(world).run(0)).commit == 0
    assert await world.cache.cursor(0) == GENESIS


async def test_of_two_at_once_one_gives_way(world: World, worker: Worker) -> None:
    await worker.stop()
    before = world.cache.copy(0)
    ends = await asyncio.gather(rebuild(world).run(0), rebuild(world).run(0), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["Doubt", "Rebuilt"]
    assert world.cache.copy(0) == before


async def test_a_compacted_log_is_enough(world: World, worker: Worker) -> None:
    await worker.stop()
    before = world.cache.copy(0)
    world.broker.compact(CHANGELOG, 0)
    world.cache.wipe(0)
    await rebuild(world).run(0)
    assert world.cache.copy(0) == before
