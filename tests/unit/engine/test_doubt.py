"""Whatever is not known for sure leads to: fence, read, bring Redis to it, go on. Every input counts once."""

import asyncio
from collections.abc import Callable

import pytest
from tests.support.engine import A, B, Worker, World

from drawdown.engine.commit import Cursor
from drawdown.engine.memory.broker import CommitFault
from drawdown.engine.records import Batch, Record

FAULTS = pytest.mark.parametrize("fault", list(CommitFault))


async def start(world: World, *idents: str) -> Worker:
    """Give a worker that has rated inputs of both shards."""
    worker = await world.start()
    for ident in idents:
        world.add(A, ident)
        world.add(B, f"b-{ident}")
        await world.settled()
    return worker


def assert_once(world: World, *idents: str) -> None:
    """Each of A's inputs has one output, in order, and its numbers have no gap; nothing was refused."""
    numbered = [(ident, number, number) for number, ident in enumerate(idents, 1)]
    assert world.totals(A) == numbered
    assert world.states()[A] == b"[%d, %d, 0]" % (len(idents), len(idents))
    assert world.dead_letters() == []


# --- transactions ----------------------------------------------------------------------------


@FAULTS
@pytest.mark.parametrize("times", [1, 2, 5])
async def test_a_transaction_of_unknown_outcome_counts_once(world: World, fault: CommitFault, times: int) -> None:
    worker = await start(world, "one")
    world.broker.faults.extend([fault] * times)
    fenced = world.fences(0)
    for ident in ("two", "three"):
        world.add(A, ident)
        await world.settled()
    assert_once(world, "one", "two", "three")
    assert worker.runtime.counts.doubts >= min(times, 2)
    assert world.fences(0) > fenced
    assert worker.failure is None


async def test_transactions_that_fail_again_and_again_wait_longer_and_longer(world: World) -> None:
    worker = await start(world, "one")
    fenced, began = world.fences(0), world.clock.monotonic_ms()
    world.broker.faults.extend([CommitFault.ABORTED] * 7)
    world.add(A, "two")
    await world.settled()
    assert_once(world, "one", "two")
    assert worker.runtime.counts.doubts == 7
    assert world.fences(0) == fenced + 7
    assert world.clock.monotonic_ms() - began >= sum((100, 200, 400, 800, 1_600))
    world.broker.faults.append(CommitFault.ABORTED)
    began = world.clock.monotonic_ms()
    world.add(A, "three")
    await world.settled()
    assert world.clock.monotonic_ms() - began < 1_000  # it moved on between: the first doubt waits for nothing


@FAULTS
async def test_the_very_first_transaction_may_be_of_unknown_outcome(world: World, fault: CommitFault) -> None:
    world.broker.faults.append(fault)
    world.add(A, "one")
    await world.start()
    await world.settled()
    assert_once(world, "one")


@FAULTS
async def test_what_waits_behind_a_doubt_is_taken_again_from_the_log(world: World, fault: CommitFault) -> None:
    await start(world, "one")
    world.broker.faults.append(fault)

    async def publish_more(_: str) -> None:
        world.broker.on_end = None
        world.add(A, "three")

    world.broker.on_end = publish_more
    world.add(A, "two")
    await world.settled()
    assert_once(world, "one", "two", "three")


async def test_an_unanswered_transaction_is_caught_up_and_not_made_again(world: World) -> None:
    worker = await start(world, "one")
    world.broker.faults.append(CommitFault.UNANSWERED)
    world.add(A, "two")
    await world.settled()
    counts = worker.runtime.counts
    assert (counts.doubts, counts.catch_ups, counts.rebuilds, counts.duplicates) == (1, 1, 0, 0)
    newest = world.newest_commit(0)
    assert newest is not None
    assert newest.number == 2


async def test_a_transaction_left_open_is_aborted_by_the_next_fencing(world: World) -> None:
    worker = await start(world, "one")
    world.broker.faults.append(CommitFault.LEFT_OPEN)
    world.add(A, "two")
    await world.until(lambda: worker.runtime.counts.doubts == 1)
    await world.settled()
    assert world.broker.bounds("totals", 0)[1] == world.broker._at("totals", 0).end
    assert_once(world, "one", "two")


async def test_what_was_fetched_before_a_doubt_is_not_taken_after_it(world: World) -> None:
    worker = await start(world, "one")
    (epoch,) = {worker.transport._epochs[0]}
    world.broker.faults.append(CommitFault.ABORTED)
    world.add(A, "two")
    await world.settled()
    late = Record("adds", 0, 2, 1, A.encode(), b'{"id": "late", "add": 1}')
    worker.runtime.deliver(Batch(0, epoch, [late], {"adds": 2}, {"adds": 3}))
    assert worker.runtime.counts.stale_batches == 1
    await world.settled()
    assert_once(world, "one", "two")


async def test_a_doubt_of_one_shard_leaves_the_others_alone(world: World) -> None:
    worker = await start(world, "one")
    fenced = world.fences(1)
    world.broker.faults.extend([CommitFault.ABORTED] * 3)
    world.add(A, "two")
    await world.settled()
    world.add(B, "b-two")
    await world.settled()
    assert world.fences(1) == fenced
    assert world.totals(B) == [("b-one", 1, 1), ("b-two", 2, 2)]
    assert worker.runtime.counts.doubts == 3


# --- Redis -----------------------------------------------------------------------------------


async def test_while_redis_is_down_nothing_is_taken_and_then_it_goes_on(world: World) -> None:
    worker = await start(world, "one")
    world.cache.down = True
    world.add(A, "two")
    world.publish(A, id="bad", add=-1)
    await world.pass_time(60_000)
    newest = world.newest_commit(0)
    assert newest is not None
    assert newest.number == 1
    assert (world.totals(A), world.dead_letters()) == ([("one", 1, 1)], [])
    world.cache.down = False
    await world.settled()
    assert world.totals(A) == [("one", 1, 1), ("two", 2, 2)]
    assert [reason for reason, _ in world.dead_letters()] == ["negative_quantity"]
    assert worker.runtime.counts.doubts == 0


async def test_redis_down_at_assignment_delays_the_opening(world: World) -> None:
    world.cache.down = True
    world.add(A, "one")
    worker = world.worker()
    await worker.assign(0, 1)
    await world.pass_time(60_000)
    assert worker.runtime.open_shards == frozenset()
    world.cache.down = False
    await world.settled()
    assert_once(world, "one")


def during_the_transaction(world: World, act: Callable[[], None]) -> None:
    """Do something between the next transaction's appends and its end."""

    async def once(_: str) -> None:
        world.broker.on_end = None
        act()

    world.broker.on_end = once


async def test_redis_going_down_between_commit_and_apply_is_waited_for(world: World) -> None:
    worker = await start(world, "one")
    during_the_transaction(world, lambda: setattr(world.cache, "down", True))
    world.add(A, "two")
    await world.pass_time(30_000)
    assert len(world.totals(A)) == 2  # in the log already
    world.cache.down = False
    await world.settled()
    assert_once(world, "one", "two")
    assert worker.runtime.counts.doubts == 0


@pytest.mark.parametrize("times", [1, 2, 4])
async def test_an_apply_that_took_effect_without_an_answer_counts_once(world: World, times: int) -> None:
    worker = await start(world, "one")
    world.cache.unanswered = times
    for ident in ("two", "three"):
        world.add(A, ident)
        await world.settled()
    assert_once(world, "one", "two", "three")
    assert worker.runtime.counts.doubts == 0  # the cursor tells


@pytest.mark.parametrize("times", [1, 2, 3, 4])
async def test_a_rebuild_whose_answers_are_lost_ends_all_the_same(world: World, times: int) -> None:
    first = await start(world, "one", "two")
    await first.stop()
    before = world.cache.copy(0)
    world.cache.wipe(0)
    world.cache.unanswered = times
    await world.start()
    await world.settled()
    assert world.cache.copy(0) == before


async def test_a_redis_wiped_between_look_up_and_apply_is_rebuilt(world: World) -> None:
    worker = await start(world, "one")
    during_the_transaction(world, lambda: world.cache.wipe(0))
    began_ms = world.clock.monotonic_ms()
    world.add(A, "two")
    await world.settled()
    assert_once(world, "one", "two")
    assert worker.runtime.counts.rebuilds == 1
    assert world.clock.monotonic_ms() - began_ms < 100  # the apply noticed, not the next probe


async def test_a_redis_wiped_between_two_takes_is_noticed_by_the_look_up(world: World) -> None:
    worker = await start(world, "one")
    world.cache.wipe(0)
    world.add(A, "one")  # a duplicate: the wiped Redis does not know it
    world.add(A, "two")
    await world.settled()
    assert_once(world, "one", "two")
    assert worker.runtime.counts.rebuilds == 1


async def test_a_redis_rolled_back_between_look_up_and_apply_catches_up(world: World) -> None:
    worker = await start(world, "one")
    earlier = world.cache.copy(0)
    world.add(A, "two")
    await world.settled()
    during_the_transaction(world, lambda: world.cache.restore(0, earlier))
    world.add(A, "three")
    await world.settled()
    assert_once(world, "one", "two", "three")
    assert (worker.runtime.counts.catch_ups, worker.runtime.counts.rebuilds) == (1, 0)


async def test_a_redis_rolled_back_between_two_takes_does_not_count_again(world: World) -> None:
    await start(world, "one")
    earlier = world.cache.copy(0)
    world.add(A, "two")
    await world.settled()
    world.cache.restore(0, earlier)
    world.add(A, "two")
    world.add(A, "three")
    await world.settled()
    assert_once(world, "one", "two", "three")


async def test_a_cursor_edited_in_place_is_rebuilt(world: World) -> None:
    worker = await start(world, "one")
    world.cache.damage_cursor(0)
    world.add(A, "two")
    await world.settled()
    assert_once(world, "one", "two")
    assert worker.runtime.counts.rebuilds == 1


async def test_another_chain_under_the_same_number_is_noticed(world: World) -> None:
    await start(world, "one")
    cursor = world.cache.copy(0).cursor
    assert cursor is not None
    changed = Cursor(cursor.number, b"another chain   ", cursor.changelog_offset, cursor.ids_offset)
    world.cache.set_cursor(0, changed)
    world.add(A, "two")
    await world.settled()
    assert_once(world, "one", "two")


# --- Kafka -----------------------------------------------------------------------------------


async def test_kafka_down_at_assignment_delays_the_opening(world: World) -> None:
    world.add(A, "one")
    world.broker.down = True
    worker = world.worker()
    await worker.assign(0, 1)
    await world.pass_time(60_000)
    assert (worker.runtime.open_shards, worker.failure, worker.runtime.halted) == (frozenset(), None, {})
    world.broker.down = False
    await world.settled()
    assert_once(world, "one")
    assert worker.failure is None


async def test_kafka_down_for_a_while_is_waited_for(world: World) -> None:
    worker = await start(world, "one")
    world.broker.down = True
    await world.pass_time(60_000)
    world.broker.down = False
    world.add(A, "two")
    await world.settled()
    assert_once(world, "one", "two")
    assert worker.failure is None


async def test_kafka_going_down_inside_a_transaction_is_waited_for(world: World) -> None:
    worker = await start(world, "one")
    during_the_transaction(world, lambda: setattr(world.broker, "down", True))
    world.add(A, "two")
    await world.pass_time(60_000)
    assert worker.runtime.counts.doubts >= 1
    world.broker.down = False
    await world.settled()
    assert_once(world, "one", "two")


async def test_all_of_it_going_down_in_turn_loses_nothing(world: World) -> None:
    worker = await start(world, "one")
    idents = ["one"]
    for number in range(6):
        idents.append(f"more-{number}")
        world.add(A, idents[-1])
        await asyncio.sleep(0)
        world.cache.down, world.broker.down = number % 2 == 0, number % 3 == 0
        await world.pass_time(7_000)
        world.cache.down = world.broker.down = False
        await world.pass_time(1_000)
    await world.settled()
    assert_once(world, *idents)
    assert worker.failure is None
