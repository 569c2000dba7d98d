"""The commit record and the cursor: what ties Redis to the log."""

import hashlib

import msgspec

GENESIS_CHAIN = b"\x00" * 16
COMMIT_KEY = b"\x00commit"


class InputPosition(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Where an input topic is read from next; the last record taken, and the hash that proves it is still that one.

    last_offset: -1 and last_hash: b'' when nothing was ever taken from it.
    """

    topic: str
    next_offset: int
    last_offset: int = -1
    last_hash: bytes = b""


class CommitRecord(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The last record of each transaction on a shard's changelog.

    number: 1 for the first. previous, chain: 16-byte hashes; chain = hash(previous, everything in the transaction).
    inputs: a position for every input topic. rules: of the ledger. prices_offset: up to where prices were read.
    watermark: append time up to which all usage inputs were taken, ms.
    """

    number: int
    previous: bytes
    chain: bytes
    inputs: tuple[InputPosition, ...]
    rules: int
    prices_offset: int
    watermark: int


class Cursor(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What Redis has reached: commit number, chain hash, and the offsets that follow it on changelog and known-ids."""

    number: int = 0
    chain: bytes = GENESIS_CHAIN
    changelog_offset: int = 0
    ids_offset: int = 0


GENESIS = Cursor()

_encode = msgspec.msgpack.Encoder().encode
_decode_commit = msgspec.msgpack.Decoder(CommitRecord).decode
_decode_cursor = msgspec.msgpack.Decoder(Cursor).decode


def encode_commit(commit: CommitRecord) -> bytes:
    """Give the commit record's value on the changelog."""
    return _encode(commit)


def decode_commit(value: bytes) -> CommitRecord:
    """Read a commit record; raise msgspec.DecodeError when it is none."""
    return _decode_commit(value)


def encode_cursor(cursor: Cursor) -> bytes:
    """Give the cursor's value in Redis."""
    return _encode(cursor)


def decode_cursor(value: bytes) -> Cursor:
    """Read a cursor; raise msgspec.DecodeError when it is none."""
    return _decode_cursor(value)


def record_hash(key: bytes | None, value: bytes | None) -> bytes:
    """Hash a taken record, 8 bytes: proves later that the input still holds the same one at its offset."""
    digest = hashlib.blake2b(digest_size=8)
    digest.update(b"\x00" if key is None else b"\x01" + key)
    digest.update(b"\x00" if value is None else b"\x01" + value)
    return digest.digest()
