"""What a verification came to, so that a later one goes on from there."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from drawdown.engine.ledger import Ledger
from drawdown.engine.records import Record
from drawdown.errors import BadInput, UserError

VERSION = 1


class ShardPoint(msgspec.Struct, frozen=True):
    """One ledger's shard after commit `number` with `chain`.

    states: account → bytes. ids: identity, content, when it may be forgotten (ms). seq: topic, account, the newest.
    read: input topic → before which offset it was read; left: inputs that nothing accounts for yet. outputs: output
    topic → before which offset all is held against its inputs. totals: account → overages. lost: accounts that cannot
    be followed, as what was before is not kept.
    """

    ledger: str
    shard: int
    number: int
    chain: bytes
    states: dict[str, bytes]
    ids: list[tuple[bytes, bytes, int]]
    seq: list[tuple[str, str, int]]
    read: dict[str, int]
    left: list[Record]
    outputs: dict[str, int]
    totals: dict[str, str]
    lost: list[str]


class Checkpoint(msgspec.Struct, frozen=True):
    """All shards. prefix: of the topics' names."""

    version: int
    prefix: str
    rules: dict[str, int]
    points: list[ShardPoint]


def load(file: Path, prefix: str, ledgers: Sequence[Ledger]) -> dict[tuple[str, int], ShardPoint]:
    """Read a checkpoint; nothing if there is no such file.

    Raise BadInput for one that is none, of other topics, or of other rules.
    """
    try:
        value = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from error
    try:
        held = msgspec.msgpack.decode(value, type=Checkpoint)
    except msgspec.MsgspecError as error:
        raise BadInput(f"{file} is no checkpoint of `drawdown verify`: {error}; name a new file") from error
    if (held.version, held.prefix) != (VERSION, prefix):
        raise BadInput(f"{file} is of version {held.version} and prefix {held.prefix!r}; name a new file")
    other = [ledger.name for ledger in ledgers if held.rules.get(ledger.name, ledger.rules) != ledger.rules]
    if other:
        raise BadInput(f"{file} was made by other rules of {', '.join(other)}; name a new file")
    return {(point.ledger, point.shard): point for point in held.points}


def save(file: Path, prefix: str, ledgers: Sequence[Ledger], points: list[ShardPoint]) -> None:
    """Write a checkpoint beside the old one, then in its place. Raise UserError."""
    held = Checkpoint(VERSION, prefix, {ledger.name: ledger.rules for ledger in ledgers}, points)
    fresh = file.with_name(f"{file.name}.new")
    try:
        fresh.write_bytes(msgspec.msgpack.encode(held))
        fresh.replace(file)
    except OSError as error:
        raise UserError(f"the checkpoint cannot be written to {file}: {error.strerror}") from error
