"""What the engine counts: what the log holds, once, whatever happened to Redis; and how far each input is taken."""

import pytest
from tests.support.engine import SHARDS, A, B, World, a_world

from drawdown.engine.counts import DUPLICATE, FORWARDED, HALTED, OPEN, RATED, REFUSED
from drawdown.engine.errors import REDIS_ALTERED, REDIS_BEHIND, TRANSACTION
from drawdown.engine.memory.broker import CommitFault


async def test_inputs_by_what_became_of_them() -> None:
    async with a_world() as world:
        worker = await world.start()
        for ident in ("one", "two", "two"):
            world.add(A, ident)
        world.add(A, "less", -1)
        world.add(B, "misplaced", to=world.place(A))
        world.set(A, "command", 7)
        await world.settled()
        await world.until(lambda: worker.runtime.counts.rated == 4)
        counts = worker.runtime.counts
    assert counts.events == {
        ("adds", RATED): 3,
        ("adds", DUPLICATE): 1,
        ("adds", REFUSED): 1,
        ("adds", FORWARDED): 1,
        ("tally-commands", RATED): 1,
    }
    assert counts.rejected == {"negative_quantity": 1}
    assert counts.ages_ms.number == counts.taken == sum(counts.events.values())
    assert counts.batches.total == counts.taken
    assert counts.batches.number == counts.transactions == counts.transactions_ns.number
    assert counts.committed_at > 0
    assert {stage: spread.number for stage, spread in counts.stages.items() if spread.number} == dict.fromkeys(
        ("decode", "look_up", "decide", "commit", "apply"), counts.transactions
    )


async def test_what_was_committed_counts_though_redis_was_emptied_before_the_apply() -> None:
    async with a_world() as world:
        worker = await world.start()
        world.add(A, "one")
        await world.settled()

        async def empty(_: str) -> None:
            world.broker.on_end = None
            world.cache.wipe(world.place(A))

        world.broker.on_end = empty
        world.add(A, "two")
        await world.settled()
        counts = worker.runtime.counts
    assert counts.events == {("adds", RATED): 2}
    assert (counts.transactions, counts.doubts, counts.rebuilds) == (2, 1, 1)


@pytest.mark.parametrize("ahead", [0, 5_000])
async def test_age_counts_from_the_append_and_is_never_negative(ahead: int) -> None:
    async with a_world(append_time=False) as world:
        worker = await world.start()
        world.publish(A, at=world.clock.now_ms() + ahead, id="one", add=1)
        await world.clock.advance(0)
        await world.settled()
        assert 0 <= worker.runtime.counts.ages_ms.total < 1_000


async def test_doubts_by_kind(world: World) -> None:
    worker = await world.start()
    counts = worker.runtime.counts
    world.add(A, "one")
    await world.settled()
    world.cache.wipe(world.place(A))
    world.add(A, "two")
    await world.settled()
    assert counts.doubts_by == {REDIS_BEHIND: 1}
    world.broker.faults.append(CommitFault.ABORTED)
    world.add(A, "three")
    await world.settled()
    assert counts.doubts_by == {REDIS_BEHIND: 1, TRANSACTION: 1}
    assert (counts.transactions, counts.aborted, counts.fenced) == (3, 1, 0)
    world.cache.damage_cursor(world.place(A))
    world.add(A, "four")
    await world.settled()
    assert counts.doubts_by[REDIS_ALTERED] == 1


async def test_redis_down_is_counted_and_nothing_is_in_doubt(world: World) -> None:
    worker = await world.start()
    world.cache.down = True
    world.add(A, "one")
    await world.pass_time(1_000)
    assert worker.runtime.counts.errors["redis"] > 1
    assert worker.runtime.counts.doubts == 0
    (waiting,) = [entry for entry in worker.runtime.progress() if entry.waiting]
    assert (waiting.topic, waiting.shard, waiting.waiting) == ("adds", world.place(A), 1)
    assert waiting.oldest is not None
    world.cache.down = False
    await world.settled()
    assert not [entry for entry in worker.runtime.progress() if entry.waiting]


async def test_states_of_shards(world: World) -> None:
    worker = world.worker()
    assert worker.runtime.states == {}
    await world.start(worker)
    assert worker.runtime.states == dict.fromkeys(range(SHARDS), OPEN)
    worker.runtime._halt(worker.runtime._shards[0], RuntimeError("looked at by a person"))  # type: ignore[arg-type]
    assert worker.runtime.states == {0: HALTED, 1: OPEN}
    await worker.revoke(0)
    assert worker.runtime.states == {1: OPEN}
