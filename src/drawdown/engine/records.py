"""What the log holds, as the engine sees it."""

from collections.abc import Sequence

import msgspec

Headers = Sequence[tuple[str, bytes]]


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record read from an input topic. timestamp: append time, ms. Topic names carry no prefix inside the engine."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class OutRecord(msgspec.Struct, frozen=True, gc=False):
    """A record to append inside a shard's transaction. timestamp: None lets the log set it."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int | None = None


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Records of one fetch for one shard, in offset order per topic, fetched while the shard had `epoch`.

    next_offsets: per topic, the position after this fetch. ends: per topic, the read-committed end known then.
    fetched_at: the clock when the fetch was asked for, ms.
    """

    shard: int
    epoch: int
    records: tuple[Record, ...]
    next_offsets: dict[str, int]
    ends: dict[str, int]
    fetched_at: int
