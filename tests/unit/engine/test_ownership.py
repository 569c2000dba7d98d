"""A shard has one owner: who lost it can reach neither log nor Redis, and does not fence the new one."""

import asyncio

import pytest
from tests.support.engine import LEDGER, A, B, OwnWay, Worker, World

from drawdown.engine.memory.broker import CommitFault, MemoryBroker
from drawdown.engine.memory.log import MemoryLog, MemoryShardLog


class SlowFence(MemoryLog):
    """A log whose fencing waits for a gate."""

    def __init__(self, broker: MemoryBroker, ledger: str) -> None:
        super().__init__(broker, ledger)
        self.gate = asyncio.Event()
        self.waiting = 0

    async def fence(self, shard: int) -> MemoryShardLog:
        self.waiting += 1
        await self.gate.wait()
        return await super().fence(shard)


def assert_once(world: World, *idents: str) -> None:
    assert world.totals(A) == [(ident, number, number) for number, ident in enumerate(idents, 1)]
    assert world.states()[A] == b"[%d, %d, 0]" % (len(idents), len(idents))


async def a_zombie(world: World) -> tuple[Worker, asyncio.Event]:
    """Give a worker whose agent was paused with an input in its hands, and whose shards went to another one."""
    zombie = await world.start()
    world.add(A, "one")
    await world.settled()
    zombie.held = woken = asyncio.Event()
    world.add(A, "two")
    await world.clock.advance(1_000)
    zombie.transport.assigned = False  # the group has forgotten it; it does not know
    return zombie, woken


async def owner_after(world: World) -> Worker:
    owner = await world.start()
    await world.settled()
    return owner


async def test_a_zombie_that_wakes_with_a_rated_take_cannot_commit_it(world: World) -> None:
    zombie, woken = await a_zombie(world)
    owner = await owner_after(world)
    world.add(A, "three")
    await world.settled()
    woken.set()
    await world.pass_time(30_000)
    assert_once(world, "one", "two", "three")
    assert zombie.runtime.counts.doubts == 1
    assert zombie.runtime.open_shards.isdisjoint({0})
    assert owner.runtime.open_shards == {0, 1}


async def test_a_zombie_does_not_fence_the_new_owner(world: World) -> None:
    zombie, woken = await a_zombie(world)
    owner = await owner_after(world)
    fenced = world.fences(0)
    woken.set()
    await world.pass_time(120_000)
    assert world.fences(0) == fenced
    assert owner.runtime.counts.doubts == 0
    await zombie.revoke(0, 1)  # it hears of it at last
    world.add(A, "three")
    await world.settled()
    assert_once(world, "one", "two", "three")
    assert zombie.failure is None


async def test_a_zombie_inside_a_transaction_is_aborted_by_the_new_owner(world: World) -> None:
    zombie = await world.start()
    world.add(A, "one")
    await world.settled()
    woken = asyncio.Event()

    async def sleep(_: str) -> None:
        world.broker.on_end = None
        await woken.wait()

    world.broker.on_end = sleep
    world.add(A, "two")
    await world.clock.advance(1_000)
    assert len(world.totals(A)) == 1  # appended, not committed
    zombie.transport.assigned = False
    await owner_after(world)
    woken.set()
    await world.pass_time(10_000)
    assert_once(world, "one", "two")
    assert zombie.runtime.counts.doubts == 1


async def test_a_zombies_late_apply_is_refused(world: World) -> None:
    way = OwnWay(world.cache)
    zombie = await world.start(world.worker(cache=way))
    world.add(A, "one")
    await world.settled()
    way.gates["apply"] = woken = asyncio.Event()
    world.add(A, "two")
    await world.until(lambda: way.stalled == 1)
    zombie.transport.assigned = False
    owner = await owner_after(world)
    assert owner.runtime.counts.catch_ups == 1  # the zombie had committed
    world.add(A, "three")
    await world.settled()
    woken.set()
    await world.pass_time(10_000)
    assert_once(world, "one", "two", "three")
    assert zombie.runtime.counts.doubts == 1
    assert owner.runtime.counts.doubts == 0


@pytest.mark.parametrize("at", ["begin_rebuild", "load", "finish_rebuild"])
async def test_a_zombie_that_wakes_inside_a_rebuild_does_no_lasting_harm(world: World, at: str) -> None:
    first = await world.start()
    world.add(A, "one")
    await world.settled()
    await first.stop()
    world.cache.wipe(0)
    way = OwnWay(world.cache)
    way.gates[at] = woken = asyncio.Event()
    zombie = world.worker(cache=way)
    await zombie.assign(0)
    await world.until(lambda: way.stalled == 1)
    zombie.transport.assigned = False
    await owner_after(world)
    world.add(A, "two")
    await world.settled()
    woken.set()
    world.add(A, "three")
    await world.pass_time(10_000)
    await world.settled()
    assert_once(world, "one", "two", "three")
    await zombie.revoke(0)


# --- proof -----------------------------------------------------------------------------------


async def test_after_a_doubt_a_shard_is_fenced_again_only_with_an_accepted_offset_commit(world: World) -> None:
    worker = await world.start()
    worker.transport.assigned = False
    world.broker.faults.append(CommitFault.ABORTED)
    fenced = world.fences(0)
    world.add(A, "one")
    await world.pass_time(60_000)
    assert worker.runtime.counts.doubts == 1
    assert world.fences(0) == fenced
    worker.transport.assigned = True
    await world.settled()
    assert world.fences(0) == fenced + 1
    assert_once(world, "one")


async def test_a_shard_whose_group_refuses_the_proof_is_dropped_at_its_revocation(world: World) -> None:
    worker = await world.start()
    worker.transport.assigned = False
    world.broker.faults.append(CommitFault.LEFT_OPEN)
    world.add(A, "one")
    await world.pass_time(10_000)
    fenced = world.fences(0)
    await worker.revoke(0, 1)
    await world.pass_time(60_000)
    assert world.fences(0) == fenced
    assert worker.runtime.open_shards == frozenset()
    await owner_after(world)
    assert_once(world, "one")


async def test_a_shard_that_waited_for_redis_proves_that_it_is_still_owned(world: World) -> None:
    world.cache.down = True
    worker = world.worker()
    await worker.assign(0, 1)
    await world.pass_time(1_000)
    worker.transport.assigned = False
    await world.pass_time(30_000)
    fenced = world.fences(0)
    world.cache.down = False
    await world.pass_time(30_000)
    assert world.fences(0) == fenced
    worker.transport.assigned = True
    await world.until(lambda: worker.runtime.open_shards == {0, 1})


async def test_a_new_owner_reads_only_after_it_has_fenced(world: World) -> None:
    former = await world.start()
    world.add(A, "one")
    await world.settled()
    log = SlowFence(world.broker, LEDGER.name)
    owner = world.worker(log=log)
    await owner.assign(0, 1)
    await world.until(lambda: log.waiting == 2)
    world.add(A, "two")
    await world.settled()  # by the former owner, just before it is fenced
    former.transport.assigned = False
    log.gate.set()
    await world.until(lambda: owner.runtime.open_shards == {0, 1})
    world.add(A, "three")
    await world.pass_time(10_000)
    assert_once(world, "one", "two", "three")
    assert owner.runtime.halted == {}


# --- hand-over -------------------------------------------------------------------------------


async def test_a_revocation_waits_for_the_transaction_under_way(world: World) -> None:
    worker = await world.start()
    ending = asyncio.Event()

    async def slow(_: str) -> None:
        world.broker.on_end = None
        await ending.wait()

    world.broker.on_end = slow
    world.add(A, "one")
    await world.clock.advance(1_000)
    revoking = asyncio.create_task(worker.revoke(0, 1))
    await world.clock.advance(1_000)
    assert not revoking.done()
    ending.set()
    await revoking
    assert world.totals(A) == [("one", 1, 1)]
    owner = await owner_after(world)
    assert owner.runtime.counts.catch_ups == 0  # Redis has it too
    assert_once(world, "one")


async def test_what_is_queued_or_in_the_agents_hands_at_a_revocation_is_left_to_the_next_owner(world: World) -> None:
    worker = await world.start()
    worker.held = asyncio.Event()
    world.add(A, "one")
    await world.clock.advance(1_000)
    world.add(A, "two")
    await world.clock.advance(1_000)
    await worker.revoke(0, 1)
    worker.held.set()
    assert world.totals() == []
    await owner_after(world)
    assert_once(world, "one", "two")
    assert worker.failure is None


async def test_a_shard_is_passed_to_and_fro(world: World) -> None:
    first, second = world.worker(), world.worker()
    await first.assign(0, 1)
    idents: list[str] = []
    for number in range(8):
        idents.append(f"id-{number}")
        world.add(A, idents[-1])
        giver, taker = (first, second) if number % 2 == 0 else (second, first)
        if number % 3:
            await world.settled()
        await giver.revoke(0, 1)
        await taker.assign(0, 1)
    await world.settled()
    assert_once(world, *idents)
    assert (first.runtime.counts.doubts, second.runtime.counts.doubts) == (0, 0)


async def test_two_owners_of_different_shards_do_not_disturb_each_other(world: World) -> None:
    first, second = world.worker(), world.worker()
    await first.assign(0)
    await second.assign(1)
    await world.until(lambda: first.runtime.open_shards == {0} and second.runtime.open_shards == {1})
    for number in range(3):
        world.add(A, f"a{number}")
        world.add(B, f"b{number}", to=0)  # misplaced: the first forwards it to the second
        await world.settled()
    await world.until(lambda: len(world.totals()) == 6)
    assert_once(world, "a0", "a1", "a2")
    assert world.totals(B) == [("b0", 1, 1), ("b1", 2, 2), ("b2", 3, 3)]
    assert first.runtime.counts.forwarded == 3


async def test_an_assignment_told_twice_is_one(world: World) -> None:
    worker = await world.start()
    fenced = world.fences(0)
    await worker.assign(0, 1)
    world.add(A, "one")
    await world.settled()
    assert world.fences(0) == fenced
    assert_once(world, "one")


async def test_a_worker_that_stops_leaves_nothing_open(world: World) -> None:
    worker = await world.start()
    world.add(A, "one")
    await world.settled()
    await worker.stop()
    world.add(A, "two")
    await world.pass_time(30_000)
    assert world.totals(A) == [("one", 1, 1)]
    assert worker.runtime.open_shards == frozenset()
