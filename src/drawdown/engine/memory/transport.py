"""The Transport port in memory: fetches opened shards from a MemoryBroker."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from drawdown.domain.limits import FETCH_RECORDS_MAX
from drawdown.engine.errors import Halt
from drawdown.engine.memory.broker import MemoryBroker
from drawdown.engine.records import Batch, Record


class MemoryTransport:
    """What feeds one worker.

    assigned: False as long as the group would refuse an offset commit. records_max: of one topic and fetch.
    committed: what the group accepted, by shard.
    """

    def __init__(self, broker: MemoryBroker, topics: Sequence[str]) -> None:
        """Fetch `topics` from `broker`; no shard is open yet."""
        self.assigned = True
        self.records_max = FETCH_RECORDS_MAX
        self.committed: dict[int, dict[str, int]] = {}
        self._broker = broker
        self._topics = tuple(topics)
        self._epochs: dict[int, int] = {}
        self._positions: dict[int, dict[str, int]] = {}
        self._throttled: set[int] = set()
        self._changed = asyncio.Event()
        broker.listeners.append(self._changed.set)

    # --- the port -----------------------------------------------------------------------------

    def open(self, shard: int, epoch: int, positions: Mapping[str, int]) -> None:
        """Fetch the shard from these positions, under `epoch`."""
        self._epochs[shard] = epoch
        self._positions[shard] = dict(positions)
        self._throttled.discard(shard)
        self._changed.set()

    def widen(self, shard: int, positions: Mapping[str, int]) -> None:
        """Fetch further inputs of the shard too."""
        self._positions[shard].update(positions)
        self._changed.set()

    def park(self, shard: int) -> None:
        """Stop fetching the shard."""
        self._epochs.pop(shard, None)

    def throttle(self, shard: int, *, full: bool) -> None:
        """Leave the shard out of the fetches while it is full."""
        if full:
            self._throttled.add(shard)
        else:
            self._throttled.discard(shard)
            self._changed.set()

    async def commit_offsets(self, shard: int, positions: Mapping[str, int]) -> bool:
        """Commit the shard's positions, if the group would."""
        await asyncio.sleep(0)
        if not self.assigned or self._broker.down:
            return False
        self.committed[shard] = self.committed.get(shard, {}) | dict(positions)
        return True

    # --- the worker's side --------------------------------------------------------------------

    @property
    def throttled(self) -> frozenset[int]:
        """Shards that are left out for now."""
        return frozenset(self._throttled)

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Deliver without end; raise Halt at a position that a topic does not hold."""
        while True:
            self._changed.clear()
            fetched = [] if self._broker.down else self._fetch()
            for batch in fetched:
                await asyncio.sleep(0)  # between fetch and delivery a shard may move on
                yield batch
            if not fetched:
                await self._changed.wait()

    def _fetch(self) -> list[Batch]:
        batches = []
        for shard, epoch in self._epochs.items():
            if shard in self._throttled:
                continue
            records: list[Record] = []
            starts: dict[str, int] = {}
            nexts: dict[str, int] = {}
            for topic, start in self._positions[shard].items():
                found, position = self._read(shard, topic, start)
                if position != start:
                    records += found
                    starts[topic], nexts[topic] = start, position
            if nexts:
                self._positions[shard].update(nexts)
                batches.append(Batch(shard, epoch, records, starts, nexts))
        return batches

    def _read(self, shard: int, topic: str, start: int) -> tuple[list[Record], int]:
        earliest, end = self._broker.bounds(topic, shard)
        if not earliest <= start <= end:
            msg = f"an input cannot be read: {topic}/{shard} holds no offset {start}"
            raise Halt(msg)
        found, position = self._broker.read(topic, shard, start, end, self.records_max)
        made = [Record(topic, shard, e.offset, e.timestamp, e.key, e.value, e.headers) for e in found]
        return made, position
