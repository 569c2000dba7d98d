"""One shard as its owner holds it: the queue of what was fetched, positions, cached states. One owner, one lock."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence

from drawdown.domain.limits import (
    CACHED_STATES_MAX,
    QUEUE_RECORDS_MAX,
    TAKE_BYTES_MAX,
    TAKE_RECORDS_MAX,
    WATERMARK_MARGIN_MS,
)
from drawdown.engine.commit import GENESIS, Cursor, InputPosition, record_hash
from drawdown.engine.errors import Doubt, Halt
from drawdown.engine.ports import Inventory, ShardLog
from drawdown.engine.records import Record


class Queue:
    """Fetched records of one shard by topic; takes are cut from it, commands first, then usage by append time."""

    def __init__(self, command_topic: str, usage_topics: Sequence[str]) -> None:
        """Start empty."""
        self._commands: deque[Record] = deque()
        self._usage: dict[str, deque[Record]] = {topic: deque() for topic in usage_topics}
        self._by_topic = {command_topic: self._commands, **self._usage}
        self._records = 0
        self.filled = asyncio.Event()

    def __len__(self) -> int:
        """Count the records that wait."""
        return self._records

    @property
    def full(self) -> bool:
        """Whether the shard should not be fetched for now."""
        return self._records >= QUEUE_RECORDS_MAX

    def put(self, records: Sequence[Record]) -> None:
        """Append records of one fetch, in offset order per topic."""
        for record in records:
            self._by_topic[record.topic].append(record)
        self._records += len(records)
        if self._records:
            self.filled.set()

    def waiting(self, topic: str) -> int:
        """Count what waits of one topic."""
        return len(self._by_topic[topic])

    def oldest(self, topic: str) -> Record | None:
        """Give the first of one topic that waits."""
        return next(iter(self._by_topic[topic]), None)

    def take(self) -> list[Record]:
        """Cut off the next take, within the limits of records and bytes; at least one record if any waits."""
        taken: list[Record] = []
        size = 0
        commands = self._commands
        while len(taken) < TAKE_RECORDS_MAX:
            source = commands or self._oldest()
            if source is None:
                break
            size += len(source[0].value or b"")
            if taken and size > TAKE_BYTES_MAX:
                break
            taken.append(source.popleft())
        self._records -= len(taken)
        if not self._records:
            self.filled.clear()
        return taken

    def _oldest(self) -> deque[Record] | None:
        waiting = [queue for queue in self._usage.values() if queue]
        if len(waiting) <= 1:
            return waiting[0] if waiting else None
        return min(waiting, key=lambda queue: queue[0].timestamp)


WATERMARK_HEADER = "watermark"


def carried_by(record: Record) -> int:
    """Give the watermark (ms) that a record carries, 0 if it carries none."""
    for name, content in record.headers:
        if name == WATERMARK_HEADER and content.isdigit():
            return int(content)
    return 0


def is_tick(record: Record) -> bool:
    """Say whether a record carries the watermark and nothing else."""
    return record.key is None and not record.value and carried_by(record) > 0


class Watermark:
    """The append time up to which every usage input of a shard was taken (design section 4)."""

    def __init__(self, usage_topics: Sequence[str], *, log_clock: bool, carried: Sequence[str] = ()) -> None:
        """Know nothing yet. log_clock: local stacks whose records carry their own time, never the wall clock's.

        carried: those of the topics whose watermark stands on their records.
        """
        self._carried = frozenset(carried)
        self._log_clock = log_clock
        self._resumed_at = 0
        self._taken: dict[str, int] = dict.fromkeys(usage_topics, 0)
        self._caught_up: dict[str, int] = dict.fromkeys(usage_topics, 0)

    @property
    def asks(self) -> bool:
        """Whether the log's time counts, and not only that of records."""
        return not self._log_clock

    def resume(self, at: int) -> None:
        """Go on from the watermark of the newest commit, ms: it never goes back."""
        self._resumed_at = max(self._resumed_at, at)

    def caught_up(self, topic: str, asked_at: int) -> None:
        """Note that all is taken and committed that `topic` held when the log was asked at `asked_at` (its time, ms).

        It says nothing of a topic that another ledger still writes to from its own backlog.
        """
        if topic in self._carried:
            return
        self._caught_up[topic] = max(self._caught_up[topic], asked_at - WATERMARK_MARGIN_MS)

    def taken(self, records: Sequence[Record]) -> None:
        """Note records whose transaction is committed."""
        for record in records:
            at = carried_by(record) if record.topic in self._carried else record.timestamp
            if at > self._taken.get(record.topic, at):
                self._taken[record.topic] = at

    def now(self) -> int:
        """Give the watermark, ms; 0 while some input was never read."""
        if self._log_clock:
            reached = min((at for at in self._taken.values() if at), default=0)
        else:
            reached = min(max(at, self._caught_up[topic]) for topic, at in self._taken.items())
        return max(reached, self._resumed_at)


class Shard:
    """A shard in its owner's hands between an assignment (or a doubt) and the next one."""

    def __init__(self, number: int, epoch: int, queue: Queue, watermark: Watermark) -> None:
        """Start parked, at the genesis cursor, until a recovery sets what the log says."""
        self.number = number
        self.epoch = epoch
        self.queue = queue
        self.watermark = watermark
        self.lock = asyncio.Lock()
        self.cursor: Cursor = GENESIS
        self.positions: dict[str, InputPosition] = {}
        self.states: OrderedDict[str, object] = OrderedDict()
        self.own_keys: set[bytes] = set()
        self.log: ShardLog | None = None
        self.open = False
        self.throttled = False
        self.fetched_to: dict[str, int] = {}
        self.commands_until = 0  # usage is not fetched before the commands up to this offset; 0 when they are
        self.taking: Sequence[Record] = ()  # cut off the queue and not committed yet
        self.timers_sent: dict[tuple[str, int], int] = {}
        self.watermark_sent = 0
        self.watermark_committed = 0  # of the newest commit: up to it ids may be forgotten
        self.inventory: Inventory | None = None  # of Redis, as it was last probed
        self.trouble: Doubt | Halt | None = None  # what the scrub found

    def advanced(self, records: Sequence[Record]) -> dict[str, InputPosition]:
        """Give the positions after `records` were taken, with the proof of each topic's last record."""
        positions = dict(self.positions)
        last: dict[str, Record] = {}
        for record in records:
            last[record.topic] = record
        for topic, record in last.items():
            digest = record_hash(record.key, record.value)
            positions[topic] = InputPosition(topic, record.offset + 1, record.offset, digest)
        return positions

    def remember(self, states: dict[str, object]) -> None:
        """Keep decoded states for the next takes, the longest unused ones going first."""
        cache = self.states
        for key, state in states.items():
            cache[key] = state
            cache.move_to_end(key)
        while len(cache) > CACHED_STATES_MAX:
            cache.popitem(last=False)
        if len(self.own_keys) > CACHED_STATES_MAX:
            self.own_keys.clear()

    def next_offsets(self) -> dict[str, int]:
        """Give the offset from which each input is read next."""
        return {topic: position.next_offset for topic, position in self.positions.items()}

    def first_offsets(self, command_topic: str, end: int) -> dict[str, int]:
        """Give what to fetch first: of a shard with commands that wait before `end`, those alone (decision 0022)."""
        offsets = self.next_offsets()
        waits = offsets[command_topic] < end
        self.commands_until = end if waits else 0
        return {command_topic: offsets[command_topic]} if waits else offsets

    def further_offsets(self, command_topic: str) -> dict[str, int]:
        """Give what to fetch as well, once those commands are fetched; nothing at any other time."""
        if not self.commands_until or self.fetched_to[command_topic] < self.commands_until:
            return {}
        self.commands_until = 0
        return {topic: offset for topic, offset in self.fetched_to.items() if topic != command_topic}
