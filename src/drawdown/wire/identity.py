"""What identifies an input, and what it says, as short digests."""

import hashlib
from collections.abc import Sequence

import msgspec

IDENTITY_BYTES = 16
CONTENT_BYTES = 8
_encode = msgspec.msgpack.Encoder().encode


def identity_of(*parts: str) -> bytes:
    """Digest what identifies an input: source and id of an event, account and id of a command; never its time."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=IDENTITY_BYTES).digest()


def content_of(body: object) -> bytes:
    """Digest what an input says, however it was written down."""
    return hashlib.blake2b(_encode(body), digest_size=CONTENT_BYTES).digest()


def output_id(identity: bytes, ledger: str, kind: str, ordinal: int = 0) -> str:
    """Give an output's id, which follows from its input's identity: 24 hex digits."""
    parts: Sequence[bytes] = (identity, ledger.encode(), kind.encode(), b"%d" % ordinal)
    return hashlib.blake2b(b"\0".join(parts), digest_size=12).hexdigest()
