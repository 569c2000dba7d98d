"""Every reason for which a usage event is refused by its form, with its code."""

from typing import Any

import pytest
from tests.support.messages import (
    ACCOUNT,
    DAY,
    HOUR,
    T0,
    Message,
    binary,
    container,
    inference,
    raw,
    structured,
    tuning,
    written,
)

from drawdown.domain.errors import Reject
from drawdown.domain.limits import EVENT_BYTES_MAX, EVENT_DEPTH_MAX
from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant
from drawdown.wire.usage import decode_usage

GOOD = inference(input_tokens=5)


def reason(record: Record) -> str:
    with pytest.raises(Reject) as caught:
        decode_usage(record)
    assert caught.value.detail
    return caught.value.code


def nested(levels: int) -> bytes:
    """A good event with `levels` of nesting inside one of its fields."""
    depth = levels - 2  # the event and its data
    return written(GOOD).replace(b'"ep"', b'"ep", "deep": ' + b"[" * depth + b"]" * depth)


def swapped(old: bytes, new: bytes) -> bytes:
    value = written(GOOD).replace(old, new)
    assert value != written(GOOD)
    return value


VALUES: dict[str, tuple[bytes | None, str]] = {
    "no value": (None, "missing_field"),
    "empty": (b"", "not_json"),
    "text": (b"hello", "not_json"),
    "cut off": (written(GOOD)[:-1], "not_json"),
    "two in one": (written(GOOD) * 2, "not_json"),
    "byte order mark": (b"\xef\xbb\xbf" + written(GOOD), "not_json"),
    "not UTF-8": (b"\xff\xfe\x00", "not_utf8"),
    "not UTF-8 inside a string": (swapped(b'"ep"', b'"\xc3("'), "not_utf8"),
    "half a character escaped": (swapped(b'"ep"', b'"\\ud800"'), "not_json"),
    "a bare control character": (swapped(b'"ep"', b'"\x01"'), "not_json"),
    "null": (b"null", "wrong_type"),
    "a list": (b"[]", "wrong_type"),
    "a string": (b'"x"', "wrong_type"),
    "a number": (b"1", "wrong_type"),
    "data null": (written(GOOD | {"data": None}), "wrong_type"),
    "data a list": (written(GOOD | {"data": []}), "wrong_type"),
    "too deep": (nested(EVENT_DEPTH_MAX + 1), "too_deep"),
    "far too deep": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too_deep"),
    "never closed": (b"[" * 60_000, "too_deep"),
    "too large": (written(GOOD | {"padding": "x" * EVENT_BYTES_MAX}), "too_large"),
    "NaN": (swapped(b": 5", b": NaN"), "not_json"),
    "Infinity": (swapped(b": 5", b": Infinity"), "not_json"),
    "1e400": (swapped(b": 5", b": 1e400"), "wrong_type"),
    "whole, but written as a float": (swapped(b": 5", b": 5.0"), "wrong_type"),
    "more digits than anyone counts": (swapped(b": 5", b": " + b"9" * 5_000), "wrong_type"),
    "leading zero": (swapped(b": 5", b": 05"), "not_json"),
}


@pytest.mark.parametrize("case", VALUES)
def test_bytes_that_are_no_event(case: str) -> None:
    value, code = VALUES[case]
    assert reason(raw(value)) == code


def test_the_deepest_and_the_largest_that_are_read() -> None:
    assert decode_usage(raw(nested(EVENT_DEPTH_MAX)))
    spare = EVENT_BYTES_MAX - len(written(GOOD | {"padding": ""}))
    assert decode_usage(raw(written(GOOD | {"padding": "x" * spare})))
    assert decode_usage(raw(written(GOOD | {"note": "[{" * 5_000 + '\\"['})))


ATTRIBUTES: list[tuple[str, Any, str]] = [
    ("specversion", "0.3", "unknown_version"),
    ("specversion", 1.0, "wrong_type"),
    ("type", "com.example.other", "unknown_type"),
    ("type", "", "unknown_type"),
    ("type", "ai.drawdown.usage.inference", "unknown_type"),
    ("type", "ai.drawdown.usage.inference.v1 ", "unknown_type"),
    ("type", "ai.drawdown.usage.inference.v2", "unknown_version"),
    ("type", "ai.drawdown.usage.inference.v01", "unknown_version"),
    ("type", "ai.drawdown.usage.notebook.v1", "unknown_service"),
    ("type", 7, "wrong_type"),
    ("id", "", "invalid_value"),
    ("id", "x" * 257, "invalid_value"),
    ("id", "a\nb", "invalid_value"),
    ("id", 7, "wrong_type"),
    ("source", "", "invalid_value"),
    ("source", "x" * 257, "invalid_value"),
    ("source", "\x7f", "invalid_value"),
    ("subject", "", "invalid_value"),
    ("subject", "x" * 129, "invalid_value"),
    ("subject", "\x00", "invalid_value"),
    ("subject", "someone-else", "invalid_value"),
    ("time", "yesterday", "invalid_value"),
    ("time", "2026-01-01", "invalid_value"),
    ("time", "2026-01-01T00:00:00", "invalid_value"),
    ("time", "2026-02-30T00:00:00Z", "invalid_value"),
    ("time", "2026-01-01T24:00:00Z", "invalid_value"),
    ("time", "2026-01-01T00:00:60Z", "invalid_value"),
    ("time", "2026-01-01T00:00:00+24:00", "invalid_value"),
    ("time", "2026-01-01T00:00:00+07:60", "invalid_value"),
    ("time", "1999-12-31T23:59:59Z", "invalid_value"),
    ("time", "2200-01-01T00:00:00Z", "invalid_value"),
    ("time", "٢٠٢٦-01-01T00:00:00Z", "invalid_value"),
    ("time", 1_767_225_600, "wrong_type"),
]


@pytest.mark.parametrize(("attribute", "value", "code"), ATTRIBUTES)
def test_attributes(attribute: str, value: object, code: str) -> None:
    assert reason(raw(written(GOOD | {attribute: value}))) == code


@pytest.mark.parametrize("attribute", ["specversion", "id", "source", "type", "subject", "time", "data"])
def test_a_missing_attribute(attribute: str) -> None:
    assert reason(raw(written({name: value for name, value in GOOD.items() if name != attribute}))) == "missing_field"


INFERENCE: list[tuple[dict[str, Any], str]] = [
    ({"input_tokens": "many"}, "wrong_type"),
    ({"input_tokens": "5"}, "wrong_type"),
    ({"input_tokens": True}, "wrong_type"),
    ({"input_tokens": None}, "wrong_type"),
    ({"input_tokens": 1.5}, "wrong_type"),
    ({"input_tokens": [1]}, "wrong_type"),
    ({"input_tokens": -1}, "negative_quantity"),
    ({"images": 10**12 + 1}, "invalid_value"),
    ({"images": 10**30}, "invalid_value"),
    ({"dreamed_tokens": 3}, "unknown_meter"),
    ({"gpu_seconds": 0}, "unknown_meter"),
    ({"heard_characters": None}, "unknown_meter"),
    ({"endpoint": ""}, "invalid_value"),
    ({"endpoint": "x" * 129}, "invalid_value"),
    ({"endpoint": "a\tb"}, "invalid_value"),
    ({"endpoint": 7}, "wrong_type"),
    ({"model": ""}, "invalid_value"),
    ({"model": "\x1b[31m"}, "invalid_value"),
    ({"region": ""}, "invalid_value"),
    ({"region": 7}, "wrong_type"),
]


@pytest.mark.parametrize(("data", "code"), INFERENCE)
def test_measurements_of_inference(data: Message, code: str) -> None:
    assert reason(structured(inference(**data))) == code


def _with(message: Message, **data: str) -> Message:
    return message | {"data": message["data"] | data}


INTERVALS: list[tuple[Message, str]] = [
    (container(gpu_count=-1), "negative_quantity"),
    (container(gpu_count="-0.5"), "negative_quantity"),
    (container(gpu_count="0.1234"), "invalid_value"),
    (container(gpu_count="1e3"), "invalid_value"),
    (container(gpu_count=".5"), "invalid_value"),
    (container(gpu_count=""), "invalid_value"),
    (container(gpu_count="\uff11"), "invalid_value"),
    (container(gpu_count="1" * 13), "invalid_value"),
    (container(gpu_count=10**12 + 1), "invalid_value"),
    (container(gpu_count=10**12), "invalid_value"),
    (container(gpu_count=0.5), "wrong_type"),
    (container(gpu_count=True), "wrong_type"),
    (container(gpu_count=None), "wrong_type"),
    (container(storage_gb="-1"), "negative_quantity"),
    (container(storage_gb="0.0001"), "invalid_value"),
    (container(state="paused"), "wrong_type"),
    (container(container=""), "invalid_value"),
    (container(gpu_model="x" * 129), "invalid_value"),
    (container(cpu_seconds=5), "unknown_meter"),
    (container(to=format_instant(T0 + HOUR + 1)), "invalid_value"),
    (_with(container(), **{"from": "now"}), "invalid_value"),
    (container(to=5), "wrong_type"),
    (container(T0 + 1, T0), "invalid_value"),
    (container(T0, T0 + DAY + 1), "invalid_value"),
    (tuning(T0 + 1, T0), "invalid_value"),
    (tuning(T0, T0 + DAY + 1), "invalid_value"),
    (tuning(job=""), "invalid_value"),
    (tuning(job="\x00"), "invalid_value"),
    (tuning(model=None), "wrong_type"),
    (tuning(final=1), "wrong_type"),
    (tuning(final="true"), "wrong_type"),
    (tuning(gpu_count="-1"), "negative_quantity"),
]


@pytest.mark.parametrize(("message", "code"), INTERVALS)
def test_intervals_and_what_they_measure(message: Message, code: str) -> None:
    assert reason(structured(message)) == code
    assert reason(binary(message)) == code


@pytest.mark.parametrize(
    ("message", "field"),
    [
        *((container(), field) for field in ("container", "gpu_model", "gpu_count", "state", "from", "to")),
        *((tuning(), field) for field in ("job", "model", "gpu_model", "gpu_count", "from", "to")),
        *((inference(), field) for field in ("endpoint", "model")),
    ],
)
def test_a_missing_measurement(message: Message, field: str) -> None:
    data = {name: value for name, value in message["data"].items() if name != field}
    assert reason(structured(message | {"data": data})) == "missing_field"


def test_an_interval_of_exactly_a_day_is_read() -> None:
    assert decode_usage(structured(container(T0, T0 + DAY)))


@pytest.mark.parametrize(("key", "code"), [(None, "missing_key"), (b"", "invalid_value"), (b"acc2", "invalid_value")])
def test_the_key_must_be_the_subject(key: bytes | None, code: str) -> None:
    assert reason(raw(written(GOOD), key=key)) == code


@pytest.mark.parametrize("attribute", ["id", "source", "type", "subject", "time"])
def test_a_header_that_is_missing_in_binary_mode(attribute: str) -> None:
    record = binary(GOOD)
    headers = tuple(header for header in record.headers if header[0] != f"ce_{attribute}")
    bare = Record(record.topic, 0, 0, T0, record.key, record.value, headers)
    assert reason(bare) == "missing_field"


@pytest.mark.parametrize(
    ("header", "content", "code"),
    [
        ("ce_id", b"\xff", "not_utf8"),
        ("ce_anything", b"\xc3(", "not_utf8"),
        ("ce_id", b"", "invalid_value"),
        ("ce_id", b"a\x00", "invalid_value"),
        ("ce_specversion", b"0.3", "unknown_version"),
        ("ce_type", b"other", "unknown_type"),
        ("ce_time", b"", "invalid_value"),
        ("ce_subject", b"acc2", "invalid_value"),
    ],
)
def test_a_header_that_is_wrong_in_binary_mode(header: str, content: bytes, code: str) -> None:
    record = binary(GOOD)
    headers = (*(pair for pair in record.headers if pair[0] != header), (header, content))
    assert reason(Record(record.topic, 0, 0, T0, record.key, record.value, headers)) == code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "missing_field"),
        (b"", "not_json"),
        (b"null", "wrong_type"),
        (b"[]", "wrong_type"),
        (b"\xff", "not_utf8"),
        (b"{}", "missing_field"),
    ],
)
def test_data_that_is_wrong_in_binary_mode(value: bytes | None, code: str) -> None:
    record = binary(GOOD)
    assert reason(Record(record.topic, 0, 0, T0, ACCOUNT.encode(), value, record.headers)) == code
