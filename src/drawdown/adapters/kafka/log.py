"""The Log port over Kafka: a transactional producer a shard, and read-committed readers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import RecordMetadata

from drawdown.adapters.kafka.metadata import know
from drawdown.adapters.kafka.readers import Readers
from drawdown.domain.limits import CLOCK_ASKED_SECONDS, TRANSACTION_BATCH_BYTES, TRANSACTION_TIMEOUT_MS
from drawdown.engine.commit import COMMIT_KEY, CommitRecord, decode_commit
from drawdown.engine.errors import FENCED, TRANSACTION, Doubt, Halt, Retry
from drawdown.engine.ports import LogRecord
from drawdown.engine.records import Headers, OutRecord, Record
from drawdown.topics import CLOCK

R = TypeVar("R")
# how aiokafka's transactional producer fails; fenced in the middle of a transaction, it asserts and refuses as well
FAILURES = (KafkaError, IllegalOperation, AssertionError, TimeoutError, OSError, asyncio.IncompleteReadError)

_FENCED = (ProducerFenced, InvalidProducerEpoch, IllegalOperation, AssertionError)
_NS = 10**9
_LOG_APPEND_TIME = 1  # as brokers answer it
_TIMEOUT_SECONDS = TRANSACTION_TIMEOUT_MS // 1000


class KafkaShardLog:
    """One shard's fenced transactional producer."""

    def __init__(self, producer: AIOKafkaProducer, prefix: str) -> None:
        """Use a started producer, whose start has fenced the former owner's."""
        self._producer = producer
        self._prefix = prefix
        self._blamed = ""  # where the transaction under way failed or hangs

    async def commit(self, records: Sequence[OutRecord]) -> dict[tuple[str, int], int]:
        """Append all in one transaction; give the last offset per (topic, partition)."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await self._commit(records)
        except FAILURES as error:
            kind = FENCED if isinstance(error, _FENCED) else TRANSACTION
            said = f"{type(error).__name__} {error}".strip()
            raise Doubt(f"the transaction did not succeed{self._blamed}: {said}", kind=kind) from error

    async def _commit(self, records: Sequence[OutRecord]) -> dict[tuple[str, int], int]:
        producer = self._producer
        self._blamed = ""
        await producer.begin_transaction()
        sending: list[tuple[str, int]] = []
        sends: list[tuple[tuple[str, int], int, asyncio.Future[RecordMetadata]]] = []
        try:
            by_partition: dict[tuple[str, int], list[OutRecord]] = {}
            for record in records:
                by_partition.setdefault((record.topic, record.partition), []).append(record)
            for where, together in by_partition.items():
                sending = [where]
                await self._send(where, together, sends)
            sending = []
            answers = await asyncio.gather(*(future for _, _, future in sends))
            await producer.commit_transaction()
        except BaseException:
            self._blamed = _blamed(sends, sending)
            for _, _, future in sends:
                future.add_done_callback(_seen)
            with contextlib.suppress(*FAILURES):
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    await producer.abort_transaction()
            raise
        return {where: answer.offset + count - 1 for (where, count, _), answer in zip(sends, answers, strict=True)}

    async def _send(
        self,
        where: tuple[str, int],
        records: Sequence[OutRecord],
        sends: list[tuple[tuple[str, int], int, "asyncio.Future[RecordMetadata]"]],
    ) -> None:
        """Build batches for one partition and hand them to the producer."""
        topic, partition = where
        name = self._prefix + topic
        batch, count, size = self._producer.create_batch(), 0, 0
        for record in records:
            length = len(record.key or b"") + len(record.value or b"")
            # a builder takes any first record whatever its size, then refuses: a full one goes, and another begins
            full = count and size + length > TRANSACTION_BATCH_BYTES
            if full or not _append(batch, record):
                batch.close()
                sends.append((where, count, await self._producer.send_batch(batch, name, partition=partition)))
                batch, count, size = self._producer.create_batch(), 0, 0
                _append(batch, record)
            count += 1
            size += length
        batch.close()
        sends.append((where, count, await self._producer.send_batch(batch, name, partition=partition)))

    async def close(self) -> None:
        """Release the producer."""
        await asyncio.shield(_stopped(self._producer))


class KafkaLog:
    """Kafka as one ledger needs it."""

    def __init__(self, servers: str, ledger: str, prefix: str = "") -> None:
        """Name the brokers. prefix: before every topic and transactional id."""
        self._servers = servers
        self._ledger = ledger
        self._prefix = prefix
        self._changelog = f"changelog.{ledger}"
        self._known_ids = f"known-ids.{ledger}"
        self._readers = Readers(servers)
        self._uncommitted = Readers(servers, "read_uncommitted")
        self._plain: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._time: tuple[int, int] = (
            -CLOCK_ASKED_SECONDS * _NS * 2,
            0,
        )  # when the broker was asked for its time, and what it was

    async def stop(self) -> None:
        """Release readers and the plain producer."""
        await self._readers.stop()
        await self._uncommitted.stop()
        if self._plain is not None:
            await self._plain.stop()

    async def fence(self, shard: int) -> KafkaShardLog:
        """Initialise the shard's transactional producer."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            transactional_id=f"{self._prefix}{self._ledger}-{shard}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            acks="all",
            max_batch_size=TRANSACTION_BATCH_BYTES,
            linger_ms=0,
        )
        try:
            await _bounded(producer.start())
        except BaseException:
            await asyncio.shield(_stopped(producer))
            raise
        return KafkaShardLog(producer, self._prefix)

    async def newest_commit(self, shard: int) -> tuple[CommitRecord, int] | None:
        """Find the newest commit record, stepping back from the changelog's end."""
        at = TopicPartition(self._prefix + self._changelog, shard)
        async with self._readers.use() as reader:
            earliest, end = await _bounds(reader, at)
            if end == 0:
                return None
            step, start, seen = 64, end, False
            while start > earliest:
                start = max(start - step, earliest)
                newest: tuple[CommitRecord, int] | None = None
                async for chunk in _read(reader, at, start, end):
                    seen = True
                    for record in chunk:
                        if record.key == COMMIT_KEY:
                            newest = decode_commit(record.value), record.offset
                if newest is not None:
                    return newest
                step *= 2
        if seen:
            raise Halt(f"{at.topic}/{shard} holds records but no commit record: it is not a changelog of Drawdown")
        return None

    async def ends(self, shard: int) -> tuple[int, int]:
        """Give the ends of the shard's changelog and known-ids."""
        async with self._readers.use() as reader:
            _, changelog = await _bounds(reader, TopicPartition(self._prefix + self._changelog, shard))
            _, known_ids = await _bounds(reader, TopicPartition(self._prefix + self._known_ids, shard))
            return changelog, known_ids

    async def hides(self, shard: int) -> bool:
        """Say whether the shard's changelog holds what no reader is shown yet."""
        at = TopicPartition(self._prefix + self._changelog, shard)
        async with self._readers.use() as committed, self._uncommitted.use() as all_of_it:
            _, shown = await _bounds(committed, at)
            _, end = await _bounds(all_of_it, at)
        return shown < end

    async def changelog(self, shard: int, start: int) -> AsyncGenerator[Sequence[LogRecord], None]:
        """Read the shard's changelog from `start` to its end as of now."""
        async for chunk in self._stream(TopicPartition(self._prefix + self._changelog, shard), start):
            yield chunk

    async def known_ids(self, shard: int, start: int) -> AsyncGenerator[Sequence[LogRecord], None]:
        """Read the shard's known ids from `start` to their end as of now."""
        async for chunk in self._stream(TopicPartition(self._prefix + self._known_ids, shard), start):
            yield chunk

    async def _stream(self, at: TopicPartition, start: int) -> AsyncGenerator[Sequence[LogRecord], None]:
        async with self._readers.use() as reader:
            earliest, end = await _bounds(reader, at)
            async for chunk in _read(reader, at, max(start, earliest), end):
                yield [LogRecord(record.offset, record.key, record.value) for record in chunk]

    async def input_bounds(self, shard: int, topics: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Give earliest offset and end of each input's partition."""
        async with self._readers.use() as reader:
            partitions = {topic: TopicPartition(self._prefix + topic, shard) for topic in topics}
            await _bounded(know(reader, [at.topic for at in partitions.values()]))
            earliest = await _bounded(reader.beginning_offsets(list(partitions.values())))
            ends = await _bounded(reader.end_offsets(list(partitions.values())))
            return {topic: (earliest[at], ends[at]) for topic, at in partitions.items()}

    async def input_ends(self, shard: int, topics: Sequence[str]) -> dict[str, int]:
        """Give the end of each input's partition, records of transactions under way included."""
        partitions = {topic: TopicPartition(self._prefix + topic, shard) for topic in topics}
        async with self._uncommitted.use() as reader:
            await _bounded(know(reader, [at.topic for at in partitions.values()]))
            ends = await _bounded(reader.end_offsets(list(partitions.values())))
        return {topic: ends[at] for topic, at in partitions.items()}

    async def read_input(self, shard: int, topic: str, offset: int) -> Record | None:
        """Read the one record at `offset`."""
        at = TopicPartition(self._prefix + topic, shard)
        async with self._readers.use() as reader:
            _, end = await _bounds(reader, at)
            async for chunk in _read(reader, at, offset, min(end, offset + 1)):
                for record in chunk:
                    if record.offset == offset:
                        headers = tuple(record.headers)
                        return Record(topic, shard, offset, record.timestamp, record.key, record.value, headers)
        return None

    async def send(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes,
        timestamp: int | None,
        headers: Headers = (),
    ) -> None:
        """Append one record outside any transaction."""
        producer = await self._started()
        sent = producer.send_and_wait(
            self._prefix + topic,
            value,
            key=key,
            partition=partition,
            timestamp_ms=timestamp,
            headers=list(headers),
        )
        await _bounded(sent)

    async def time_ms(self) -> int:
        """Append to the topic `clock`, and give the time that the broker stamped; one of a moment ago will do."""
        asked, told = self._time
        now = time.monotonic_ns()
        if now - asked > CLOCK_ASKED_SECONDS * _NS:
            producer = await self._started()
            sent = await _bounded(producer.send_and_wait(self._prefix + CLOCK, b"", partition=0))
            if sent.offset < 0:  # it was sent again, and a broker knows only that it has it
                raise Retry("the broker's time was asked twice, and told not once")
            if sent.timestamp_type != _LOG_APPEND_TIME:
                raise Halt(f"topic {self._prefix}{CLOCK} must have message.timestamp.type=LogAppendTime")
            told = int(sent.timestamp)
            self._time = now, told
        return told

    async def _started(self) -> AIOKafkaProducer:
        """Give the plain producer, started once, by whoever needs it first."""
        async with self._starting:
            if self._plain is None:
                producer = AIOKafkaProducer(bootstrap_servers=self._servers, acks="all", enable_idempotence=True)
                try:
                    await _bounded(producer.start())
                except BaseException:
                    await asyncio.shield(_stopped(producer))
                    raise
                self._plain = producer
            return self._plain


async def _bounds(reader: AIOKafkaConsumer, at: TopicPartition) -> tuple[int, int]:
    await _bounded(know(reader, [at.topic]))
    earliest = await _bounded(reader.beginning_offsets([at]))
    end = await _bounded(reader.end_offsets([at]))
    return earliest[at], end[at]


async def _read(reader: AIOKafkaConsumer, at: TopicPartition, start: int, end: int) -> AsyncIterator[Sequence[Any]]:
    """Read committed records of [start, end); done when the position gets there, for the tail may hold markers."""
    if start >= end:
        return
    reader.assign([at])
    reader.seek(at, start)
    while await _bounded(reader.position(at)) < end:
        fetched = await _bounded(reader.getmany(at, timeout_ms=20))
        records = [record for record in fetched.get(at, ()) if record.offset < end]
        if records:
            yield records


async def _bounded(call: Awaitable[R]) -> R:
    """Await a call of Kafka for a limited time; raise Retry when it fails or takes longer.

    aiokafka asserts that a broker names at least itself; one that has just come back may name nobody.
    """
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await call
    except FAILURES as error:
        raise Retry(f"Kafka cannot be used now: {type(error).__name__} {error}") from error


async def _stopped(producer: AIOKafkaProducer) -> None:
    """Stop a producer; shielded by its callers, for a task that lets go of a shard may be cancelled meanwhile."""
    with contextlib.suppress(*FAILURES):
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await producer.stop()


def _append(batch: Any, record: OutRecord) -> bool:
    appended = batch.append(
        key=record.key, value=record.value, timestamp=record.timestamp, headers=list(record.headers)
    )
    return appended is not None


def _blamed(
    sends: Sequence[tuple[tuple[str, int], int, "asyncio.Future[RecordMetadata]"]], sending: Sequence[tuple[str, int]]
) -> str:
    """Say where a transaction failed: at what was refused, else what was not answered, else what could not be sent."""
    refused = {at for at, _, future in sends if future.done() and not future.cancelled() and future.exception()}
    waiting = {at for at, _, future in sends if future.cancelled() or not future.done()}
    places = sorted(refused or waiting or set(sending))
    return f" at {', '.join(f'{topic}/{partition}' for topic, partition in places)}" if places else ""


def _seen(future: "asyncio.Future[RecordMetadata]") -> None:
    if not future.cancelled():
        future.exception()
