"""CloudEvents 1.0 over Kafka, structured and binary content mode, to one envelope."""

from typing import Final

import msgspec

from drawdown.domain.errors import Reject
from drawdown.engine.records import Record
from drawdown.wire.envelope import Envelope
from drawdown.wire.parsing import checked_bytes, decoded, ident, name, source

SPEC_VERSION: Final = "1.0"
_PREFIX: Final = "ce_"
_ATTRIBUTES: Final = ("specversion", "id", "source", "type", "subject", "time")
_STRUCTURED: Final = b"application/cloudevents"


_decoder: Final = msgspec.json.Decoder(Envelope)


def envelope_of(record: Record) -> Envelope:
    """Read a record in either content mode; raise Reject with the reason."""
    value = checked_bytes(record.value)
    envelope = _binary(record, value) if _is_binary(record) else decoded(_decoder, value)
    if envelope.specversion != SPEC_VERSION:
        raise Reject("unknown_version", f"specversion {envelope.specversion[:20]!r}; {SPEC_VERSION} is read")
    ident(envelope.id, "id")
    source(envelope.source)
    name(envelope.subject, "subject")
    _check_key(record.key, envelope.subject)
    return envelope


def _check_key(key: bytes | None, subject: str) -> None:
    if key is None:
        raise Reject("missing_key", f"the record has no key; it must be the subject, {subject}")
    if key != subject.encode():
        raise Reject("invalid_value", f"the record's key {key[:64]!r} is not the subject {subject}")


def _is_binary(record: Record) -> bool:
    binary = False
    for header, content in record.headers:
        if header == "content-type" and content.startswith(_STRUCTURED):
            return False
        binary = binary or header == "ce_specversion"
    return binary


def _binary(record: Record, value: bytes) -> Envelope:
    attributes: dict[str, str] = {}
    for header, content in record.headers:
        if header.startswith(_PREFIX):
            try:
                attributes[header.removeprefix(_PREFIX)] = content.decode()
            except UnicodeDecodeError as error:
                raise Reject("not_utf8", f"header {header} is not UTF-8") from error
    for attribute in _ATTRIBUTES:
        if attribute not in attributes:
            raise Reject("missing_field", f"header {_PREFIX}{attribute} is missing")
    return Envelope(
        specversion=attributes["specversion"],
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        subject=attributes["subject"],
        time=attributes["time"],
        data=msgspec.Raw(value),
    )
