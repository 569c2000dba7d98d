"""Usage events as publishers write them: CloudEvents in structured mode, checked by the decoder that will read them."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from drawdown.domain.catalogue import FINE_TUNING, GPU_CONTAINER, INFERENCE
from drawdown.domain.errors import Reject
from drawdown.engine.records import Headers, Record
from drawdown.wire.cloudevents import SPEC_VERSION
from drawdown.wire.instants import format_instant
from drawdown.wire.usage import decode_usage
from drawdown.wire.usage_data import TYPE_PREFIX

Amount = int | str | Decimal
CONTENT_TYPE: Headers = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NS_PER_MS = 1_000_000
_encode = msgspec.json.Encoder().encode


class UsageEvent(msgspec.Struct, frozen=True, gc=False):
    """An event ready to be sent, and sent again as often as needed: its bytes never change. topic: without prefix."""

    topic: str
    account: str
    source: str
    id: str
    value: bytes
    headers: Headers = CONTENT_TYPE

    @property
    def key(self) -> bytes:
        """The record's key: the account, which decides the partition."""
        return self.account.encode()

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        return len(self.key) + len(self.value) + sum(len(name) + len(content) for name, content in self.headers)


def new_id() -> str:
    """Make an id for an event: random, made once and kept for every retry."""
    return uuid.uuid4().hex


def now() -> datetime:
    """Give the current time."""
    return _EPOCH + time.time_ns() // _NS_PER_MS * _MILLISECOND


def instant(moment: datetime, field: str) -> str:
    """Write a moment down, finer digits than milliseconds cut off. Raise Reject(invalid_value) without a time zone."""
    if moment.tzinfo is None:
        raise Reject("invalid_value", f"{field} {moment.isoformat()} has no time zone; say which, such as UTC")
    return format_instant((moment - _EPOCH) // _MILLISECOND)


def checked(event: UsageEvent) -> UsageEvent:
    """Give the event back; raise Reject with the code under which it would end among the dead letters."""
    usage = decode_usage(Record(event.topic, 0, 0, 0, event.key, event.value, event.headers))
    if (usage.account, usage.source, usage.id) != (event.account, event.source, event.id):
        raise Reject("invalid_value", f"event {event.id[:64]!r} says another account, source or id in its value")
    if event.topic != f"usage.{usage.service}":
        raise Reject("invalid_value", f"usage of {usage.service} belongs on usage.{usage.service}, not {event.topic}")
    return event


def usage_event(
    service: str, source: str, account: str, time: str, data: dict[str, object], event_id: str | None
) -> UsageEvent:
    """Build an event, to be checked where it is published; parts of `data` that are None are left out."""
    ident = new_id() if event_id is None else event_id
    message = {
        "specversion": SPEC_VERSION,
        "id": ident,
        "source": source,
        "type": f"{TYPE_PREFIX}{service}.v{VERSION}",
        "subject": account,
        "time": time,
        "datacontenttype": "application/json",
        "data": {name: _plain(value) for name, value in data.items() if value is not None},
    }
    try:
        value = _encode(message)
    except (UnicodeEncodeError, OverflowError) as error:  # a lone surrogate, an integer beyond 64 bits
        raise Reject("invalid_value", f"the event cannot be written: {error}") from error
    return UsageEvent(f"usage.{service}", account, source, ident, value)


def _plain(value: object) -> object:
    return f"{value:f}" if isinstance(value, Decimal) else value


def container_event(
    source: str,
    account: str,
    *,
    container: str,
    gpu_model: str,
    gpu_count: Amount,
    start: datetime,
    end: datetime,
    running: bool,
    storage_gb: Amount,
    region: str | None,
    event_id: str | None,
) -> UsageEvent:
    """Build the usage of a GPU Container over [start, end)."""
    data: dict[str, object] = {
        "container": container,
        "gpu_model": gpu_model,
        "gpu_count": gpu_count,
        "state": "running" if running else "stopped",
        "storage_gb": storage_gb,
        "region": region,
        "from": instant(start, "start"),
        "to": instant(end, "end"),
    }
    return usage_event(GPU_CONTAINER, source, account, instant(end, "end"), data, event_id)


def tuning_event(
    source: str,
    account: str,
    *,
    job: str,
    model: str,
    gpu_model: str,
    gpu_count: Amount,
    start: datetime,
    end: datetime,
    final: bool,
    region: str | None,
    event_id: str | None,
) -> UsageEvent:
    """Build the usage of a fine-tuning job over [start, end)."""
    data: dict[str, object] = {
        "job": job,
        "model": model,
        "gpu_model": gpu_model,
        "gpu_count": gpu_count,
        "final": final,
        "region": region,
        "from": instant(start, "start"),
        "to": instant(end, "end"),
    }
    return usage_event(FINE_TUNING, source, account, instant(end, "end"), data, event_id)


def inference_event(
    source: str,
    account: str,
    *,
    endpoint: str,
    model: str,
    time: datetime | None,
    region: str | None,
    event_id: str | None,
    **counts: int,
) -> UsageEvent:
    """Build the usage of an endpoint. counts: by meter; a zero is left out."""
    measured = {meter: count or None for meter, count in counts.items()}
    data: dict[str, object] = {"endpoint": endpoint, "model": model, "region": region, **measured}
    moment = now() if time is None else time
    return usage_event(INFERENCE, source, account, instant(moment, "time"), data, event_id)
