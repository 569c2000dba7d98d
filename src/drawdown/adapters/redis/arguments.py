"""What a write's script is told: states sealed, ids by the bucket that they are forgotten with."""

import hashlib
from collections.abc import Sequence
from typing import Final

from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.ports import KnownId, StateWrite

CHECKSUM_BYTES: Final = 8
NUMBER_BYTES: Final = 8


def of_states(states: Sequence[StateWrite]) -> list[str | bytes | int]:
    """Give how many there are; then account, sealed state and due time ('' for none) of each."""
    told: list[str | bytes | int] = [len(states)]
    for write in states:
        account, due = write.account, write.due
        told.append(account)
        told.append(seal(account, write.number, write.value))
        told.append(b"" if due is None else due)
    return told


def of_ids(ids: Sequence[KnownId]) -> tuple[list[int], list[bytes | int]]:
    """Give the buckets; and for each how many ids it gets, then identity and value of each."""
    buckets: dict[int, list[bytes | int]] = {}
    for known in ids:
        bucket = known.forget_at // ID_BUCKET_MS
        members = buckets.get(bucket)
        if members is None:
            members = buckets[bucket] = [0]
        members.append(known.identity)
        members.append(known.value)
    told: list[bytes | int] = []
    for members in buckets.values():
        members[0] = len(members) // 2
        told += members
    return list(buckets), told


def seal(account: str, number: int, value: bytes) -> bytes:
    """Give a state's bytes in Redis: checksum over account, commit number and bytes; commit number; bytes."""
    body = number.to_bytes(NUMBER_BYTES, "big") + value
    return checksum(account, body) + body


def checksum(account: str, body: bytes) -> bytes:
    """Digest what a sealed state holds after its checksum, and whose it is."""
    name = account.encode()
    return hashlib.blake2b(len(name).to_bytes(2, "big") + name + body, digest_size=CHECKSUM_BYTES).digest()
