"""Usage events of the three services, from the envelope to derived quantities."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from drawdown.domain.catalogue import FINE_TUNING, GPU_CONTAINER, INFERENCE, SERVICES
from drawdown.domain.errors import Reject
from drawdown.domain.model import Measure, Usage
from drawdown.domain.quantity import parse_thousandths
from drawdown.domain.usage import container_measures, fine_tuning_measures, inference_measures
from drawdown.engine.records import Record
from drawdown.wire.cloudevents import envelope_of
from drawdown.wire.envelope import Envelope
from drawdown.wire.instants import parse_instant
from drawdown.wire.parsing import decoded, name
from drawdown.wire.usage_data import DATA_TYPES, TYPE_PREFIX, ContainerData, InferenceData, TuningData

_TYPE: Final = re.compile(r"ai\.drawdown\.usage\.([a-z0-9-]{1,64})\.v([0-9]{1,9})", re.ASCII)
_METER_ENDINGS: Final = ("_tokens", "_seconds", "_characters")
_UNDERSCORES: Final[tuple[int, ...]] = tuple([meter.count("_") for meter in SERVICES[INFERENCE].meters])


_decoders: Final = {service: msgspec.json.Decoder(kind) for service, kind in DATA_TYPES.items()}
_fields: Final = {
    service: frozenset(field.encode_name for field in msgspec.structs.fields(kind))
    for service, kind in DATA_TYPES.items()
}
_keys_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SERVICE_OF_TYPE: Final = {f"{TYPE_PREFIX}{service}.v1": service for service in SERVICES}


def decode_usage(record: Record) -> Usage:
    """Read a usage event and derive its quantities; raise Reject with the reason."""
    envelope = envelope_of(record)
    service = _SERVICE_OF_TYPE.get(envelope.type) or _refused_type(envelope.type)
    raw = bytes(envelope.data)
    data = decoded(_decoders[service], raw)
    if service == INFERENCE:
        counts = data.counts()
        if raw.count(b"_") != _underscores(counts) or raw.find(b"\\") >= 0:  # then there is more than the counts
            _check_meters(service, raw, len(counts) - counts.count(0) - bool(data.images))
        return _inference(envelope, data, counts)
    _check_meters(service, raw, 0)
    return _readers[service](envelope, data)


def _refused_type(kind: str) -> str:
    match = _TYPE.fullmatch(kind)
    if match is None:
        raise Reject("unknown_type", f"type {kind[:80]!r} is not of the form {TYPE_PREFIX}<service>.v1")
    if match[1] not in SERVICES:
        raise Reject("unknown_service", f"service {match[1]} is not in the catalogue: {', '.join(SERVICES)}")
    raise Reject("unknown_version", f"version {match[2]} of {match[1]} usage; 1 is read")


def _underscores(counts: tuple[int, ...]) -> int:
    """Count the underscores in the names of an inference call's counts that are not 0."""
    found, names = 0, _UNDERSCORES
    for index in range(len(counts)):  # compiled, three times as fast as zip
        if counts[index]:
            found += names[index]
    return found


def _check_meters(service: str, raw: bytes, known: int) -> None:
    """Refuse a measurement that nobody would bill: an unknown field that names a meter.

    known: such fields that were read. As many endings as known fields, none of them written with an escape, leave
    no room for another.
    """
    count = raw.count(b"_tokens") + raw.count(b"_seconds") + raw.count(b"_characters")
    if count == known and b"\\" not in raw:
        return
    for key in _keys_decoder.decode(raw):
        if key.endswith(_METER_ENDINGS) and key not in _fields[service]:
            raise Reject("unknown_meter", f"{key[:64]} is not a meter of {service}")


def _container(envelope: Envelope, data: ContainerData) -> Usage:
    start, end = _interval(envelope, data.from_, data.to)
    gpus = parse_thousandths(data.gpu_count, "gpu_count")
    storage = parse_thousandths(data.storage_gb, "storage_gb")
    measures = container_measures(start, end, gpus, storage, running=data.state == "running")
    dimensions = _dimensions(data.gpu_model, None, data.region)
    return _usage(envelope, GPU_CONTAINER, name(data.container, "container"), dimensions, end, start, measures)


def _tuning(envelope: Envelope, data: TuningData) -> Usage:
    start, end = _interval(envelope, data.from_, data.to)
    gpus = parse_thousandths(data.gpu_count, "gpu_count")
    dimensions = _dimensions(data.gpu_model, data.model, data.region)
    job = name(data.job, "job")
    measures = fine_tuning_measures(start, end, gpus)
    usage = _usage(envelope, FINE_TUNING, job, dimensions, end, start, measures)
    return msgspec.structs.replace(usage, gpu_thousandths=gpus, job=job, final=data.final)


def _inference(envelope: Envelope, data: InferenceData, counts: tuple[int, ...]) -> Usage:
    time = parse_instant(envelope.time)
    dimensions = _dimensions(None, data.model, data.region)
    endpoint = name(data.endpoint, "endpoint")
    return _usage(envelope, INFERENCE, endpoint, dimensions, time, None, inference_measures(counts))


_readers: dict[str, Callable[[Envelope, Any], Usage]] = {GPU_CONTAINER: _container, FINE_TUNING: _tuning}


def _interval(envelope: Envelope, start: str, end: str) -> tuple[int, int]:
    instants = parse_instant(start, "from"), parse_instant(end, "to")
    if instants[1] != parse_instant(envelope.time):
        raise Reject("invalid_value", f"time {envelope.time[:40]!r} is not the interval's end, {end[:40]!r}")
    return instants


@lru_cache(maxsize=4_096)
def _dimensions(gpu_model: str | None, model: str | None, region: str | None) -> tuple[tuple[str, str], ...]:
    """Give the dimensions that are there, in alphabetical order."""
    values = (("gpu_model", gpu_model), ("model", model), ("region", region))
    return tuple([(key, name(value, key)) for key, value in values if value is not None])


def _usage(
    envelope: Envelope,
    service: str,
    resource: str,
    dimensions: tuple[tuple[str, str], ...],
    time: int,
    start: int | None,
    measures: tuple[Measure, ...],
) -> Usage:
    return Usage(envelope.subject, envelope.source, envelope.id, service, resource, dimensions, time, start, measures)
