"""Reads inputs on demand, and outputs side by side in the order of their append times; a chunk of each in memory."""

from collections import deque
from collections.abc import Sequence

from drawdown.domain.limits import VERIFY_CHUNK_RECORDS
from drawdown.engine.commit import record_hash
from drawdown.engine.records import Record
from drawdown.verify.model import Place, Source, Span


class Window:
    """One input's partition, read forwards. What nothing has accounted for yet is kept."""

    def __init__(self, source: Source, place: Place, span: Span) -> None:
        """Begin at the earliest record held."""
        self.place = place
        self.start, self.end = span
        self.read_to = self.start
        self.open: dict[int, Record] = {}
        self.newest = -1  # offset that an output or a dead letter told, the highest
        self.hashes: dict[int, bytes] = {}  # of the records at watched offsets
        self.watched: set[int] = set()
        self._source = source

    async def take(self, offset: int) -> Record | None:
        """Give a record and count it as accounted for; None if it is not there, or was accounted for before."""
        while self.read_to <= offset < self.end:
            await self.read_on()
        self.newest = max(self.newest, offset)
        return self.open.pop(offset, None)

    def oldest(self) -> int:
        """Give the append time of the first record that nothing accounts for yet, ms; a far one if there is none."""
        return min((record.timestamp for record in self.open.values()), default=1 << 62)

    async def read_on(self) -> bool:
        """Read a chunk; False at the end."""
        if self.read_to >= self.end:
            return False
        until = min(self.read_to + VERIFY_CHUNK_RECORDS, self.end)
        async for record in self._source.read({self.place: (self.read_to, until)}):
            self.open[record.offset] = record
            if record.offset in self.watched:
                self.hashes[record.offset] = record_hash(record.key, record.value)
        self.read_to = until
        return True


class Outputs:
    """Several topics' partitions of one shard, merged by append time; within a topic the order is the log's."""

    def __init__(self, source: Source, spans: dict[Place, Span]) -> None:
        """Begin at the earliest records held."""
        self._source = source
        self._spans = spans
        self._aside: dict[Place, int] = {}
        self._waiting: dict[Place, deque[Record]] = {place: deque() for place in spans}

    async def next(self) -> Record | None:
        """Give the record appended first of those that were not given yet."""
        for place, waiting in self._waiting.items():
            while not waiting and await self._fill(place):
                pass
        heads: Sequence[deque[Record]] = [waiting for waiting in self._waiting.values() if waiting]
        if not heads:
            return None
        return min(heads, key=lambda waiting: waiting[0].timestamp).popleft()

    def set_aside(self, record: Record) -> None:
        """Keep a place in mind that a later run must begin at: this record was made after what is looked at."""
        self._aside.setdefault((record.topic, record.partition), record.offset)

    def extend(self, spans: dict[Place, Span]) -> None:
        """Read on to these ends."""
        self._spans = {
            place: (self._spans[place][0], max(end, self._spans[place][1])) for place, (_, end) in spans.items()
        }

    def reached(self) -> dict[str, int]:
        """Give per topic before which offset everything was looked at."""
        return {place[0]: self._aside.get(place, start) for place, (start, _) in self._spans.items()}

    async def _fill(self, place: Place) -> bool:
        start, end = self._spans[place]
        if start >= end:
            return False
        until = min(start + VERIFY_CHUNK_RECORDS, end)
        async for record in self._source.read({place: (start, until)}):
            self._waiting[place].append(record)
        self._spans[place] = until, end
        return True
