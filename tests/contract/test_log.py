"""The Log port, in memory and over Kafka: one transaction or nothing, fenced, read committed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from drawdown.adapters.kafka.admin import Admin
from drawdown.adapters.kafka.log import KafkaLog, KafkaShardLog
from drawdown.engine.commit import COMMIT_KEY, CommitRecord, encode_commit
from drawdown.engine.errors import Doubt, Halt, Retry
from drawdown.engine.memory.broker import CommitFault, MemoryBroker
from drawdown.engine.memory.clock import MemoryClock
from drawdown.engine.memory.log import MemoryLog
from drawdown.engine.ports import Log, LogRecord, ShardLog
from drawdown.engine.records import OutRecord
from drawdown.local.stack import LocalStack
from drawdown.topics import CLOCK, LOG_APPEND_TIME, TopicSpec

CHANGELOG, KNOWN_IDS = "changelog.tally", "known-ids.tally"
PLAIN = (CHANGELOG, KNOWN_IDS, "totals", "adds")
STAMPED = "stamped"  # takes the broker's time, whatever a sender says


class Kafka(Protocol):
    """A log, and what can happen to the Kafka behind it."""

    @property
    def log(self) -> Log: ...
    async def leave_open(self, shard: ShardLog, records: Sequence[OutRecord]) -> None: ...
    async def pass_retention(self, topic: str, shard: int, offset: int) -> None: ...
    async def disconnect(self) -> Log: ...


class MemoryKafka:
    def __init__(self) -> None:
        topics = dict.fromkeys((*PLAIN, STAMPED), 2)
        self.broker = MemoryBroker(MemoryClock(), topics, append_time={STAMPED})
        self.log = MemoryLog(self.broker, "tally", chunk_records=2)

    async def leave_open(self, shard: ShardLog, records: Sequence[OutRecord]) -> None:
        self.broker.faults.append(CommitFault.LEFT_OPEN)
        with pytest.raises(Doubt):
            await shard.commit(records)

    async def pass_retention(self, topic: str, shard: int, offset: int) -> None:
        self.broker.delete_before(topic, shard, offset)

    async def disconnect(self) -> Log:
        self.broker.down = True
        return self.log


class RealKafka:
    def __init__(self, servers: str, prefix: str) -> None:
        self.log = KafkaLog(servers, "tally", prefix)
        self._servers = servers
        self._prefix = prefix

    async def leave_open(self, shard: ShardLog, records: Sequence[OutRecord]) -> None:
        assert isinstance(shard, KafkaShardLog)
        producer = shard._producer
        await producer.begin_transaction()
        for record in records:
            await producer.send(self._prefix + record.topic, record.value, key=record.key, partition=record.partition)
        await producer.flush()

    async def pass_retention(self, topic: str, shard: int, offset: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        await admin.start()
        try:
            await admin.delete_records({TopicPartition(self._prefix + topic, shard): RecordsToDelete(offset)})
        finally:
            await admin.close()

    async def disconnect(self) -> Log:
        await self.log.stop()
        self.log = KafkaLog("127.0.0.1:1", "tally")
        return self.log


@pytest.fixture
async def kafka(servers: LocalStack | None, prefix: str) -> AsyncIterator[Kafka]:
    if servers is None:
        yield MemoryKafka()
        return
    specs = [*(TopicSpec(name, 2, {}) for name in PLAIN)]
    specs.append(TopicSpec(STAMPED, 2, {"message.timestamp.type": LOG_APPEND_TIME}))
    specs.append(TopicSpec(CLOCK, 1, {"message.timestamp.type": LOG_APPEND_TIME}))
    async with Admin(servers.addresses.kafka, prefix) as admin:
        await admin.create(specs)
    made = RealKafka(servers.addresses.kafka, prefix)
    yield made
    await made.log.stop()


@pytest.fixture
def log(kafka: Kafka) -> Log:
    return kafka.log


def commit(number: int) -> OutRecord:
    record = CommitRecord(number, b"p" * 16, b"c" * 16, (), 1, 0, 0)
    return OutRecord(CHANGELOG, 0, COMMIT_KEY, encode_commit(record))


def state(account: bytes, value: bytes = b"v") -> OutRecord:
    return OutRecord(CHANGELOG, 0, account, value)


async def changelog(log: Log, start: int = 0) -> list[LogRecord]:
    return [record async for chunk in log.changelog(0, start) for record in chunk]


async def committed(log: Log, shard: ShardLog, records: Sequence[OutRecord]) -> dict[tuple[str, int], int]:
    """Commit, and wait until readers see it: Kafka answers a moment before; only a fencing waits for that."""
    offsets = await shard.commit(records)
    async with asyncio.timeout(10):
        for (topic, partition), offset in offsets.items():
            while (await log.input_bounds(partition, [topic]))[topic][1] <= offset:
                await asyncio.sleep(0.01)
    return offsets


async def newest(log: Log) -> tuple[int, int] | None:
    found = await log.newest_commit(0)
    return (found[0].number, found[1]) if found else None


# --- transactions ----------------------------------------------------------------------------


async def test_an_empty_log_has_no_commit(log: Log) -> None:
    assert await newest(log) is None
    assert await log.ends(0) == (0, 0)
    assert await changelog(log) == []


async def test_a_transaction_is_read_back_with_its_offsets(log: Log) -> None:
    shard = await log.fence(0)
    offsets = await committed(log, shard, [OutRecord("totals", 1, b"k", b"out"), state(b"x"), state(b"y"), commit(1)])
    assert offsets == {("totals", 1): 0, (CHANGELOG, 0): 2}
    assert [record.key for record in await changelog(log)] == [b"x", b"y", COMMIT_KEY]
    assert await newest(log) == (1, 2)
    offsets = await committed(log, shard, [state(b"x", b"new"), OutRecord(KNOWN_IDS, 0, None, b"ids"), commit(2)])
    assert offsets == {(CHANGELOG, 0): 5, (KNOWN_IDS, 0): 0}  # past the marker of the first transaction
    assert await changelog(log, 3) == [LogRecord(4, b"x", b"new"), LogRecord(5, COMMIT_KEY, commit(2).value)]
    assert [chunk async for chunk in log.known_ids(0, 0)] == [[LogRecord(0, None, b"ids")]]
    assert await log.ends(0) == (7, 2)
    await shard.close()


async def test_offsets_are_right_over_several_batches(log: Log) -> None:
    shard = await log.fence(0)
    offsets = await committed(log, shard, [*(state(b"k%d" % index, b"v" * 300_000) for index in range(10)), commit(1)])
    assert offsets == {(CHANGELOG, 0): 10}
    assert [record.offset for record in await changelog(log)] == list(range(11))
    await shard.close()


async def test_an_append_that_fails_aborts_all_and_the_next_owner_goes_on(log: Log) -> None:
    shard = await log.fence(0)
    with pytest.raises(Doubt, match="the transaction did not succeed"):
        await shard.commit([OutRecord("totals", 0, b"k", b"x" * 3_000_000), state(b"x"), commit(1)])
    assert await changelog(log) == []
    await shard.close()
    shard = await log.fence(0)
    await committed(log, shard, [state(b"x"), commit(1)])
    assert [record.key for record in await changelog(log)] == [b"x", COMMIT_KEY]
    await shard.close()


async def test_shards_have_producers_of_their_own(log: Log) -> None:
    first = await log.fence(0)
    other = await log.fence(1)
    await committed(log, first, [state(b"x"), commit(1)])
    await committed(log, other, [OutRecord("totals", 1, b"k", b"out")])
    await committed(log, first, [state(b"y"), commit(2)])
    assert await newest(log) == (2, 4)
    await first.close()
    await other.close()


async def test_one_shards_transaction_reaches_another_partition_whole_or_not_at_all(log: Log) -> None:
    shard = await log.fence(0)
    there = OutRecord("totals", 1, b"another's key", b"told")
    offsets = await committed(log, shard, [state(b"a"), there, commit(1)])
    found = await log.read_input(1, "totals", offsets["totals", 1])
    assert found is not None
    assert (found.key, found.value) == (there.key, there.value)
    await (await log.fence(0)).close()
    with pytest.raises(Doubt):
        await shard.commit([there, commit(2)])
    _, end = (await log.input_bounds(1, ["totals"]))["totals"]
    assert [await log.read_input(1, "totals", at) for at in range(offsets["totals", 1] + 1, end)] in ([], [None])
    await shard.close()


async def test_a_next_owner_sees_all_that_was_committed_before_it_fenced(log: Log) -> None:
    for number in range(1, 8):
        shard = await log.fence(0)
        await shard.commit([state(b"x"), OutRecord("totals", 1, b"k", b"out"), commit(number)])
        owner = await log.fence(0)
        found = await newest(log)
        assert found is not None
        assert found[0] == number
        assert len(await changelog(log)) == 2 * number
        await shard.close()
        await owner.close()


# --- fencing ---------------------------------------------------------------------------------


async def test_a_fenced_owner_cannot_commit_any_more(log: Log) -> None:
    former = await log.fence(0)
    await committed(log, former, [state(b"x"), commit(1)])
    owner = await log.fence(0)
    with pytest.raises(Doubt):
        await former.commit([state(b"stale"), commit(2)])
    await committed(log, owner, [state(b"y"), commit(2)])
    assert [record.key for record in await changelog(log)] == [b"x", COMMIT_KEY, b"y", COMMIT_KEY]
    await former.close()
    await owner.close()


async def test_an_open_transaction_of_a_former_owner_is_aborted(kafka: Kafka) -> None:
    log = kafka.log
    former = await log.fence(0)
    await committed(log, former, [state(b"x"), commit(1)])
    await kafka.leave_open(former, [state(b"open")])
    assert await log.hides(0)
    owner = await log.fence(0)
    assert not await log.hides(0)
    assert await newest(log) == (1, 1)
    assert [record.key for record in await changelog(log)] == [b"x", COMMIT_KEY]
    await committed(log, owner, [state(b"y"), commit(2)])
    assert [record.key for record in await changelog(log)] == [b"x", COMMIT_KEY, b"y", COMMIT_KEY]
    await owner.close()
    await former.close()


async def test_an_open_transaction_hides_itself_and_what_follows(kafka: Kafka) -> None:
    log = kafka.log
    other = await log.fence(1)
    await log.send("totals", 0, b"k", b"before", None)
    await kafka.leave_open(other, [OutRecord("totals", 0, b"k", b"open")])
    await log.send("totals", 0, b"k", b"after", None)
    assert await log.input_bounds(0, ["totals"]) == {"totals": (0, 1)}
    assert await log.input_ends(0, ["totals"]) == {"totals": 3}
    assert await log.read_input(0, "totals", 2) is None
    ended = await log.fence(1)
    assert await log.input_bounds(0, ["totals"]) == {"totals": (0, 4)}
    assert await log.read_input(0, "totals", 1) is None
    found = await log.read_input(0, "totals", 2)
    assert found is not None
    assert found.value == b"after"
    await other.close()
    await ended.close()


async def test_the_newest_commit_is_found_behind_a_long_aborted_tail(kafka: Kafka) -> None:
    former = await kafka.log.fence(0)
    await committed(kafka.log, former, [commit(7)])
    await kafka.leave_open(former, [state(b"open")] * 300)
    owner = await kafka.log.fence(0)
    assert await newest(kafka.log) == (7, 0)
    await owner.close()
    await former.close()


async def test_a_changelog_of_nothing_but_aborted_records_has_no_commit(kafka: Kafka) -> None:
    former = await kafka.log.fence(0)
    await kafka.leave_open(former, [state(b"open"), commit(1)])
    owner = await kafka.log.fence(0)
    assert await newest(kafka.log) is None
    assert await changelog(kafka.log) == []
    await owner.close()
    await former.close()


async def test_a_changelog_without_a_commit_record_halts(log: Log) -> None:
    shard = await log.fence(0)
    await committed(log, shard, [state(b"x")])
    with pytest.raises(Halt, match="holds records but no commit record"):
        await log.newest_commit(0)
    await shard.close()


# --- inputs ----------------------------------------------------------------------------------


async def test_inputs_are_found_by_offset(log: Log) -> None:
    await log.send("adds", 1, b"k", b"one", 1_000)
    await log.send("adds", 1, b"k", b"two", 2_000)
    assert await log.input_bounds(1, ["adds", "totals"]) == {"adds": (0, 2), "totals": (0, 0)}
    record = await log.read_input(1, "adds", 1)
    assert record is not None
    assert (record.topic, record.partition, record.offset) == ("adds", 1, 1)
    assert (record.key, record.value, record.timestamp) == (b"k", b"two", 2_000)
    assert await log.read_input(1, "adds", 2) is None
    assert await log.read_input(0, "adds", 0) is None


async def test_an_input_takes_the_brokers_time_where_its_topic_says_so(log: Log) -> None:
    await log.send(STAMPED, 0, b"k", b"one", 1_000)
    record = await log.read_input(0, STAMPED, 0)
    assert record is not None
    assert record.timestamp > 1_000_000_000_000


async def test_the_logs_time_is_what_a_broker_stamps(log: Log) -> None:
    before = await log.time_ms()
    await log.send(STAMPED, 0, b"a", b"x", None)
    record = await log.read_input(0, STAMPED, 0)
    assert record is not None
    assert before <= record.timestamp
    assert await log.time_ms() >= before


async def test_a_forwarded_record_is_an_input_with_its_headers(log: Log) -> None:
    shard = await log.fence(0)
    await committed(log, shard, [OutRecord("adds", 1, b"k", b"one", (("trace", b"7"),), 1_000), commit(1)])
    record = await log.read_input(1, "adds", 0)
    assert record is not None
    assert (tuple(record.headers), record.timestamp) == ((("trace", b"7"),), 1_000)
    await shard.close()


async def test_an_input_begins_where_retention_left_it(kafka: Kafka) -> None:
    log = kafka.log
    for number in range(3):
        await log.send("adds", 0, b"k", b"%d" % number, None)
    await kafka.pass_retention("adds", 0, 2)
    assert await log.input_bounds(0, ["adds"]) == {"adds": (2, 3)}
    assert await log.read_input(0, "adds", 2) is not None


async def test_a_reading_from_before_the_earliest_begins_with_the_earliest(kafka: Kafka) -> None:
    log = kafka.log
    shard = await log.fence(0)
    await committed(log, shard, [state(b"x"), state(b"y"), commit(1)])
    await kafka.pass_retention(CHANGELOG, 0, 1)
    assert [record.key for record in await changelog(log)] == [b"y", COMMIT_KEY]
    await shard.close()


async def test_a_reading_ends_with_what_was_there_when_it_began(log: Log) -> None:
    shard = await log.fence(0)
    await committed(log, shard, [state(b"k%d" % index, b"v") for index in range(8)])
    found: list[LogRecord] = []
    async for chunk in log.changelog(0, 0):
        if not found:
            await committed(log, shard, [state(b"later"), commit(1)])
        found += chunk
    assert len(found) == 8
    await shard.close()


async def test_a_kafka_that_does_not_answer_is_tried_again(kafka: Kafka) -> None:
    log = await kafka.disconnect()
    for call in (
        log.fence(0),
        log.newest_commit(0),
        log.ends(0),
        changelog(log),
        log.input_bounds(0, ["adds"]),
        log.read_input(0, "adds", 0),
        log.send("adds", 0, b"k", b"v", None),
    ):
        with pytest.raises(Retry, match="Kafka cannot be"):
            await call


async def test_the_check_says_what_differs(stack: LocalStack, prefix: str) -> None:
    async with Admin(stack.addresses.kafka, prefix) as admin:
        await admin.create([TopicSpec(name, 2, {}) for name in PLAIN])
        assert await admin.check([TopicSpec(name, 2, {}) for name in PLAIN]) == []
        findings = await admin.check(
            [
                TopicSpec("adds", 3, {}),
                TopicSpec("missing", 1, {}),
                TopicSpec("totals", 2, {"cleanup.policy": "compact"}),
            ]
        )
    assert len(findings) == 3
    assert "has 2 partitions, not 3" in findings[0]
    assert "does not exist" in findings[1]
    assert "cleanup.policy=delete, not compact" in findings[2]
