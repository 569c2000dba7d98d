"""What identifies an input, and what it says, as short digests."""

import hashlib
from functools import lru_cache
from typing import Final

import msgspec

IDENTITY_BYTES: Final = 16
CONTENT_BYTES: Final = 8
_encode: Final = msgspec.msgpack.Encoder().encode


def identity_of(*parts: str) -> bytes:
    """Digest what identifies an input: source and id of an event, account and id of a command; never its time."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=IDENTITY_BYTES).digest()


def content_of(body: object) -> bytes:
    """Digest what an input says, however it was written down."""
    return hashlib.blake2b(_encode(body), digest_size=CONTENT_BYTES).digest()


def output_id(identity: bytes, ledger: str, kind: str, ordinal: int = 0) -> str:
    """Give an output's id, which follows from its input's identity: 24 hex digits."""
    return hashlib.blake2b(identity + _kind(ledger, kind, ordinal), digest_size=12).hexdigest()


@lru_cache(maxsize=1_024)
def _kind(ledger: str, kind: str, ordinal: int) -> bytes:
    return f"\0{ledger}\0{kind}\0{ordinal}".encode()
