"""The Log port in memory, over a MemoryBroker."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

from drawdown.engine.commit import COMMIT_KEY, CommitRecord, decode_commit
from drawdown.engine.errors import TRANSACTION, Doubt, Halt, Retry
from drawdown.engine.memory.broker import CommitFault, MemoryBroker, Refused
from drawdown.engine.ports import LogRecord
from drawdown.engine.records import Headers, OutRecord, Record


class MemoryShardLog:
    """One shard's fenced transactional producer."""

    def __init__(self, broker: MemoryBroker, producer: str) -> None:
        """Fence the former owner."""
        self._broker = broker
        self._producer = producer
        self._epoch = broker.fence(producer)

    async def commit(self, records: Sequence[OutRecord]) -> dict[tuple[str, int], int]:
        """Append all in one transaction; give the last offset per (topic, partition)."""
        try:
            return await self._commit(records)
        except Refused as error:
            msg = f"the transaction did not succeed: {error}"
            raise Doubt(msg, kind=TRANSACTION) from error

    async def _commit(self, records: Sequence[OutRecord]) -> dict[tuple[str, int], int]:
        broker, me = self._broker, (self._producer, self._epoch)
        together: dict[tuple[str, int], list[OutRecord]] = {}
        for record in records:
            together.setdefault((record.topic, record.partition), []).append(record)
        transaction = broker.begin(*me)
        fault: CommitFault | None = None
        try:
            offsets = {}
            for where, group in together.items():
                offsets[where] = broker.append_to(transaction, *me, group)
                await broker.appended(self._producer)
            fault = await broker.reach_end(self._producer)
            _interrupt(fault)
            broker.end(transaction, *me, committed=True)
        except BaseException:
            if fault is not CommitFault.LEFT_OPEN:
                with contextlib.suppress(Refused):
                    broker.end(transaction, *me, committed=False)
            raise
        if fault is CommitFault.UNANSWERED:
            msg = "the answer to the commit was lost"
            raise Refused(msg)
        return offsets

    async def close(self) -> None:
        """Release the producer; nothing of it is open but what a lost connection left."""
        await asyncio.sleep(0)


def _interrupt(fault: CommitFault | None) -> None:
    if fault in {CommitFault.ABORTED, CommitFault.LEFT_OPEN}:
        msg = "the connection was lost before the end"
        raise Refused(msg)


class MemoryLog:
    """Kafka as one ledger needs it."""

    def __init__(self, broker: MemoryBroker, ledger: str, *, chunk_records: int = 500) -> None:
        """Read and write at `broker`. chunk_records: how many records a reading gives at once."""
        self._broker = broker
        self._ledger = ledger
        self._changelog = f"changelog.{ledger}"
        self._known_ids = f"known-ids.{ledger}"
        self._chunk_records = chunk_records

    async def _reach(self) -> None:
        await asyncio.sleep(0)
        if self._broker.down:
            msg = "Kafka cannot be used now: it is down"
            raise Retry(msg)

    async def fence(self, shard: int) -> MemoryShardLog:
        """Initialise the shard's transactional producer."""
        await self._reach()
        return MemoryShardLog(self._broker, f"{self._ledger}-{shard}")

    async def newest_commit(self, shard: int) -> tuple[CommitRecord, int] | None:
        """Find the newest commit record and its offset."""
        await self._reach()
        records = self._broker.committed(self._changelog, shard)
        for entry in reversed(records):
            if entry.key == COMMIT_KEY:
                return decode_commit(entry.value or b""), entry.offset
        if records:
            msg = f"{self._changelog}/{shard} holds records but no commit record: it is not a changelog of Drawdown"
            raise Halt(msg)
        return None

    async def ends(self, shard: int) -> tuple[int, int]:
        """Give the ends of the shard's changelog and known-ids."""
        await self._reach()
        return self._broker.bounds(self._changelog, shard)[1], self._broker.bounds(self._known_ids, shard)[1]

    async def hides(self, shard: int) -> bool:
        """Say whether the shard's changelog holds what no reader is shown yet."""
        await self._reach()
        return self._broker.bounds(self._changelog, shard)[1] < self._broker.written(self._changelog, shard)

    async def changelog(self, shard: int, start: int) -> AsyncGenerator[Sequence[LogRecord], None]:
        """Read the shard's changelog from `start` to its end as of now."""
        async for chunk in self._stream(self._changelog, shard, start):
            yield chunk

    async def known_ids(self, shard: int, start: int) -> AsyncGenerator[Sequence[LogRecord], None]:
        """Read the shard's known ids from `start` to their end as of now."""
        async for chunk in self._stream(self._known_ids, shard, start):
            yield chunk

    async def _stream(self, topic: str, shard: int, start: int) -> AsyncGenerator[Sequence[LogRecord], None]:
        await self._reach()
        earliest, end = self._broker.bounds(topic, shard)
        position = max(start, earliest)
        while position < end:
            found, position = self._broker.read(topic, shard, position, end, self._chunk_records)
            if found:
                yield [LogRecord(entry.offset, entry.key, entry.value) for entry in found]
            await self._reach()

    async def input_bounds(self, shard: int, topics: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Give earliest offset and end of each input's partition."""
        await self._reach()
        return {topic: self._broker.bounds(topic, shard) for topic in topics}

    async def input_ends(self, shard: int, topics: Sequence[str]) -> dict[str, int]:
        """Give the end of each input's partition, records of transactions under way included."""
        await self._reach()
        return {topic: self._broker.written(topic, shard) for topic in topics}

    async def time_ms(self) -> int:
        """Give the broker's time."""
        await self._reach()
        return self._broker.now_ms()

    async def read_input(self, shard: int, topic: str, offset: int) -> Record | None:
        """Read the one record at `offset`."""
        await self._reach()
        _, end = self._broker.bounds(topic, shard)
        found, _ = self._broker.read(topic, shard, offset, min(end, offset + 1), 1)
        for entry in found:
            if entry.offset == offset:
                return Record(topic, shard, offset, entry.timestamp, entry.key, entry.value, entry.headers)
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
        await self._reach()
        self._broker.append(topic, partition, key, value, timestamp=timestamp, headers=headers)
