"""What a ledger's own topics hold: states on the changelog, remembered ids on known-ids. MessagePack."""

from collections.abc import Sequence
from typing import Final

import msgspec

from drawdown.engine.errors import Halt
from drawdown.engine.ports import KnownId, StateWrite

_encode: Final = msgspec.msgpack.Encoder().encode
_decode_state: Final = msgspec.msgpack.Decoder(tuple[int, bytes, int | None]).decode
_decode_ids: Final = msgspec.msgpack.Decoder(tuple[int, list[KnownId]]).decode


def encode_state_write(write: StateWrite) -> tuple[bytes, bytes]:
    """Give key and value of an account's state on the changelog."""
    return write.account.encode(), _encode((write.number, write.value, write.due))


def decode_state_write(key: bytes | None, value: bytes | None) -> StateWrite:
    """Read a state back. Raise Halt on a record that no ledger wrote."""
    if key is None or value is None:
        msg = f"a changelog record without {'key' if key is None else 'value'}: nothing of Drawdown's writes one"
        raise Halt(msg)
    try:
        number, state, due = _decode_state(value)
    except msgspec.DecodeError as error:
        msg = f"the changelog's record of account {key!r} cannot be read: {error}"
        raise Halt(msg) from error
    return StateWrite(key.decode(), number, state, due)


def encode_known_ids(number: int, ids: Sequence[KnownId]) -> bytes:
    """Give the value of a commit's record on known-ids."""
    return _encode((number, ids))


def decode_known_ids(value: bytes) -> tuple[int, list[KnownId]]:
    """Read a commit number and its ids back. Raise Halt on a record that no ledger wrote."""
    try:
        return _decode_ids(value)
    except msgspec.DecodeError as error:
        msg = f"a record of known ids cannot be read: {error}"
        raise Halt(msg) from error
