"""The engine's ports. Each has an in-memory twin in `engine/memory` and one contract suite over both."""

import enum
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

import msgspec

from drawdown.engine.commit import CommitRecord, Cursor
from drawdown.engine.records import Headers, OutRecord, Record


class LookUp(msgspec.Struct, frozen=True, gc=False):
    """One look-up's answer. known: index of an identity → its stored value (content hash, then a command's result).

    states: one per account asked, None where there is none. Checksums were verified (a bad one raises Doubt).
    """

    cursor: Cursor
    known: dict[int, bytes]
    states: list[bytes | None]


class KnownId(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An identity to remember until `forget_at` (ms), with its value: 8 bytes of content hash, then a result."""

    identity: bytes
    value: bytes
    forget_at: int


class StateWrite(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An account's new state bytes as of commit `number`; due: its next timer, or None."""

    account: str
    number: int
    value: bytes
    due: int | None


class Inventory(msgspec.Struct, frozen=True, gc=False):
    """How much a shard holds, all as of one cursor. ids: bucket (forget_at // ID_BUCKET_MS) → how many ids."""

    cursor: Cursor
    states: int
    due: int
    ids: dict[int, int]


class Sample(msgspec.Struct, frozen=True, gc=False):
    """What a shard holds of what was asked, None where there is nothing, all as of one cursor.

    states: with number and due time as held, checksums verified. ids: values, each from the bucket it belongs to.
    """

    cursor: Cursor
    states: list[StateWrite | None]
    ids: list[bytes | None]


class Swapped(enum.Enum):
    """What became of a swap: made; the cursor was not the one told; another rebuild has begun."""

    DONE = enum.auto()
    MOVED = enum.auto()
    LOST = enum.auto()


class Cache(Protocol):
    """One ledger's Redis. Every method raises Retry when Redis is down or slow.

    Nothing here is the truth: the log is. A missing cursor reads as GENESIS.
    """

    async def look_up(self, shard: int, identities: Sequence[bytes], accounts: Sequence[str]) -> LookUp:
        """Read cursor, ids and states at once, atomically.

        Raise Doubt(rebuild=True) on a bad checksum, and while a rebuild is under way.
        """
        ...

    async def cursor(self, shard: int) -> Cursor:
        """Read the shard's cursor. Raise Doubt(rebuild=True) if it cannot be read as one."""
        ...

    async def apply(
        self, shard: int, expected: Cursor, new: Cursor, states: Sequence[StateWrite], ids: Sequence[KnownId]
    ) -> bool:
        """Write states, ids, due times and the new cursor, all or nothing, if the cursor is `expected`; else False."""
        ...

    async def begin_rebuild(self, shard: int) -> bytes:
        """Delete all of the shard; give the token that load and finish must show."""
        ...

    async def load(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        """Write a chunk of a rebuild; False if the token is not the shard's any more, or an earlier chunk is lost."""
        ...

    async def finish_rebuild(self, shard: int, token: bytes, cursor: Cursor) -> bool:
        """Set the cursor and drop the token; False if the token is not the shard's any more, or a chunk is lost."""
        ...

    async def begin_stage(self, shard: int) -> bytes:
        """Make an empty fresh place for the shard beside what readers see; give the token to show it with."""
        ...

    async def stage(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        """Write to the fresh place; False if the token is not its any more, or a chunk before is lost."""
        ...

    async def swap(self, shard: int, token: bytes, cursor: Cursor, held: Cursor | None) -> Swapped:
        """Replace all of the shard by its fresh place at `cursor`, atomically, if its cursor is `held`.

        A rebuild in place that is under way, or was left off, may write no more.
        held: None if there is something that cannot be read as a cursor, which is then replaced whatever it is.
        """
        ...

    async def due(self, shard: int, until: int, limit: int) -> list[tuple[str, int]]:
        """List accounts with a timer due at or before `until` (ms), earliest first."""
        ...

    async def inventory(self, shard: int) -> Inventory:
        """Count what the shard holds, atomically. Raise Doubt(rebuild=True) on a bucket of no known name."""
        ...

    async def sample(self, shard: int, accounts: Sequence[str], ids: Sequence[KnownId]) -> Sample:
        """Read states with their numbers and due times, and ids, atomically; at most a few thousand of each.

        Raise Doubt(rebuild=True) on a bad checksum.
        """
        ...

    async def forget(self, shard: int, before: int) -> int:
        """Forget ids whose forget_at is before `before` (ms), by whole buckets; give how many buckets went."""
        ...


class ShardLog(Protocol):
    """A shard's own transactional producer, already fenced: no former owner can commit any more."""

    async def commit(self, records: Sequence[OutRecord]) -> dict[tuple[str, int], int]:
        """Append all in one transaction; give the offset of the last record per (topic, partition).

        Every append is awaited and checked before the commit. Raise Doubt on anything else than success.
        """
        ...

    async def close(self) -> None:
        """Release the producer; an open transaction is aborted."""
        ...


class LogRecord(msgspec.Struct, frozen=True, gc=False):
    """A committed record of changelog or known-ids."""

    offset: int
    key: bytes | None
    value: bytes | None


class Log(Protocol):
    """Kafka as one ledger needs it. Reads are read-committed. Raise Retry when Kafka is down or slow."""

    async def fence(self, shard: int) -> ShardLog:
        """Initialise the shard's transactional producer: the former owner can no longer commit."""
        ...

    async def newest_commit(self, shard: int) -> tuple[CommitRecord, int] | None:
        """Find the newest commit record from the changelog's tail, with its offset; None on an empty log.

        Raise Halt if the changelog has records and no commit record.
        """
        ...

    async def ends(self, shard: int) -> tuple[int, int]:
        """Give the read-committed ends of the shard's changelog and known-ids."""
        ...

    async def hides(self, shard: int) -> bool:
        """Say whether the shard's changelog holds what no reader is shown yet: of a transaction without its markers.

        It is open, or it was committed a moment ago: Kafka answers a commit before it writes them.
        """
        ...

    def changelog(self, shard: int, start: int) -> AsyncGenerator[Sequence[LogRecord], None]:
        """Read committed records from offset `start` (or the earliest held) to the end as of now, in chunks."""
        ...

    def known_ids(self, shard: int, start: int) -> AsyncGenerator[Sequence[LogRecord], None]:
        """Read likewise the shard's known ids."""
        ...

    async def input_bounds(self, shard: int, topics: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Give the earliest offset held and the read-committed end of each input's partition `shard`."""
        ...

    async def input_ends(self, shard: int, topics: Sequence[str]) -> dict[str, int]:
        """Give the end of each input's partition `shard`, records of transactions under way included."""
        ...

    async def time_ms(self) -> int:
        """Give the log's own time, ms: nothing that is appended from now on has an earlier append time.

        By the brokers' clocks, which may differ by WATERMARK_MARGIN_MS; never by a worker's.
        """
        ...

    async def read_input(self, shard: int, topic: str, offset: int) -> Record | None:
        """Read the one record at `offset` of an input, None if it is not there."""
        ...

    async def send(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes,
        timestamp: int | None,
        headers: Headers = (),
    ) -> None:
        """Append one record outside any transaction (timers, watermarks); best effort, it is sent again."""
        ...


class Transport(Protocol):
    """What feeds the engine: it fetches opened shards and delivers `Batch`es; the engine steers it."""

    def open(self, shard: int, epoch: int, positions: Mapping[str, int]) -> None:
        """Seek these inputs of the shard to their positions and begin to fetch them, and no others, under `epoch`."""
        ...

    def widen(self, shard: int, positions: Mapping[str, int]) -> None:
        """Fetch further inputs of an open shard too, from these positions; the others go on where they are."""
        ...

    def park(self, shard: int) -> None:
        """Stop fetching the shard until it is opened again; what is in flight comes with an old epoch."""
        ...

    def throttle(self, shard: int, *, full: bool) -> None:
        """Stop fetching the shard while its queue is full; go on, from where it stopped, when it is not."""
        ...

    async def commit_offsets(self, shard: int, positions: Mapping[str, int]) -> bool:
        """Commit the engine's positions for lag tools and as proof of ownership.

        positions: a topic whose position is not known yet is left out, and keeps what is committed.
        True if the group accepted it in the generation in which the shard was assigned; False otherwise. Never sent
        between a revocation and the next assignment.
        """
        ...


class Clock(Protocol):
    """Where time comes from, for pacing and probes only; rating knows append times alone."""

    def now_ms(self) -> int:
        """Wall clock, ms since 1970 UTC."""
        ...

    def monotonic_ms(self) -> int:
        """Monotonic clock, ms."""
        ...

    def monotonic_ns(self) -> int:
        """Monotonic clock, ns, for how long steps take."""
        ...

    async def sleep_ms(self, duration_ms: int) -> None:
        """Wait."""
        ...
