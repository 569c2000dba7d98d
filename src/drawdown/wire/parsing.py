"""Read JSON with limits, and say in the reasons' words what is wrong with it."""

import re
from typing import Final, TypeVar

import msgspec

from drawdown.domain.errors import Reject
from drawdown.domain.limits import DIMENSIONS_MAX, EVENT_BYTES_MAX, EVENT_DEPTH_MAX, ID_LENGTH_MAX, NAME_LENGTH_MAX

T = TypeVar("T")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_MISSING: Final = re.compile(r"missing required field `([^`]*)`")


def checked_bytes(value: bytes | None, limit: int = EVENT_BYTES_MAX) -> bytes:
    """Give the bytes back; raise Reject: missing_field, too_large, not_utf8 or too_deep."""
    if value is None:
        raise Reject("missing_field", "the record has no value")
    if len(value) > limit:
        raise Reject("too_large", f"{len(value)} bytes; at most {limit} are read")
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise Reject("not_utf8", f"byte {error.start} is not UTF-8") from error
    if value.count(b"[") + value.count(b"{") > EVENT_DEPTH_MAX and _depth(value) > EVENT_DEPTH_MAX:
        raise Reject("too_deep", f"nested deeper than {EVENT_DEPTH_MAX} levels")
    return value


def _depth(value: bytes) -> int:
    """Measure how deep JSON text nests; brackets within strings do not count."""
    deepest = depth = 0
    quoted = escaped = False
    for byte in value:
        if quoted:
            quoted = byte != ord('"') or escaped
            escaped = byte == ord("\\") and not escaped
        elif byte == ord('"'):
            quoted = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def decoded(decoder: "msgspec.json.Decoder[T]", value: bytes) -> T:
    """Decode checked bytes; raise Reject: not_json, missing_field, wrong_type."""
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise _reason(str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Reject("not_json", f"the value is not JSON: {error}") from error


def _reason(said: str) -> Reject:
    missing = _MISSING.search(said)
    if missing is not None:
        return Reject("missing_field", f"field {missing[1]} is missing{_where(said)}")
    return Reject("wrong_type", said)


def _where(said: str) -> str:
    _, found, path = said.partition(" - at ")
    return f" at {path}" if found else ""


def name(value: str, field: str) -> str:
    """Give a name back; raise Reject(invalid_value) for an empty, long or unprintable one."""
    return _text(value, field, NAME_LENGTH_MAX)


def ident(value: str, field: str) -> str:
    """Give an id back; raise Reject(invalid_value) for an empty, long or unprintable one."""
    return _text(value, field, ID_LENGTH_MAX)


def source(value: str) -> str:
    """Give an event's source back, as `ident` does."""
    return ident(value, "source")


def _text(value: str, field: str, limit: int) -> str:
    if not value:
        raise Reject("invalid_value", f"{field} is empty")
    if len(value) > limit:
        raise Reject("invalid_value", f"{field} has {len(value)} characters; at most {limit}")
    if not value.isprintable() and _CONTROL.search(value):
        raise Reject("invalid_value", f"{field} holds control characters: {value[:40]!r}")
    return value


def dimensions(values: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Give dimensions as sorted pairs; raise Reject(invalid_value)."""
    if len(values) > DIMENSIONS_MAX:
        raise Reject("invalid_value", f"{len(values)} dimensions; at most {DIMENSIONS_MAX}")
    return tuple(sorted((name(key, "dimension"), name(value, key)) for key, value in values.items()))
