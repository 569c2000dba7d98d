"""What an owner does before it takes anything: bring Redis to the log, prove every position, or halt the shard."""

from collections.abc import Awaitable, Callable

import pytest
from tests.support.engine import CHANGELOG, LEDGER, A, B, Worker, World, a_world, account
from tests.support.tally import DAY_MS

from drawdown.engine.commit import CommitRecord, Cursor
from drawdown.engine.counts import Counts
from drawdown.engine.errors import CONTESTED, Doubt, Halt
from drawdown.engine.memory.cache import Held
from drawdown.engine.memory.clock import START_MS
from drawdown.engine.memory.log import MemoryLog
from drawdown.engine.ports import StateWrite
from drawdown.engine.recovery import Recovery


async def rated(world: World, *idents: str, key: str = A) -> None:
    """Rate inputs, a transaction each."""
    for ident in idents:
        world.add(key, ident)
        await world.settled()


async def without_an_owner(world: World, *idents: str) -> list[Held]:
    """Rate inputs and stop; give what Redis held of shard 0 after each."""
    first = await world.start()
    held = [world.cache.copy(0)]
    for ident in idents:
        await rated(world, ident)
        held.append(world.cache.copy(0))
    await first.stop()
    return held


def recovered_by(worker: Worker) -> tuple[int, int]:
    """Give how many shards it caught up and rebuilt."""
    return worker.runtime.counts.catch_ups, worker.runtime.counts.rebuilds


# --- bringing Redis to it --------------------------------------------------------------------


async def test_an_empty_log_and_an_empty_redis_need_nothing(world: World) -> None:
    worker = await world.start()
    assert recovered_by(worker) == (0, 0)
    assert world.fences(0) == 1


async def test_a_redis_where_the_log_is_is_left_as_it_is(world: World) -> None:
    held = await without_an_owner(world, "one", "two")
    worker = await world.start()
    assert recovered_by(worker) == (0, 0)
    assert world.cache.copy(0) == held[-1]


@pytest.mark.parametrize("behind", [1, 2, 3])
async def test_a_redis_that_is_behind_on_the_same_chain_catches_up(world: World, behind: int) -> None:
    held = await without_an_owner(world, "one", "two", "three", "four")
    world.cache.restore(0, held[-1 - behind])
    worker = await world.start()
    assert recovered_by(worker) == (1, 0)
    assert world.cache.copy(0) == held[-1]
    await rated(world, "four", "five")
    assert world.totals(A)[-1] == ("five", 5, 5)


async def test_a_redis_that_lost_everything_is_rebuilt_to_the_same_bytes(world: World) -> None:
    first = await world.start()
    world.set(A, "due", 7, due=START_MS + DAY_MS)
    world.add(account(0, 1), "other", 2)
    await rated(world, "one", "two")
    await first.stop()
    before = world.cache.copy(0)
    assert before.due == {A: START_MS + DAY_MS}
    world.cache.wipe(0)
    worker = await world.start()
    assert recovered_by(worker) == (0, 1)
    assert world.cache.copy(0) == before
    await rated(world, "one", "three")
    assert worker.runtime.counts.duplicates == 1
    assert world.totals(A)[-1] == ("three", 10, 4)


@pytest.mark.parametrize("number", [1, 2])
async def test_a_redis_on_another_chain_is_rebuilt(world: World, number: int) -> None:
    held = await without_an_owner(world, "one", "two")
    cursor = held[number].cursor
    assert cursor is not None
    world.cache.set_cursor(0, Cursor(number, b"another chain   ", cursor.changelog_offset, cursor.ids_offset))
    worker = await world.start()
    assert recovered_by(worker) == (0, 1)
    assert world.cache.copy(0) == held[-1]


async def test_a_redis_that_the_compacted_changelog_no_longer_leads_on_from_is_rebuilt(world: World) -> None:
    held = await without_an_owner(world, "one", "two", "three")
    world.cache.restore(0, held[1])
    world.broker.compact(CHANGELOG, 0)
    worker = await world.start()
    assert recovered_by(worker) == (0, 1)
    assert world.cache.copy(0) == held[-1]


async def test_a_compacted_changelog_holds_all_that_a_rebuild_needs(world: World) -> None:
    first = await world.start()
    for number in range(4):
        await rated(world, f"a{number}", f"b{number}")
        await rated(world, f"c{number}", key=account(0, 1))
    await first.stop()
    before = world.cache.copy(0)
    world.broker.compact(CHANGELOG, 0)
    assert len(world.broker.committed(CHANGELOG, 0)) == 3  # two accounts, one commit record
    world.cache.wipe(0)
    await world.start()
    assert world.cache.copy(0) == before


async def test_a_cursor_that_cannot_be_read_is_rebuilt(world: World) -> None:
    held = await without_an_owner(world, "one")
    world.cache.damage_cursor(0)
    worker = await world.start()
    assert recovered_by(worker) == (0, 1)
    assert world.cache.copy(0) == held[-1]


async def test_a_damaged_state_is_rebuilt_before_it_is_used(world: World) -> None:
    held = await without_an_owner(world, "one", "two")
    world.cache.damage(0, A)
    worker = await world.start()
    assert recovered_by(worker) == (0, 0)  # only a look-up sees it
    await rated(world, "three")
    assert recovered_by(worker) == (0, 1)
    assert world.totals(A)[-1] == ("three", 3, 3)
    assert world.cache.copy(0).states[A] != held[-1].states[A]
    assert worker.runtime.counts.doubts == 1


async def test_what_a_redis_held_beside_the_log_is_gone_after_a_rebuild(world: World) -> None:
    held = await without_an_owner(world, "one")
    world.cache.wipe(0)
    foreign = StateWrite("stranger", 1, b"[9, 9, 0]", 5)
    assert await world.cache.apply(0, Cursor(), Cursor(1, b"another chain   "), [foreign], [])
    await world.start()
    assert world.cache.copy(0) == held[-1]


async def test_a_rebuild_leaves_out_the_ids_that_the_watermark_has_passed() -> None:
    async with a_world(append_time=False, log_clock=True) as world:
        first = await world.start()
        for ident, day in (("old", 0), ("between", 5), ("new", 6)):
            world.publish(A, at=START_MS + day * DAY_MS, id=ident, add=1)
            await world.settled()
        await first.stop()
        world.cache.wipe(0)
        worker = await world.start()
        remembered = [known for bucket in world.cache.copy(0).buckets.values() for known in bucket]
        assert recovered_by(worker) == (0, 1)
        assert len(remembered) == 2
        world.publish(A, at=START_MS + 6 * DAY_MS, id="between", add=1)
        await world.settled()
        assert worker.runtime.counts.duplicates == 1


async def test_a_worker_whose_prices_are_older_than_the_shards_waits_for_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = [5]
    monkeypatch.setattr(LEDGER, "prices_offset", lambda: read[0])
    await without_an_owner(world, "one")
    read[0] = 4
    worker = world.worker()
    await worker.assign(0, 1)
    await world.pass_time(20_000)
    assert worker.runtime.open_shards == {1}
    read[0] = 5
    await world.until(lambda: worker.runtime.open_shards == {0, 1})
    assert worker.failure is None


# --- what halts a shard ----------------------------------------------------------------------


async def halted(world: World) -> Halt:
    """Give why a new owner halts shard 0, after checking that it goes on with shard 1 and takes nothing of shard 0."""
    worker = world.worker()
    await worker.assign(0, 1)
    halt = await world.halts(worker, 0)
    outputs = world.totals(A)
    world.add(A, "of a halted shard")
    world.add(B, "of another shard")
    await world.until(lambda: bool(world.totals(B)))
    await world.pass_time(10_000)
    assert world.totals(A) == outputs
    assert worker.runtime.open_shards == {1}
    assert worker.failure is None
    return halt


async def test_a_redis_ahead_of_the_log_halts_and_says_what_to_do(world: World) -> None:
    await without_an_owner(world, "one", "two")
    second = next(e for e in world.broker.committed(CHANGELOG, 0) if e.offset > 2)
    world.broker.truncate(CHANGELOG, 0, second.offset)
    halt = await halted(world)
    assert "shard 0: Redis is at commit 2, but the newest on the changelog is 1" in str(halt)
    assert "The log has lost data: restore it" in str(halt)
    assert "empty this ledger's Redis keys too" in str(halt)
    assert world.states()[A] == b"[2, 2, 0]"  # nothing was rebuilt from what is left


class PausedLog(MemoryLog):
    """The log of a worker that another one overtakes after it has read the newest commit for the first time."""

    overtaken: Callable[[], Awaitable[None]] | None = None

    async def newest_commit(self, shard: int) -> tuple[CommitRecord, int] | None:
        found = await super().newest_commit(shard)
        meanwhile, self.overtaken = self.overtaken, None
        if meanwhile is not None:
            await meanwhile()
        return found


async def overtaken_by(world: World, meanwhile: Callable[[], Awaitable[None]]) -> MemoryLog:
    """See the owner that is overtaken so doubt, and not say that the log lost data; give its log."""
    log = PausedLog(world.broker, LEDGER.name)
    log.overtaken = meanwhile
    topics = (LEDGER.command_topic, *LEDGER.usage_topics)
    recovery = Recovery(log, world.cache, topics, Counts(), LEDGER.prices_offset)
    with pytest.raises(Doubt, match="another owner has gone on from commit 0 to 1") as raised:
        await recovery.recover(0)
    assert raised.value.kind == CONTESTED
    return log


async def test_an_owner_that_was_overtaken_in_its_recovery_does_not_say_that_the_log_lost_data(world: World) -> None:
    async def meanwhile() -> None:
        await world.start()
        await rated(world, "one")

    await overtaken_by(world, meanwhile)


async def test_nor_does_one_that_is_not_shown_yet_what_the_other_committed(world: World) -> None:
    async def meanwhile() -> None:
        world.broker.late.add("tally-0")
        await world.start()
        world.add(A, "one")
        await world.clock.advance(100)

    log = await overtaken_by(world, meanwhile)
    assert await log.newest_commit(0) is None  # it is still not shown


async def test_a_changelog_that_was_emptied_halts(world: World) -> None:
    await without_an_owner(world, "one")
    world.broker.recreate(CHANGELOG)
    assert "but the newest on the changelog is 0" in str(await halted(world))


async def test_events_that_retention_passed_before_they_were_rated_halt(world: World) -> None:
    await without_an_owner(world, "one")
    world.add(A, "two")
    world.add(A, "three")
    world.broker.delete_before("adds", 0, 2)
    halt = await halted(world)
    assert "adds/0: the next event to take is at offset 1, but the topic now begins at 2" in str(halt)
    assert "Restore them from a copy of the topic" in str(halt)


async def test_events_that_retention_passed_after_they_were_rated_do_not_halt(world: World) -> None:
    await without_an_owner(world, "one", "two")
    world.add(A, "three")
    world.broker.delete_before("adds", 0, 2)
    worker = await world.start()
    await world.settled()
    assert world.totals(A)[-1] == ("three", 3, 3)
    assert worker.runtime.halted == {}


async def test_a_topic_made_anew_with_as_many_other_records_halts(world: World) -> None:
    await without_an_owner(world, "one", "two")
    world.broker.recreate("adds")
    for ident in ("other", "others", "more"):
        world.add(A, ident)
    halt = await halted(world)
    assert "adds/0: the record at offset 1 is not the one that was taken: the topic was made anew" in str(halt)


async def test_a_topic_that_ends_before_the_position_halts(world: World) -> None:
    await without_an_owner(world, "one", "two")
    world.broker.recreate("adds")
    world.add(A, "other")
    halt = await halted(world)
    assert "adds/0: taken up to offset 2, but the topic ends at 1" in str(halt)


async def test_a_changelog_of_something_else_halts(world: World) -> None:
    world.broker.append(CHANGELOG, 0, b"key", b"value")
    assert "no commit record" in str(await halted(world))


async def test_a_state_on_the_changelog_that_cannot_be_read_halts(world: World) -> None:
    await without_an_owner(world, "one")
    world.cache.wipe(0)
    partition = world.broker._at(CHANGELOG, 0)
    partition.entries[0] = type(partition.entries[0])(0, 0, b"someone", b"\x00", (), 0)
    assert "record of account b'someone' cannot be read" in str(await halted(world))


async def test_a_halted_shard_that_is_mended_goes_on_with_its_next_owner(world: World) -> None:
    await without_an_owner(world, "one", "two")
    held = world.cache.copy(0)
    world.cache.set_cursor(0, Cursor(9, b"ahead of the log"))
    first = world.worker()
    await first.assign(0, 1)
    await world.halts(first, 0)
    await first.revoke(0, 1)
    assert first.runtime.halted == {}
    world.cache.restore(0, held)
    await world.start()
    await rated(world, "three")
    assert world.totals(A)[-1] == ("three", 3, 3)
