"""Where a verification reads: the log, and the cache beside it. Kafka and Redis, or their twins in memory."""

from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from drawdown.engine.commit import Cursor
from drawdown.engine.records import Record

Place = tuple[str, int]  # topic without prefix, partition


class Source(Protocol):
    """One system's log and cache. Raise UserError when either is out of reach."""

    @property
    def shards(self) -> int:
        """Count the partitions of every keyed topic."""
        ...

    def shard_of(self, key: bytes) -> int:
        """Say which partition a key belongs to."""
        ...

    def now_ms(self) -> int:
        """Give the wall clock, ms: ids older than that may be forgotten."""
        ...

    async def spans(self, places: Iterable[Place]) -> dict[Place, tuple[int, int]]:
        """Give the earliest offset held and the read-committed end of each place."""
        ...

    def read(self, place: Place, start: int, end: int) -> AsyncIterator[Record]:
        """Give the committed records of [start, end) in order. Several readings may be under way at once."""
        ...

    async def cursor(self, ledger: str, shard: int) -> Cursor | None:
        """Read the cache's cursor: GENESIS where there is none, None where it is not one."""
        ...

    def states(self, ledger: str, shard: int) -> AsyncIterator[tuple[str, bytes | None]]:
        """Give accounts and their states in the cache, bytes None where the checksum does not match."""
        ...

    def ids(self, ledger: str, shard: int) -> AsyncIterator[tuple[int, bytes, bytes]]:
        """Give bucket, identity and value of each id in the cache."""
        ...

    def due(self, ledger: str, shard: int) -> AsyncIterator[tuple[str, int]]:
        """Give accounts and their due times (ms) in the cache."""
        ...
