"""The Transport port, in memory and in Faust on a real Kafka: what is delivered, under which epoch, and to whom."""

from collections.abc import AsyncIterator

import pytest
from tests.contract.feeding import INPUTS, SHARDS, START, Group, a_group

from drawdown.local.stack import LocalStack

ALL = frozenset(range(SHARDS))


@pytest.fixture
async def group(servers: LocalStack | None, prefix: str) -> AsyncIterator[Group]:
    async with a_group(servers, prefix) as made:
        yield made


# --- open, park, throttle --------------------------------------------------------------------


async def test_an_opened_shard_is_delivered_from_its_positions_under_its_epoch(group: Group) -> None:
    await group.publish(0, b"a", b"b", b"c")
    await group.publish(0, b"do", topic="tally-commands")
    await group.publish(1, b"other")
    member = await group.join()
    member.transport.open(0, 7, {"tally-commands": 0, "adds": 1})
    await group.until(lambda: len(member.records(0, 7)) == 3)
    await group.publish(0, b"d")
    await group.until(lambda: len(member.records(0, 7)) == 4)
    found = [(record.topic, record.offset, record.value) for record in member.records(0, 7)]
    assert sorted(found) == [("adds", 1, b"b"), ("adds", 2, b"c"), ("adds", 3, b"d"), ("tally-commands", 0, b"do")]
    assert {batch.shard for batch in member.batches} == {0}
    assert member.failures == []


async def test_records_come_as_they_were_published(group: Group) -> None:
    member = await group.join()
    member.transport.open(1, 1, START)
    await group.publish(1, b"value")
    await group.until(lambda: len(member.records(1, 1)) == 1)
    (record,) = member.records(1, 1)
    assert (record.topic, record.partition, record.offset) == ("adds", 1, 0)
    assert (record.key, record.value, tuple(record.headers)) == (b"k", b"value", ())
    assert record.timestamp > 1_700_000_000_000


async def test_a_shard_that_was_never_opened_is_not_delivered(group: Group) -> None:
    member = await group.join()
    await group.publish(0, b"a")
    await group.quiet()
    assert member.batches == []


async def test_a_parked_shard_is_not_delivered_and_the_others_go_on(group: Group) -> None:
    member = await group.join()
    member.transport.open(0, 1, START)
    member.transport.open(1, 1, START)
    member.transport.park(0)
    await group.quiet()  # what was in flight
    await group.publish(0, b"a")
    await group.publish(1, b"b")
    await group.until(lambda: member.values(1, 1) == [b"b"])
    await group.quiet()
    assert member.values(0, 1) == []


async def test_what_was_in_flight_when_a_shard_moved_on_comes_under_the_old_epoch(group: Group) -> None:
    member = await group.join()
    member.transport.open(0, 1, START)
    await group.quiet()
    member.transport.park(0)
    await group.publish(0, b"a", b"b")
    member.transport.open(0, 2, START)
    await group.until(lambda: len(member.records(0, 2)) == 2)
    await group.publish(0, b"c")
    await group.until(lambda: len(member.records(0, 2)) == 3)
    assert member.values(0, 2) == [b"a", b"b", b"c"]
    assert member.values(0, 1) in ([], [b"a"], [b"a", b"b"])


async def test_a_shard_opened_again_at_an_earlier_position_is_delivered_again_from_there(group: Group) -> None:
    member = await group.join()
    await group.publish(0, b"a", b"b", b"c")
    member.transport.open(0, 1, START)
    await group.until(lambda: len(member.records(0, 1)) == 3)
    member.transport.park(0)
    member.transport.open(0, 2, {**START, "adds": 1})
    await group.until(lambda: len(member.records(0, 2)) == 2)
    assert member.values(0, 2) == [b"b", b"c"]


async def test_a_shard_opened_again_at_once_keeps_only_the_newest_positions(group: Group) -> None:
    member = await group.join()
    await group.publish(0, b"a", b"b", b"c")
    for epoch in range(1, 30):
        member.transport.open(0, epoch, {**START, "adds": epoch % 3})
    await group.until(lambda: len(member.records(0, 29)) == 1)
    assert member.values(0, 29) == [b"c"]


async def test_further_inputs_of_an_open_shard_come_from_their_positions_and_the_first_ones_go_on(group: Group) -> None:
    member = await group.join()
    commands = [b"%d" % number for number in range(30)]
    await group.publish(0, b"a", b"b", b"c")
    await group.publish(0, commands[0], topic="tally-commands")
    member.transport.open(0, 1, {"tally-commands": 0})
    await group.until(lambda: member.values(0, 1) == commands[:1])
    await group.quiet()
    for number in range(1, 30):
        await group.publish(0, commands[number], topic="tally-commands")
        if number == 15:
            member.transport.widen(0, {"adds": 1})
    await group.until(lambda: len(member.records(0, 1)) == 32)
    found = member.records(0, 1)
    assert [record.value for record in found if record.topic == "tally-commands"] == commands
    assert [record.value for record in found if record.topic == "adds"] == [b"b", b"c"]
    assert member.failures == []


async def test_a_throttled_shard_is_left_out_and_goes_on_without_a_gap(group: Group) -> None:
    member = await group.join()
    member.transport.open(0, 1, START)
    member.transport.open(1, 1, START)
    await group.publish(0, b"a")
    await group.until(lambda: member.values(0, 1) == [b"a"])
    member.transport.throttle(0, full=True)
    await group.quiet()  # what was in flight
    await group.publish(0, b"b", b"c")
    await group.publish(1, b"other")
    await group.until(lambda: member.values(1, 1) == [b"other"])
    await group.quiet()
    assert member.values(0, 1) == [b"a"]
    member.transport.throttle(0, full=False)
    await group.until(lambda: len(member.records(0, 1)) == 3)
    assert member.values(0, 1) == [b"a", b"b", b"c"]


async def test_opening_a_throttled_shard_ends_the_throttle(group: Group) -> None:
    member = await group.join()
    member.transport.open(0, 1, START)
    member.transport.throttle(0, full=True)
    member.transport.park(0)
    await group.publish(0, b"a")
    member.transport.open(0, 2, START)
    await group.until(lambda: member.values(0, 2) == [b"a"])


async def test_a_backlog_of_thousands_comes_whole_and_in_order(group: Group) -> None:
    member = await group.join()
    transaction = await group.begin(0, *(b"%d" % number for number in range(1_500)))
    await transaction.end(committed=True)
    member.transport.open(0, 1, START)
    await group.until(lambda: len(member.records(0, 1)) == 1_500)
    assert member.values(0, 1) == [b"%d" % number for number in range(1_500)]


async def test_a_position_that_no_longer_exists_is_a_failure_and_no_reset(group: Group) -> None:
    member = await group.join()
    await group.publish(0, b"a")
    member.transport.open(0, 1, {**START, "adds": 5})
    await group.until(lambda: bool(member.failures))
    assert "an input cannot be read" in str(member.failures[0])
    assert member.batches == []


# --- read committed --------------------------------------------------------------------------


async def test_positions_move_over_markers_that_no_record_follows(group: Group) -> None:
    member = await group.join()
    member.transport.open(0, 1, START)
    transaction = await group.begin(0, b"a", b"b")
    await transaction.end(committed=True)
    await group.until(lambda: member.position(0) == 3)
    assert member.values(0, 1) == [b"a", b"b"]


async def test_aborted_records_are_never_delivered_and_the_position_passes_them(group: Group) -> None:
    member = await group.join()
    member.transport.open(0, 1, START)
    transaction = await group.begin(0, b"a", b"b")
    await transaction.end(committed=False)
    await group.until(lambda: member.position(0) == 3)
    await group.publish(0, b"c")
    await group.until(lambda: bool(member.records(0, 1)))
    assert member.values(0, 1) == [b"c"]


async def test_an_open_transaction_holds_back_what_follows_it(group: Group) -> None:
    member = await group.join()
    member.transport.open(0, 1, START)
    await group.publish(0, b"before")
    transaction = await group.begin(0, b"open")
    await group.publish(0, b"after")
    await group.until(lambda: member.values(0, 1) == [b"before"])
    await group.quiet()
    assert member.position(0) == 1
    await transaction.end(committed=True)
    await group.until(lambda: len(member.records(0, 1)) == 3)
    assert member.values(0, 1) == [b"before", b"open", b"after"]


# --- the group -------------------------------------------------------------------------------


async def test_the_only_member_gets_every_shard_whole(group: Group) -> None:
    member = await group.join()
    assert member.told[-1] == ("assigned", ALL)
    assert member.owned == ALL
    assert member.failures == []


async def test_a_member_that_joins_takes_over_shards_and_no_shard_has_two_owners(group: Group) -> None:
    first = await group.join()
    first.transport.open(0, 1, START)
    first.transport.open(1, 1, START)
    second = await group.join()
    await group.until(lambda: len(first.owned) == len(second.owned) == 1)
    assert first.owned | second.owned == ALL
    assert ("revoked", ALL) in first.told
    assert first.told[-1] == ("assigned", first.owned)
    (mine,), (other,) = second.owned, first.owned
    second.transport.open(mine, 1, START)
    first.transport.open(other, 3, START)
    await group.publish(mine, b"for the second")
    await group.publish(other, b"for the first")
    await group.until(lambda: bool(second.batches) and bool(first.batches))
    assert second.values(mine, 1) == [b"for the second"]
    assert first.values(other, 3) == [b"for the first"]
    assert {batch.shard for batch in first.batches} == {other}


async def test_a_member_that_leaves_is_told_and_the_others_get_its_shards(group: Group) -> None:
    first = await group.join()
    second = await group.join()
    await group.until(lambda: len(second.owned) == 1)
    mine = second.owned
    await group.leave(second)
    await group.until(lambda: first.owned == ALL)
    assert second.owned == frozenset() or second.told[-1] == ("assigned", mine)


async def test_a_revocation_is_told_while_batches_still_flow(group: Group) -> None:
    first = await group.join()
    first.transport.open(0, 1, START)
    await group.join()
    await group.until(lambda: len(first.told) > 1)
    assert first.flowing[0] is True


async def test_offsets_are_committed_while_the_shard_is_assigned(group: Group) -> None:
    member = await group.join()
    await group.publish(0, b"a", b"b")
    assert await member.transport.commit_offsets(0, {"tally-commands": 0, "adds": 2})
    assert await group.committed(0) == {"tally-commands": 0, "adds": 2}
    assert await member.transport.commit_offsets(0, {"adds": 1})
    assert await group.committed(0) == {"tally-commands": 0, "adds": 1}


async def test_before_any_position_is_known_a_commit_still_proves_ownership(group: Group) -> None:
    member = await group.join()
    assert await member.transport.commit_offsets(0, {})
    assert await member.transport.commit_offsets(0, {**START, "adds": 4})
    assert await member.transport.commit_offsets(0, {})
    assert (await group.committed(0))["adds"] == 4


async def test_offsets_are_not_committed_between_revocation_and_assignment(group: Group) -> None:
    first = await group.join()
    second = await group.join()
    await group.until(lambda: len(first.owned) == len(second.owned) == 1)
    assert first.proofs
    assert not any(first.proofs)
    for shard in first.owned:
        assert await first.transport.commit_offsets(shard, START)


async def test_a_member_that_slept_past_its_session_cannot_prove_that_it_owns_anything(group: Group) -> None:
    first = await group.join()
    second = await group.join()
    await group.until(lambda: len(first.owned) == len(second.owned) == 1)
    (mine,) = first.owned
    before = len(first.told)
    await group.fall_asleep(first)
    proof = first.transport.commit_offsets(mine, dict.fromkeys(INPUTS, 9))  # answered when it wakes
    assert not await proof
    # it may have the shard again at once
    await group.until(lambda: mine in second.owned or any(what == "revoked" for what, _ in first.told[before:]))
    assert (await group.committed(mine)).get("adds") != 9
