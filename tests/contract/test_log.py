"""The Log port over Kafka: one transaction or nothing, fenced, read committed."""

from collections.abc import AsyncIterator

import pytest

from drawdown.adapters.kafka.admin import Admin
from drawdown.adapters.kafka.log import KafkaLog
from drawdown.engine.commit import COMMIT_KEY, CommitRecord, encode_commit
from drawdown.engine.errors import Doubt, Halt
from drawdown.engine.ports import LogRecord
from drawdown.engine.records import OutRecord
from drawdown.local.stack import LocalStack
from drawdown.topics import TopicSpec


@pytest.fixture
async def log(stack: LocalStack, prefix: str) -> AsyncIterator[KafkaLog]:
    specs = [TopicSpec(name, 2, {}) for name in ("changelog.tally", "known-ids.tally", "totals", "adds")]
    async with Admin(stack.addresses.kafka, prefix) as admin:
        await admin.create(specs)
        assert await admin.check(specs) == []
    made = KafkaLog(stack.addresses.kafka, "tally", prefix)
    yield made
    await made.stop()


def commit(number: int) -> OutRecord:
    record = CommitRecord(number, b"p" * 16, b"c" * 16, (), 1, 0, 0)
    return OutRecord("changelog.tally", 0, COMMIT_KEY, encode_commit(record))


def state(account: bytes, value: bytes = b"v") -> OutRecord:
    return OutRecord("changelog.tally", 0, account, value)


async def changelog(log: KafkaLog, start: int = 0) -> list[LogRecord]:
    return [record async for chunk in log.changelog(0, start) for record in chunk]


async def test_an_empty_log_has_no_commit(log: KafkaLog) -> None:
    assert await log.newest_commit(0) is None
    assert await log.ends(0) == (0, 0)


async def test_a_transaction_is_read_back_with_its_offsets(log: KafkaLog) -> None:
    shard = await log.fence(0)
    offsets = await shard.commit([OutRecord("totals", 1, b"k", b"out"), state(b"x"), state(b"y"), commit(1)])
    assert offsets == {("totals", 1): 0, ("changelog.tally", 0): 2}
    assert [record.key for record in await changelog(log)] == [b"x", b"y", COMMIT_KEY]
    newest = await log.newest_commit(0)
    assert newest is not None
    assert (newest[0].number, newest[1]) == (1, 2)
    offsets = await shard.commit([state(b"x"), commit(2)])
    assert offsets == {("changelog.tally", 0): 5}  # past the marker of the first transaction
    assert [record.offset for record in await changelog(log, 3)] == [4, 5]
    await shard.close()


async def test_offsets_are_right_over_several_batches(log: KafkaLog) -> None:
    shard = await log.fence(0)
    offsets = await shard.commit([*(state(b"k%d" % index, b"v" * 300_000) for index in range(10)), commit(1)])
    assert offsets == {("changelog.tally", 0): 10}
    await shard.close()


async def test_a_fenced_owner_cannot_commit_any_more(log: KafkaLog) -> None:
    former = await log.fence(0)
    await former.commit([state(b"x"), commit(1)])
    owner = await log.fence(0)
    with pytest.raises(Doubt):
        await former.commit([state(b"stale"), commit(2)])
    await owner.commit([state(b"y"), commit(2)])
    assert [record.key for record in await changelog(log)] == [b"x", COMMIT_KEY, b"y", COMMIT_KEY]
    await former.close()
    await owner.close()


async def test_an_open_transaction_of_a_former_owner_is_aborted(log: KafkaLog) -> None:
    former = await log.fence(0)
    await former.commit([state(b"x"), commit(1)])
    producer = former._producer
    await producer.begin_transaction()
    await producer.send_and_wait(log._prefix + "changelog.tally", b"v", key=b"open", partition=0)
    owner = await log.fence(0)
    newest = await log.newest_commit(0)
    assert newest is not None
    assert newest[0].number == 1
    assert [record.key for record in await changelog(log)] == [b"x", COMMIT_KEY]
    await owner.close()
    await former.close()


async def test_the_newest_commit_is_found_behind_a_long_aborted_tail(log: KafkaLog) -> None:
    former = await log.fence(0)
    await former.commit([commit(7)])
    producer = former._producer
    await producer.begin_transaction()
    for _ in range(300):
        await producer.send(log._prefix + "changelog.tally", b"v", key=b"open", partition=0)
    await producer.flush()
    owner = await log.fence(0)
    newest = await log.newest_commit(0)
    assert newest is not None
    assert newest[0].number == 7
    await owner.close()
    await former.close()


async def test_a_changelog_without_a_commit_record_halts(log: KafkaLog) -> None:
    shard = await log.fence(0)
    await shard.commit([state(b"x")])
    with pytest.raises(Halt, match="no commit record"):
        await log.newest_commit(0)
    await shard.close()


async def test_an_append_that_fails_aborts_all(log: KafkaLog) -> None:
    shard = await log.fence(0)
    with pytest.raises(Doubt):
        await shard.commit([OutRecord("totals", 0, b"k", b"x" * 3_000_000), state(b"x"), commit(1)])
    assert await changelog(log) == []
    await shard.close()


async def test_inputs_are_found_by_offset(log: KafkaLog) -> None:
    await log.send("adds", 1, b"k", b"one", None)
    await log.send("adds", 1, b"k", b"two", None)
    assert await log.input_bounds(1, ["adds"]) == {"adds": (0, 2)}
    record = await log.read_input(1, "adds", 1)
    assert record is not None
    assert (record.key, record.value) == (b"k", b"two")
    assert await log.read_input(1, "adds", 2) is None


async def test_the_check_says_what_differs(stack: LocalStack, log: KafkaLog) -> None:
    wanted = [
        TopicSpec("adds", 3, {}),
        TopicSpec("missing", 1, {}),
        TopicSpec("totals", 2, {"cleanup.policy": "compact"}),
    ]
    async with Admin(stack.addresses.kafka, log._prefix) as admin:
        findings = await admin.check(wanted)
    assert len(findings) == 3
    assert "has 2 partitions, not 3" in findings[0]
    assert "does not exist" in findings[1]
    assert "cleanup.policy=delete, not compact" in findings[2]
