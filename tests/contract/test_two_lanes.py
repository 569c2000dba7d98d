"""Two lanes of one Faust app on a real Kafka: each ledger is fed its own topics, at its own pace, and told of all."""

from collections.abc import AsyncIterator

import pytest
from tests.contract.feeding import INPUTS, OTHERS, SHARDS, START, FaustSide, Member

from drawdown.local.stack import LocalStack

ALL = frozenset(range(SHARDS))
OTHER_START = dict.fromkeys(OTHERS, 0)


@pytest.fixture
async def group(stack: LocalStack, prefix: str) -> AsyncIterator[FaustSide]:
    made = FaustSide(stack, prefix)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def joined(group: FaustSide) -> tuple[Member, Member]:
    first, second = await group.join_lanes(INPUTS, OTHERS)
    return first, second


async def test_each_lane_gets_its_own_records_and_no_others(group: FaustSide) -> None:
    first, second = await joined(group)
    for shard in ALL:
        first.transport.open(shard, 1, START)
        second.transport.open(shard, 5, OTHER_START)
        for topic in (*INPUTS, *OTHERS):
            await group.publish(shard, topic.encode(), topic=topic)
    await group.until(lambda: all(len(first.records(at, 1)) == len(second.records(at, 5)) == 2 for at in ALL))
    for member, epoch, topics in ((first, 1, INPUTS), (second, 5, OTHERS)):
        for shard in ALL:
            found = {(record.topic, record.value) for record in member.records(shard, epoch)}
            assert found == {(topic, topic.encode()) for topic in topics}
        assert {topic for batch in member.batches for topic in batch.starts} <= set(topics)
        assert {batch.epoch for batch in member.batches} == {epoch}
        assert member.failures == []


async def test_a_lane_that_opened_nothing_gets_nothing_while_the_other_is_fed(group: FaustSide) -> None:
    first, second = await joined(group)
    first.transport.open(0, 1, START)
    await group.publish(0, b"other", topic="others")
    await group.publish(0, b"mine")
    await group.until(lambda: first.values(0, 1) == [b"mine"])
    await group.quiet()
    assert second.batches == []
    second.transport.open(0, 1, OTHER_START)
    await group.until(lambda: second.values(0, 1) == [b"other"])


async def test_one_lane_throttled_or_parked_does_not_stop_the_other(group: FaustSide) -> None:
    first, second = await joined(group)
    first.transport.open(0, 1, START)
    second.transport.open(0, 1, OTHER_START)
    first.transport.throttle(0, full=True)
    await group.quiet()  # what was in flight
    for number in range(3):
        await group.publish(0, b"held %d" % number)
        await group.publish(0, b"flows %d" % number, topic="others")
    await group.until(lambda: len(second.records(0, 1)) == 3)
    await group.quiet()
    assert first.values(0, 1) == []
    second.transport.park(0)
    first.transport.throttle(0, full=False)
    await group.until(lambda: len(first.records(0, 1)) == 3)
    assert first.values(0, 1) == [b"held 0", b"held 1", b"held 2"]


async def test_one_lane_opened_anew_does_not_move_the_other(group: FaustSide) -> None:
    first, second = await joined(group)
    first.transport.open(0, 1, START)
    second.transport.open(0, 1, OTHER_START)
    await group.publish(0, b"a", b"b")
    await group.publish(0, b"x", b"y", topic="others")
    await group.until(lambda: len(first.records(0, 1)) == len(second.records(0, 1)) == 2)
    first.transport.park(0)
    first.transport.open(0, 2, {**START, "adds": 1})
    await group.publish(0, b"z", topic="others")
    await group.until(lambda: first.values(0, 2) == [b"b"] and len(second.records(0, 1)) == 3)
    assert second.values(0, 1) == [b"x", b"y", b"z"]


async def test_a_position_that_one_lane_cannot_read_is_told(group: FaustSide) -> None:
    first, second = await joined(group)
    first.transport.open(0, 1, START)
    second.transport.open(0, 1, {**OTHER_START, "others": 9})
    await group.until(lambda: bool(first.failures or second.failures))
    assert "an input cannot be read" in str((first.failures + second.failures)[0])


async def test_assignments_and_revocations_reach_both_lanes(group: FaustSide) -> None:
    first, second = await joined(group)
    assert first.told[-1] == second.told[-1] == ("assigned", ALL)
    third, fourth = await joined(group)
    await group.until(lambda: all(len(member.owned) == 1 for member in (first, second, third, fourth)))
    assert first.owned == second.owned
    assert third.owned == fourth.owned == ALL - first.owned
    assert first.told == second.told
    assert ("revoked", ALL) in first.told
    assert first.flowing[-1] is True  # they are told while batches still flow
    assert second.flowing[-1] is True
    assert not any(first.proofs + second.proofs)


async def test_both_lanes_are_fed_what_they_own_after_a_rebalance(group: FaustSide) -> None:
    first, second = await joined(group)
    third, fourth = await joined(group)
    await group.until(lambda: all(len(member.owned) == 1 for member in (first, second, third, fourth)))
    for member in (first, third):
        (shard,) = member.owned
        member.transport.open(shard, 9, START)
    for member in (second, fourth):
        (shard,) = member.owned
        member.transport.open(shard, 9, OTHER_START)
    for shard in ALL:
        await group.publish(shard, b"%d" % shard)
        await group.publish(shard, b"other %d" % shard, topic="others")
    await group.until(lambda: all(member.batches for member in (first, second, third, fourth)))
    for members, text in (((first, third), b"%d"), ((second, fourth), b"other %d")):
        for member in members:
            (shard,) = member.owned
            assert member.values(shard, 9) == [text % shard]
            assert {batch.shard for batch in member.batches} == {shard}


async def test_each_lane_commits_the_offsets_of_its_own_topics(group: FaustSide) -> None:
    first, second = await joined(group)
    assert await first.transport.commit_offsets(0, {"tally-commands": 0, "adds": 2})
    assert await second.transport.commit_offsets(0, {"other-commands": 1, "others": 3})
    assert await first.transport.commit_offsets(0, {"adds": 4})
    assert await group.committed(0) == {"tally-commands": 0, "adds": 4, "other-commands": 1, "others": 3}
