"""What is wrong in Redis under a right cursor is found by comparing it with the log, and mended by a rebuild."""

import asyncio
import contextlib
from collections.abc import Callable

import msgspec
import pytest
from tests.support.engine import CHANGELOG, KNOWN_IDS, A, B, Worker, World, account
from tests.support.tally import DAY_MS

from drawdown.domain.limits import ID_BUCKET_MS, PROBE_INTERVAL_MS, SCRUB_REST_MS, SCRUB_WAITS_MAX
from drawdown.engine.errors import REDIS, REDIS_ALTERED, Retry
from drawdown.engine.memory.cache import Held
from drawdown.engine.memory.clock import START_MS
from drawdown.engine.ports import Inventory, StateWrite

OTHER = account(0, 1)
PRODUCERS = ("tally-0", "tally-1")
SOON_MS = PROBE_INTERVAL_MS + 100
SWEPT_MS = SCRUB_REST_MS + 3 * PROBE_INTERVAL_MS


@pytest.fixture
async def worker(world: World) -> Worker:
    """A worker whose shards hold some states, ids and a due time, and are idle."""
    made = await world.start()
    for number in range(4):
        world.add(A, f"a{number}")
        world.add(B, f"b{number}")
        await world.settled()
    world.set(OTHER, "due", 7, due=START_MS + DAY_MS)
    await world.settled()
    return made


def lose_a_state(held: Held) -> None:
    del held.states[A]


def take_back_a_state(held: Held) -> None:
    held.states[A] = StateWrite(A, held.states[A].number - 1, b"[3, 3, 0]", None)


def change_a_state(held: Held) -> None:
    held.states[A] = msgspec.structs.replace(held.states[A], value=b"[9, 4, 0]")


def forge_a_state(held: Held) -> None:
    assert held.cursor is not None
    held.states[A] = StateWrite(A, held.cursor.number, b"[9, 4, 0]", None)


def put_a_state_of_nobody(held: Held) -> None:
    held.states["nobody"] = StateWrite("nobody", 1, b"[9, 9, 0]", None)


def damage_a_state(held: Held) -> None:
    held.damaged.add(A)


def lose_an_id(held: Held) -> None:
    next(iter(held.buckets.values())).popitem()


def change_an_id(held: Held) -> None:
    bucket = next(iter(held.buckets.values()))
    bucket[next(iter(bucket))] = b"another content "


def put_an_id_of_nobody(held: Held) -> None:
    next(iter(held.buckets.values()))[b"i" * 16] = b"content "


def put_a_bucket_of_nobody(held: Held) -> None:
    held.buckets[99_999] = {b"i" * 16: b"content "}


def lose_all_ids(held: Held) -> None:
    held.buckets.clear()


def move_an_id(held: Held) -> None:
    number, bucket = next(iter(held.buckets.items()))
    held.buckets[number + 1] = dict([bucket.popitem()])


def lose_a_due_time(held: Held) -> None:
    del held.due[OTHER]


def change_a_due_time(held: Held) -> None:
    held.due[OTHER] += 1


def put_a_due_time_of_nobody(held: Held) -> None:
    held.due["nobody"] = 5 * DAY_MS + START_MS


COUNTED = (lose_a_state, put_a_state_of_nobody, lose_an_id, put_an_id_of_nobody, put_a_bucket_of_nobody, lose_all_ids,
           move_an_id, lose_a_due_time, put_a_due_time_of_nobody)  # fmt: skip
COMPARED = (take_back_a_state, change_a_state, forge_a_state, damage_a_state, change_an_id, change_a_due_time)
EDITS = (*COUNTED, *COMPARED)


async def noticed(world: World, worker: Worker, before: Held, within_ms: int) -> None:
    """See the shard rebuilt to the same bytes, and the other one left alone."""
    fences = world.fences(1)
    await world.clock.advance(within_ms)
    await world.settled()
    assert world.cache.copy(0) == before
    counts = worker.runtime.counts
    assert (counts.scrub_differences, counts.rebuilds, counts.doubts_by) == (1, 1, {REDIS_ALTERED: 1})
    assert world.fences(1) == fences


@pytest.mark.parametrize("edit", EDITS)
async def test_what_was_edited_before_is_found_by_a_sweep(
    world: World, worker: Worker, edit: Callable[[Held], None]
) -> None:
    await worker.stop()
    before = world.cache.copy(0)
    edit(world.cache.held(0))
    await noticed(world, await world.start(), before, 2 * PROBE_INTERVAL_MS)


@pytest.mark.parametrize("edit", COUNTED)
async def test_what_changes_a_number_is_found_by_the_next_probe(
    world: World, worker: Worker, edit: Callable[[Held], None]
) -> None:
    await world.clock.advance(2 * PROBE_INTERVAL_MS)
    assert worker.runtime.counts.scrubs == 2
    before = world.cache.copy(0)
    edit(world.cache.held(0))
    await noticed(world, worker, before, SOON_MS)


@pytest.mark.parametrize("edit", COMPARED)
async def test_what_changes_no_number_is_found_by_the_next_sweep(
    world: World, worker: Worker, edit: Callable[[Held], None]
) -> None:
    await world.clock.advance(2 * PROBE_INTERVAL_MS)
    before = world.cache.copy(0)
    edit(world.cache.held(0))
    await world.clock.advance(SOON_MS)
    await noticed(world, worker, before, SWEPT_MS)


@pytest.mark.parametrize("edit", EDITS)
async def test_beside_load_of_other_accounts_it_is_found_as_well(
    world: World, worker: Worker, edit: Callable[[Held], None]
) -> None:
    await worker.stop()
    edit(world.cache.held(0))
    worker = await world.start()
    for number in range(30):
        world.add(account(0, 2 + (number if number % 3 else 0)), f"more-{number}")
        await world.clock.advance(PROBE_INTERVAL_MS // 3)
    await world.settled()
    assert worker.runtime.counts.rebuilds == 1
    assert worker.runtime.counts.doubts_by == {REDIS_ALTERED: 1}


async def test_a_shard_in_order_is_swept_again_and_again_and_left_alone(world: World, worker: Worker) -> None:
    fences = [world.fences(0), world.fences(1)]
    for number in range(60):
        world.add(A, f"more-{number}")
        world.add(account(1, number), f"new-{number}")
        if number == 30:
            world.broker.compact(CHANGELOG, 0)
            world.broker.compact(CHANGELOG, 1)
        await world.clock.advance(PROBE_INTERVAL_MS)
    counts = worker.runtime.counts
    assert (counts.doubts, counts.rebuilds) == (0, 0)
    assert counts.scrubs >= 4
    assert counts.scrub_records > 40
    assert [world.fences(0), world.fences(1)] == fences


async def test_a_commit_that_readers_do_not_see_yet_is_waited_for(world: World) -> None:
    world.broker.late.update(PRODUCERS)
    worker = await world.start()
    world.add(A, "a")
    world.add(B, "b")
    await world.clock.advance(3 * PROBE_INTERVAL_MS)
    counts = worker.runtime.counts
    assert (counts.transactions, counts.doubts, counts.scrubs) == (2, 0, 0)
    world.broker.mark()
    await world.clock.advance(2 * PROBE_INTERVAL_MS)
    assert (counts.doubts, counts.scrubs) == (0, 2)


async def test_a_commit_that_readers_never_see_is_a_difference(world: World) -> None:
    world.broker.late.update(PRODUCERS)
    worker = await world.start()
    world.add(A, "a")
    await world.clock.advance((SCRUB_WAITS_MAX - 1) * PROBE_INTERVAL_MS)
    assert worker.runtime.counts.doubts == 0
    world.broker.late.clear()
    await world.clock.advance(3 * PROBE_INTERVAL_MS)
    assert worker.runtime.counts.doubts_by == {REDIS_ALTERED: 1}
    await world.settled()


async def test_it_stops_though_what_it_calls_loses_the_cancellation(
    world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def loses_it(_: int) -> Inventory:
        reached.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        raise Retry("nothing came", part=REDIS)

    monkeypatch.setattr(world.cache, "inventory", loses_it)
    await world.clock.advance(PROBE_INTERVAL_MS)
    assert reached.is_set()
    async with asyncio.timeout(5):
        await worker.runtime._scrub.stop()


async def test_ids_that_are_forgotten_are_not_missed(world: World, worker: Worker) -> None:
    for day in range(4):
        world.add(A, f"day-{day}")
        await world.clock.advance(SWEPT_MS)
        await world.clock.jump(ID_BUCKET_MS)
        await world.clock.advance(SWEPT_MS)
    assert worker.runtime.counts.doubts == 0
    await worker.stop()
    second = await world.start()
    await world.clock.advance(SWEPT_MS)
    assert (second.runtime.counts.doubts, second.runtime.counts.scrubs) == (0, 4)
    world.cache.wipe(0)
    await world.clock.advance(SOON_MS)
    await world.clock.advance(SWEPT_MS)
    assert (second.runtime.counts.doubts, second.runtime.counts.rebuilds) == (1, 1)


async def test_ids_that_retention_took_from_the_log_are_not_missed(world: World, worker: Worker) -> None:
    await world.clock.jump(30 * ID_BUCKET_MS)  # all of them are forgotten by then
    world.broker.delete_before(KNOWN_IDS, 1, world.broker.written(KNOWN_IDS, 1))
    await world.clock.advance(2 * SWEPT_MS)
    counts = worker.runtime.counts
    assert (counts.doubts, counts.scrubs) == (0, 6)


async def test_a_part_that_is_down_is_no_difference(world: World, worker: Worker) -> None:
    world.cache.down = True
    await world.clock.advance(2 * PROBE_INTERVAL_MS)
    world.cache.down, world.broker.down = False, True
    await world.clock.advance(2 * PROBE_INTERVAL_MS)
    world.broker.down = False
    await world.clock.advance(2 * PROBE_INTERVAL_MS)
    assert worker.runtime.counts.scrubs == 2
    assert worker.runtime.counts.doubts == 0


async def test_a_changelog_that_cannot_be_read_halts_its_shard(world: World, worker: Worker) -> None:
    entries = world.broker._at(CHANGELOG, 0).entries
    entries[0] = type(entries[0])(entries[0].offset, 0, b"someone", b"\x00", (), 0)
    halt = await world.halts(worker, 0)
    assert "record of account b'someone' cannot be read" in str(halt)
    assert worker.runtime.open_shards == {1}
