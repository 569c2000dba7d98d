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


def size_of(record: "Record | OutRecord") -> int:
    """Give the bytes of key, value and headers."""
    size = len(record.key or b"") + len(record.value or b"")
    for name, content in record.headers:
        size += len(name) + len(content)
    return size


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

    starts, next_offsets: per topic, the position before and after this fetch. A position may move without any record:
    over the markers that transactions leave.
    """

    shard: int
    epoch: int
    records: Sequence[Record]
    starts: dict[str, int]
    next_offsets: dict[str, int]
