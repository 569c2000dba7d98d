"""What a transaction's records amount to: the chain over them, and that each is small enough."""

import hashlib
from collections.abc import Sequence
from typing import Final

from drawdown.domain.limits import RECORD_BYTES_MAX
from drawdown.engine.commit import InputPosition
from drawdown.engine.errors import Halt
from drawdown.engine.records import OutRecord, size_of

_SMALL_BYTES: Final = RECORD_BYTES_MAX // 2  # with any key: it came with an event of at most EVENT_BYTES_MAX


def chain_hash(previous: bytes, number: int, inputs: Sequence[InputPosition], records: Sequence[OutRecord]) -> bytes:
    """Hash what a transaction appends (but its commit record) onto the chain, 16 bytes."""
    head = repr((number, [(p.topic, p.next_offset, p.last_offset, p.last_hash) for p in inputs])).encode()
    parts = [previous, head]
    topic, partition, where = "", -1, b""
    for record in records:
        value = record.value or b""
        if record.topic != topic or record.partition != partition:
            topic, partition = record.topic, record.partition
            where = f"{topic}:{partition}:".encode()
        parts += (where, str(len(value)).encode(), b":", value)
    return hashlib.blake2b(b"".join(parts), digest_size=16).digest()


def check_sizes(records: Sequence[OutRecord]) -> None:
    """Raise Halt for a record that no topic should hold."""
    for record in records:
        value = record.value
        if value is not None and len(value) < _SMALL_BYTES and not record.headers:
            continue
        size = size_of(record)
        if size > RECORD_BYTES_MAX:
            msg = (
                f"{size} bytes for {record.topic}/{record.partition} pass the limit of {RECORD_BYTES_MAX} a record:"
                " a limit of the domain should have refused its input"
            )
            raise Halt(msg)
