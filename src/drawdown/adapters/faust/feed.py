"""The Transport port: which shards are fetched, from where, and under which epoch."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiokafka import TopicPartition

from drawdown.engine.records import Batch, Record

CommitOffsets = Callable[[Mapping[TopicPartition, int | None]], Awaitable[bool]]


class Wanted:
    """What to fetch next: positions to seek first, then the partitions; with the shards' epochs as of the asking."""

    def __init__(
        self, epochs: dict[int, int], seeks: dict[TopicPartition, int], partitions: list[TopicPartition]
    ) -> None:
        """Hold the answer."""
        self.epochs = epochs
        self.seeks = seeks
        self.partitions = partitions


def together(parts: Sequence[Wanted]) -> Wanted:
    """Give one fetch for several feeds. Its epochs are of no use: each feed sorts the answer by its own."""
    seeks = {at: offset for wanted in parts for at, offset in wanted.seeks.items()}
    return Wanted({}, seeks, [at for wanted in parts for at in wanted.partitions])


class Fetched:
    """What a fetch gave: records, and every partition's position before and after it."""

    def __init__(
        self,
        records: Mapping[TopicPartition, Sequence[Record]],
        before: Mapping[TopicPartition, int],
        after: Mapping[TopicPartition, int],
    ) -> None:
        """Hold the answer."""
        self.records = records
        self.before = before
        self.after = after


class Feed:
    """Opened, parked and throttled shards. Used on the event loop of the app only."""

    def __init__(self, topics: Sequence[str], prefix: str, changed: asyncio.Event | None = None) -> None:
        """Name the input topics, without their prefix. changed: set when there is more to fetch; all feeds share it."""
        self._names = {topic: prefix + topic for topic in topics}
        self._prefix_length = len(prefix)
        self._epochs: dict[int, int] = {}
        self._open: dict[int, list[str]] = {}  # by shard: the inputs that are fetched, by their names on the brokers
        self._seeks: dict[TopicPartition, int] = {}
        self._throttled: set[int] = set()
        self.changed = changed or asyncio.Event()
        self._commit: CommitOffsets | None = None

    # --- the engine's side --------------------------------------------------------------------

    def open(self, shard: int, epoch: int, positions: Mapping[str, int]) -> None:
        """Fetch the shard from these positions, under `epoch`."""
        self.park(shard)
        self._epochs[shard] = epoch
        self._throttled.discard(shard)
        self.widen(shard, positions)

    def widen(self, shard: int, positions: Mapping[str, int]) -> None:
        """Fetch further inputs of the shard too, from these positions."""
        names = [self._names[topic] for topic in positions]
        self._open[shard] = self._open.get(shard, []) + names
        self._seeks |= {TopicPartition(self._names[topic], shard): offset for topic, offset in positions.items()}
        self.changed.set()

    def park(self, shard: int) -> None:
        """Stop fetching the shard."""
        self._epochs.pop(shard, None)
        for name in self._open.pop(shard, ()):
            self._seeks.pop(TopicPartition(name, shard), None)

    def throttle(self, shard: int, *, full: bool) -> None:
        """Leave the shard out of the fetches while it is full."""
        if full:
            self._throttled.add(shard)
        else:
            self._throttled.discard(shard)
            self.changed.set()

    async def commit_offsets(self, shard: int, positions: Mapping[str, int]) -> bool:
        """Commit the shard's positions, if the group is as it was when the shard was assigned."""
        if self._commit is None:
            return False
        return await self._commit(
            {TopicPartition(name, shard): positions.get(topic) for topic, name in self._names.items()}
        )

    # --- the consumer's side ------------------------------------------------------------------

    def attach(self, commit: CommitOffsets) -> None:
        """Say how offsets are committed."""
        self._commit = commit

    @property
    def topics(self) -> list[str]:
        """Name the topics on the brokers."""
        return list(self._names.values())

    def wanted(self) -> Wanted:
        """Say what to fetch now."""
        shards = [shard for shard in self._epochs if shard not in self._throttled]
        partitions = [TopicPartition(name, shard) for shard in shards for name in self._open[shard]]
        seeks = {at: self._seeks[at] for at in partitions if at in self._seeks}
        return Wanted({shard: self._epochs[shard] for shard in shards}, seeks, partitions)

    def batches(self, wanted: Wanted, fetched: Fetched) -> list[Batch]:
        """Sort a fetch by shard; only shards with records, or whose position moved over markers."""
        for at in wanted.seeks:
            if self._epochs.get(at.partition) == wanted.epochs[at.partition]:
                self._seeks.pop(at, None)
        starts: dict[int, dict[str, int]] = {}
        nexts: dict[int, dict[str, int]] = {}
        records: dict[int, list[Record]] = {}
        for at in wanted.partitions:
            position = fetched.after[at]
            if position == fetched.before[at]:
                continue
            topic = at.topic[self._prefix_length :]
            starts.setdefault(at.partition, {})[topic] = fetched.before[at]
            nexts.setdefault(at.partition, {})[topic] = position
            records.setdefault(at.partition, []).extend(fetched.records.get(at, ()))
        return [Batch(shard, wanted.epochs[shard], records[shard], starts[shard], nexts[shard]) for shard in nexts]
