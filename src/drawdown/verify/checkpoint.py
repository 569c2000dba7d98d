"""What a run leaves for the next one to go on from: per shard the replayed states, known ids, and where it stood."""

import os
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import BinaryIO

import msgspec

from drawdown.engine.commit import CommitRecord
from drawdown.errors import BadInput

_MAGIC = b"drawdown verify checkpoint 1\n"
_LENGTH_BYTES = 8


class Saved(msgspec.Struct, frozen=True, array_like=True):
    """One shard as of a commit. starts: topic → from where its outputs, dead letters and ids are read next.

    prices: up to which offset of `prices` its books were read. states: encoded. ids: bucket, identity and value.
    seqs: topic → account → seq of its newest output. clock: append time up to which ids were forgotten, ms.
    """

    ledger: str
    shard: int
    shards: int
    rules: int
    commit: CommitRecord
    starts: dict[str, int]
    prices: int
    states: dict[str, bytes]
    ids: list[tuple[int, bytes, bytes]]
    seqs: dict[str, dict[str, int]]
    clock: int


class Checkpoint:
    """A file of shards: read one at a time, written beside the old one and put in its place at the end."""

    def __init__(self, path: Path) -> None:
        """Find the shards in the file, if there is one. Raise BadInput when it is none of ours."""
        self._path = path
        self._new = path.with_name(path.name + ".new")
        self._found: dict[tuple[str, int], tuple[int, int]] = {}  # ledger and shard → where, how long
        self._written: set[tuple[str, int]] = set()
        try:
            self._index()
            self._writer: BinaryIO = self._new.open("wb")
        except (OSError, msgspec.MsgspecError) as error:
            raise BadInput(f"checkpoint {path} cannot be read or written: {error}") from error
        self._writer.write(_MAGIC)

    def _index(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise BadInput(f"{self._path} is no checkpoint of `drawdown verify`: name another file")
            while length := int.from_bytes(file.read(_LENGTH_BYTES), "big"):
                name_length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
                ledger, shard = msgspec.msgpack.decode(file.read(name_length), type=tuple[str, int])
                self._found[ledger, shard] = file.tell(), length
                file.seek(length, os.SEEK_CUR)

    def _bytes(self, ledger: str, shard: int) -> bytes | None:
        place = self._found.get((ledger, shard))
        if place is None:
            return None
        with self._path.open("rb") as file:
            file.seek(place[0])
            return file.read(place[1])

    def of(self, ledger: str, shard: int) -> Saved | None:
        """Give a shard as it was, None if the file has none."""
        value = self._bytes(ledger, shard)
        try:
            return None if value is None else msgspec.msgpack.decode(value, type=Saved)
        except msgspec.MsgspecError as error:
            raise BadInput(f"checkpoint {self._path} is damaged: {error}; begin with a new one") from error

    def save(self, saved: Saved) -> None:
        """Write a shard as it is now."""
        self._write(saved.ledger, saved.shard, msgspec.msgpack.encode(saved))

    def _write(self, ledger: str, shard: int, value: bytes) -> None:
        name = msgspec.msgpack.encode((ledger, shard))
        for length in (len(value), len(name)):
            self._writer.write(length.to_bytes(_LENGTH_BYTES, "big"))
        self._writer.write(name)
        self._writer.write(value)
        self._written.add((ledger, shard))

    def finish(self) -> None:
        """Keep the shards that were not written anew, and put the file in its place."""
        for ledger, shard in self._found.keys() - self._written:
            self._write(ledger, shard, self._bytes(ledger, shard) or b"")
        self._writer.close()
        self._new.replace(self._path)

    def give_up(self) -> None:
        """Leave the old file as it is."""
        self._writer.close()
        self._new.unlink(missing_ok=True)


def refuse_another_log(saved: Saved, *, shards: int, rules: AbstractSet[int], newest: CommitRecord | None) -> None:
    """Raise BadInput unless a checkpoint's shard can be of this log. What its records prove is checked beside it.

    rules: all that are known.
    """
    where = f"{saved.ledger}, shard {saved.shard}: the checkpoint"
    if saved.shards != shards:
        raise BadInput(f"{where} is of {saved.shards} shards, not of {shards}: begin with a new file")
    if saved.rules not in rules:
        known = ", ".join(str(one) for one in sorted(rules))
        raise BadInput(f"{where} is by rules {saved.rules}, and this release knows {known}: begin with a new file")
    number = newest.number if newest else 0
    same = newest is not None and newest.chain == saved.commit.chain
    if number < saved.commit.number or (number == saved.commit.number and not same):
        raise BadInput(
            f"{where} is of commit {saved.commit.number}, which this log does not have (its newest is {number}):"
            " it is of another log, or this one has lost data"
        )
    now = {one.topic: one.next_offset for one in newest.inputs} if newest else {}
    for one in saved.commit.inputs:
        if now.get(one.topic, 0) < one.next_offset:
            raise BadInput(f"{where} had taken {one.topic} further than this log has: it is of another log")
