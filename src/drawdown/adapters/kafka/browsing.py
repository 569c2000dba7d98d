"""Read partitions for people's questions: from a time, to the end, or following; committed records only."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from drawdown.adapters.kafka.metadata import know, rest
from drawdown.domain.limits import BROWSE_FETCH_BYTES, TRANSACTION_TIMEOUT_MS
from drawdown.engine.records import Record
from drawdown.errors import UserError

Place = tuple[str, int]  # topic without prefix, partition
_TIMEOUT_SECONDS = TRANSACTION_TIMEOUT_MS // 1000
_POLL_MS = 20


class Browser:
    """One consumer without a group, for the length of a context; it reads one thing at a time."""

    def __init__(self, servers: str, prefix: str, fetch_bytes: int = BROWSE_FETCH_BYTES) -> None:
        """Name the brokers and the prefix of every topic. fetch_bytes: of a partition, taken apart at once."""
        self._servers = servers
        self._prefix = prefix
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=servers,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=fetch_bytes,
            max_poll_records=None,
        )
        self._topics: set[str] = set()

    async def __aenter__(self) -> Self:
        """Connect; raise UserError when no broker answers."""
        async with contextlib.AsyncExitStack() as unless_connected:
            unless_connected.push_async_callback(self._consumer.stop)
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    await self._consumer.start()
                    self._topics = await self._consumer.topics()
            except (KafkaError, TimeoutError, OSError) as error:
                raise UserError(
                    f"no Kafka broker answers at {self._servers} (setting kafka, DRAWDOWN_KAFKA): {error}"
                ) from error
            unless_connected.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def spans(self, places: Iterable[Place], since: int | None = None) -> dict[Place, tuple[int, int]]:
        """Give where to begin and the end as of now, per place. since: append time, ms; None: all there is."""
        at = [self._at(place) for place in places]
        async with self._told():
            await know(self._consumer, {one.topic for one in at})
            starts = await self._consumer.beginning_offsets(at)
            ends = await self._consumer.end_offsets(at)
            if since is not None:
                found = await self._consumer.offsets_for_times(dict.fromkeys(at, since))
                starts = {one: ends[one] if found[one] is None else found[one].offset for one in at}
        return {self._place(one): (starts[one], ends[one]) for one in at}

    async def read(self, spans: Mapping[Place, tuple[int, int]]) -> AsyncGenerator[Record, None]:
        """Give the records of each span, in order within a place."""
        ends = {self._at(place): end for place, (start, end) in spans.items() if start < end}
        if not ends:
            return
        await self._seek({place: start for place, (start, end) in spans.items() if start < end})
        while ends:
            async with self._told():
                fetched = await self._consumer.getmany(*ends, timeout_ms=_POLL_MS)
            for one, records in fetched.items():
                for record in records:
                    if record.offset < ends[one]:
                        yield self._record(record)
            for one in list(ends):
                if await self._consumer.position(one) >= ends[one]:
                    del ends[one]  # its last offsets may be markers of transactions, which give no record
        rest(self._consumer)

    async def follow(self, starts: Mapping[Place, int]) -> AsyncGenerator[Record, None]:
        """Give records from these offsets on, for ever."""
        async with contextlib.aclosing(self.fetches(starts)) as fetches:
            async for records, _ in fetches:
                for record in records:
                    yield record

    async def fetches(
        self, starts: Mapping[Place, int], records_max: int | None = None
    ) -> AsyncGenerator[tuple[list[Record], dict[Place, int]], None]:
        """Give what each fetch brings from these offsets on, for ever; often nothing.

        With it, where each place is read to: that is past the last record where transactions end behind it.
        """
        await self._seek(starts)
        at = {place: self._at(place) for place in starts}
        while True:
            async with self._told():
                fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=records_max)
                read = {place: await self._consumer.position(one) for place, one in at.items()}
            found: list[Record] = []
            for one, records in fetched.items():
                topic, partition = self._place(one)
                found += [
                    Record(topic, partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in records
                ]
            yield found, read

    async def _seek(self, starts: Mapping[Place, int]) -> None:
        self._consumer.assign([self._at(place) for place in starts])
        for place, offset in starts.items():
            self._consumer.seek(self._at(place), offset)

    def _at(self, place: Place) -> TopicPartition:
        topic, partition = place
        name = self._prefix + topic
        if name not in self._topics:
            raise UserError(f"topic {name} does not exist: create it with `drawdown topics create`")
        return TopicPartition(name, partition)

    def _place(self, at: TopicPartition) -> Place:
        return at.topic[len(self._prefix) :], at.partition

    def _record(self, r: Any) -> Record:
        topic = r.topic[len(self._prefix) :]
        return Record(topic, r.partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers))

    @contextlib.asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        """Give Kafka a limited time, and turn its errors into words."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                yield
        except (KafkaError, TimeoutError, OSError) as error:
            raise UserError(f"Kafka at {self._servers} cannot be read: {type(error).__name__} {error}") from error
