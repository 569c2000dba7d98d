"""Replays: a refused usage event, carried by a command."""

import base64
import binascii

import msgspec

from drawdown.domain.errors import Reject
from drawdown.domain.limits import REPLAY_HEADERS_MAX
from drawdown.domain.model import Usage
from drawdown.engine.records import Headers, Record
from drawdown.wire.commands import ReplayUsageMessage
from drawdown.wire.usage import decode_usage

_encode = msgspec.json.Encoder().encode


def usage_of_replay(message: ReplayUsageMessage, record: Record) -> Usage:
    """Read the event that a replay carries; raise Reject with the reason, also when it is another account's."""
    headers = tuple((header.name, _bytes(header.value, header.name)) for header in message.headers)
    carried = Record(
        topic=message.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=message.account.encode(),
        value=_bytes(message.value, "value"),
        headers=headers,
    )
    return decode_usage(carried)


def encode_replay(
    ident: str,
    account: str,
    topic: str,
    value: bytes,
    headers: Headers,
    *,
    letter: tuple[int, int] | None,
    operator: str,
    reason: str,
) -> bytes:
    """Write a replay. headers: those that say nothing of the event are left out. letter: partition and offset."""
    told = [(name, content) for name, content in headers if name == "content-type" or name.startswith("ce_")]
    message: dict[str, object] = {
        "command": "replay_usage",
        "version": 1,
        "id": ident,
        "account": account,
        "topic": topic,
        "value": base64.b64encode(value).decode(),
        "headers": [
            {"name": name, "value": base64.b64encode(content).decode()} for name, content in told[:REPLAY_HEADERS_MAX]
        ],
        "operator": operator,
        "reason": reason,
    }
    if letter is not None:
        message["dead_letter"] = {"partition": letter[0], "offset": letter[1]}
    return _encode(message)


def _bytes(text: str, field: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Reject("invalid_value", f"{field} is not base64: {error}") from error
