"""A Kafka in memory: partitions as lists, transactions with markers, fencing, and what can happen to a log."""

import asyncio
import bisect
import enum
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import msgspec

from drawdown.engine.memory.clock import let_others_run
from drawdown.engine.ports import Clock
from drawdown.engine.records import Headers, OutRecord

MESSAGE_BYTES_MAX = 1_048_576


class CommitFault(enum.Enum):
    """What happens to a transaction whose owner hears only of an error."""

    ABORTED = enum.auto()  # nothing of it is in the log
    LEFT_OPEN = enum.auto()  # the connection broke before its end: it stays open until the shard is fenced
    UNANSWERED = enum.auto()  # it took effect, but the answer was lost


class Refused(Exception):
    """The broker does not do it: fenced, too large, or out of reach."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A place in a partition. transaction: 0 for none. marker: the end of a transaction, which nobody reads."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    transaction: int
    marker: bool = False


class Partition:
    """Entries in order of offset; compaction leaves gaps."""

    def __init__(self) -> None:
        """Start empty."""
        self.entries: list[Entry] = []
        self.start = 0
        self.end = 0

    def add(
        self,
        timestamp: int,
        record: tuple[bytes | None, bytes | None],
        headers: Headers,
        transaction: int,
        *,
        marker: bool = False,
    ) -> int:
        """Append an entry; give its offset."""
        offset, self.end = self.end, self.end + 1
        self.entries.append(Entry(offset, timestamp, *record, headers, transaction, marker))
        return offset


class MemoryBroker:
    """Topics and transactional producers.

    append_time: whether records take the broker's time, whatever their sender says; or the topics where they do.
    on_append, on_end: awaited by every transaction, with its producer's name, after each of its appends, and when all
    of it is appended and nothing is decided. faults: what befalls the next transactions, one each; None for good.
    """

    def __init__(self, clock: Clock, topics: Mapping[str, int], *, append_time: bool | Collection[str] = True) -> None:
        """Make topics. topics: name → partitions."""
        self._append_time = set(topics if append_time is True else append_time or ())
        self.on_append: Callable[[str], Awaitable[None]] | None = None
        self.on_end: Callable[[str], Awaitable[None]] | None = None
        self.faults: deque[CommitFault | None] = deque()
        self.listeners: list[Callable[[], None]] = []
        self._clock = clock
        self._topics = {topic: [Partition() for _ in range(count)] for topic, count in topics.items()}
        self._epochs: dict[str, int] = {}
        self.late: set[str] = set()  # producers whose commits readers see when the producer or `mark` goes on
        self._open: dict[int, tuple[str, list[Partition]]] = {}  # transaction → its producer, where it has appended
        self._unmarked: dict[int, tuple[str, list[Partition]]] = {}  # committed, as its producer knows
        self._aborted: set[int] = set()
        self._transactions = 0
        self._down = False

    @property
    def down(self) -> bool:
        """Whether nobody reaches the broker."""
        return self._down

    @down.setter
    def down(self, down: bool) -> None:
        self._down = down
        self._changed()

    def now_ms(self) -> int:
        """Give the time that records are stamped with."""
        return self._clock.now_ms()

    # --- readers and publishers ---------------------------------------------------------------

    def append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, *,
        timestamp: int | None = None, headers: Headers = (),
    ) -> int:  # fmt: skip
        """Append outside any transaction; give the offset."""
        offset = self._at(topic, partition).add(self._stamp(topic, timestamp), (key, value), headers, 0)
        self._changed()
        return offset

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """Give the earliest offset held and the read-committed end: where the first transaction without markers is."""
        at = self._at(topic, partition)
        hidden = self._open.keys() | self._unmarked.keys()
        if not hidden:
            return at.start, at.end
        return at.start, next((entry.offset for entry in at.entries if entry.transaction in hidden), at.end)

    def written(self, topic: str, partition: int) -> int:
        """Give the end, entries of open transactions included."""
        return self._at(topic, partition).end

    def read(self, topic: str, partition: int, start: int, end: int, records_max: int) -> tuple[list[Entry], int]:
        """Give committed records of [start, end), and the position after them: past markers and aborted records."""
        at = self._at(topic, partition)
        found: list[Entry] = []
        for entry in at.entries[bisect.bisect_left(at.entries, start, key=lambda entry: entry.offset) :]:
            if entry.offset >= end:
                break
            if entry.marker or entry.transaction in self._aborted:
                continue
            if len(found) == records_max:
                return found, entry.offset
            found.append(entry)
        return found, max(start, end)

    def committed(self, topic: str, partition: int) -> list[Entry]:
        """Give all that a read-committed reader sees now."""
        start, end = self.bounds(topic, partition)
        return self.read(topic, partition, start, end, end + 1)[0]

    # --- transactional producers --------------------------------------------------------------

    def fence(self, producer: str) -> int:
        """Initialise a producer: a former one of this id is refused from now on, what it left open is aborted."""
        for transaction in [number for number, (owner, _) in self._open.items() if owner == producer]:
            self._finish(transaction, committed=False)
        self.mark(producer)
        self._epochs[producer] = self._epochs.get(producer, 0) + 1
        return self._epochs[producer]

    def fences(self, producer: str) -> int:
        """Count how often a producer was initialised."""
        return self._epochs.get(producer, 0)

    def begin(self, producer: str, epoch: int) -> int:
        """Begin a transaction; give its number. Raise Refused when fenced or down."""
        self._check(producer, epoch)
        self.mark(producer)
        self._transactions += 1
        self._open[self._transactions] = (producer, [])
        return self._transactions

    def append_to(self, transaction: int, producer: str, epoch: int, records: Sequence[OutRecord]) -> int:
        """Append records for one partition; give the offset of the last. Raise Refused."""
        self._check(producer, epoch)
        at = self._at(records[0].topic, records[0].partition)
        _, touched = self._open[transaction]
        if at not in touched:
            touched.append(at)
        offset = -1
        for record in records:
            if len(record.key or b"") + len(record.value or b"") > MESSAGE_BYTES_MAX:
                msg = f"a record for {record.topic} is larger than the broker takes"
                raise Refused(msg)
            stamp = self._stamp(record.topic, record.timestamp)
            offset = at.add(stamp, (record.key, record.value), record.headers, transaction)
        return offset

    async def appended(self, producer: str) -> None:
        """Let others run between two appends of a transaction."""
        if self.on_append is not None:
            await self.on_append(producer)
        await asyncio.sleep(0)

    async def reach_end(self, producer: str) -> CommitFault | None:
        """Let others run between a transaction's appends and its end; say what befalls it."""
        if self.on_end is not None:
            await self.on_end(producer)
        await let_others_run(1)
        return self.faults.popleft() if self.faults else None

    def end(self, transaction: int, producer: str, epoch: int, *, committed: bool) -> None:
        """Commit or abort. Raise Refused when fenced or down."""
        self._check(producer, epoch)
        self._finish(transaction, committed=committed)

    def _finish(self, transaction: int, *, committed: bool) -> None:
        owner, touched = self._open.pop(transaction)
        if not committed:
            self._aborted.add(transaction)
        self._unmarked[transaction] = (owner, touched)
        if not (committed and owner in self.late):
            self.mark(owner)

    def mark(self, producer: str | None = None) -> None:
        """Write the markers that are due: of one producer's transactions, or of all."""
        for transaction, (owner, touched) in list(self._unmarked.items()):
            if producer in {None, owner}:
                del self._unmarked[transaction]
                for at in touched:
                    at.add(self._clock.now_ms(), (None, None), (), transaction, marker=True)
        self._changed()

    # --- what can happen to a log -------------------------------------------------------------

    def compact(self, topic: str, partition: int) -> None:
        """Keep the newest committed record of each key, and nothing else before the read-committed end."""
        at = self._at(topic, partition)
        _, end = self.bounds(topic, partition)
        newest = {entry.key: entry.offset for entry in self.committed(topic, partition)}
        keep = set(newest.values())
        at.entries = [entry for entry in at.entries if entry.offset in keep or entry.offset >= end]

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Let retention pass what is before `offset`."""
        at = self._at(topic, partition)
        at.start = max(at.start, offset)
        at.entries = [entry for entry in at.entries if entry.offset >= offset]

    def truncate(self, topic: str, partition: int, end: int) -> None:
        """Lose what was appended from `end` on."""
        at = self._at(topic, partition)
        at.entries = [entry for entry in at.entries if entry.offset < end]
        at.end = end

    def recreate(self, topic: str) -> None:
        """Make a topic anew, empty."""
        self._topics[topic] = [Partition() for _ in self._topics[topic]]

    # --- inside -------------------------------------------------------------------------------

    def _at(self, topic: str, partition: int) -> Partition:
        return self._topics[topic][partition]

    def _stamp(self, topic: str, timestamp: int | None) -> int:
        return self._clock.now_ms() if timestamp is None or topic in self._append_time else timestamp

    def _check(self, producer: str, epoch: int) -> None:
        if self._down:
            msg = "the broker does not answer"
            raise Refused(msg)
        if self._epochs.get(producer) != epoch:
            msg = f"producer {producer} is fenced"
            raise Refused(msg)

    def _changed(self) -> None:
        for listener in self.listeners:
            listener()
