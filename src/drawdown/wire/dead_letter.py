"""Dead letters: the refused bytes, why, and where they came from."""

import hashlib

from drawdown.domain.errors import Reject
from drawdown.domain.limits import (
    DEAD_LETTER_BYTES_MAX,
    DEAD_LETTER_HEADERS_BYTES_MAX,
    DEAD_LETTER_KEY_BYTES_MAX,
    REJECT_DETAIL_LENGTH_MAX,
)
from drawdown.engine.records import OutRecord, Record

TOPIC = "dead-letters"


def encode_dead_letter(record: Record, reject: Reject, ledger: str, rules: int, shard: int) -> OutRecord:
    """Give the dead letter of a refused record.

    The value is the refused bytes, or nothing when they pass DEAD_LETTER_BYTES_MAX: then sha256, topic, partition and
    offset point at them. A key past DEAD_LETTER_KEY_BYTES_MAX is cut off. Original headers come back under "original-",
    up to DEAD_LETTER_HEADERS_BYTES_MAX of them; "headers-dropped" counts the rest.
    """
    value = record.value or b""
    headers: list[tuple[str, bytes]] = [
        ("reason", reject.code.encode()),
        ("detail", reject.detail[:REJECT_DETAIL_LENGTH_MAX].encode("utf-8", "replace")),
        ("topic", record.topic.encode()),
        ("partition", b"%d" % record.partition),
        ("offset", b"%d" % record.offset),
        ("timestamp", b"%d" % record.timestamp),
        ("ledger", ledger.encode()),
        ("rules", b"%d" % rules),
        ("size", b"%d" % len(value)),
        ("sha256", hashlib.sha256(value).hexdigest().encode()),
    ]
    key = record.key
    if key is not None:
        key = key[:DEAD_LETTER_KEY_BYTES_MAX]
        headers.append(("key", key))
    headers += _originals(record)
    kept = value if len(value) <= DEAD_LETTER_BYTES_MAX else b""
    return OutRecord(TOPIC, shard, key, kept, tuple(headers))


def _originals(record: Record) -> list[tuple[str, bytes]]:
    kept: list[tuple[str, bytes]] = []
    size = 0
    for name, content in record.headers:
        size += len(name) + len(content)
        if size > DEAD_LETTER_HEADERS_BYTES_MAX:
            kept.append(("headers-dropped", b"%d" % (len(record.headers) - len(kept))))
            break
        kept.append((f"original-{name}", content))
    return kept
