"""Usage events on the wire: both content modes, the three services, and what they come to."""

import json

import pytest
from tests.support.messages import (
    ACCOUNT,
    HOUR,
    T0,
    Message,
    binary,
    container,
    inference,
    structured,
    tuning,
    written,
)

from drawdown.domain.model import Measure, Usage
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.engine.records import Record
from drawdown.ledgers.plans import PlansLedger
from drawdown.wire.usage import decode_usage

MESSAGES = {
    "gpu-container": container(gpu_count=2, storage_gb=500, region="hn"),
    "fine-tuning": tuning(final=True, gpu_count="0.5"),
    "inference": inference(input_tokens=13_394, output_tokens=127, images=2),
}


def usage_of(message: Message) -> Usage:
    return decode_usage(structured(message))


def quantities(message: Message) -> list[tuple[str, int]]:
    return [(measure.meter, measure.quantity) for measure in usage_of(message).measures]


@pytest.mark.parametrize("service", MESSAGES)
def test_both_content_modes_say_the_same(service: str) -> None:
    message = MESSAGES[service]
    assert decode_usage(binary(message)) == usage_of(message)


@pytest.mark.parametrize("service", MESSAGES)
def test_structured_mode_needs_no_content_type(service: str) -> None:
    message = MESSAGES[service]
    record = structured(message)
    bare = Record(record.topic, 0, 0, T0, record.key, record.value)
    assert decode_usage(bare) == usage_of(message)


def test_the_content_type_decides_before_other_headers() -> None:
    record = structured(MESSAGES["inference"])
    headers = (("ce_specversion", b"0.3"), *record.headers)
    odd = Record(record.topic, 0, 0, T0, record.key, record.value, headers)
    assert decode_usage(odd) == usage_of(MESSAGES["inference"])


def test_a_container_gives_gpu_seconds_and_storage_gb_seconds() -> None:
    usage = usage_of(MESSAGES["gpu-container"])
    assert usage == Usage(
        account=ACCOUNT,
        source="/test",
        id="e-1",
        service="gpu-container",
        resource="c-1",
        dimensions=(("gpu_model", "H100"), ("region", "hn")),
        time=T0 + HOUR,
        start=T0,
        measures=(Measure("gpu_seconds", 7_200_000_000), Measure("storage_gb_seconds", 1_800_000_000_000)),
    )


def test_a_stopped_container_gives_storage_only() -> None:
    assert quantities(container(state="stopped", storage_gb="0.5")) == [("storage_gb_seconds", 1_800_000_000)]


def test_fine_tuning_gives_duration_times_gpus_and_its_job() -> None:
    usage = usage_of(MESSAGES["fine-tuning"])
    assert usage.measures == (Measure("gpu_seconds", 1_800_000_000),)
    assert (usage.job, usage.resource, usage.final, usage.gpu_thousandths) == ("ft-1", "ft-1", True, 500)
    assert usage.dimensions == (("gpu_model", "H100"), ("model", "L"))


def test_inference_gives_each_meter_in_the_catalogues_order_and_no_interval() -> None:
    counts: Message = {
        "images": 6,
        "output_characters": 5,
        "input_characters": 4,
        "output_tokens": 3,
        "cached_input_tokens": 2,
        "input_tokens": 1,
    }
    assert [(meter, quantity // 1_000_000) for meter, quantity in quantities(inference(**counts))] == [
        ("input_tokens", 1),
        ("cached_input_tokens", 2),
        ("output_tokens", 3),
        ("input_characters", 4),
        ("output_characters", 5),
        ("images", 6),
    ]
    assert usage_of(inference()).start is None


@pytest.mark.parametrize(
    "message",
    [inference(input_tokens=0), container(T0, T0), container(gpu_count=0), container(state="stopped"), tuning(T0, T0)],
)
def test_zero_quantities_are_left_out(message: Message) -> None:
    assert quantities(message) == []


@pytest.mark.parametrize(("gpus", "thousandths"), [(8, 8_000), ("0.001", 1), ("1.50", 1_500), ("2.5000", 2_500)])
def test_gpus_are_whole_or_decimals_of_a_thousandth(gpus: int | str, thousandths: int) -> None:
    assert quantities(container(T0, T0 + 1_000, gpu_count=gpus)) == [("gpu_seconds", thousandths * 1_000)]


def test_an_interval_is_exact_to_the_millisecond() -> None:
    assert quantities(container(T0, T0 + 1)) == [("gpu_seconds", 1_000)]


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T01:00:00Z", "2026-01-01t01:00:00.0004z", "2026-01-01 08:00:00+07:00", "2025-12-31T19:30:00.000-05:30"],
)
def test_instants_may_be_written_with_any_offset_and_finer_digits_are_cut_off(text: str) -> None:
    message = container()
    message["time"] = text
    assert usage_of(message) == usage_of(container())


def test_unknown_fields_that_name_no_meter_are_read_over() -> None:
    message = inference(input_tokens=1, note="a_tokens_note", more={"deep": [1, 2.5, None]})
    message["traceparent"] = "00-1"
    assert usage_of(message) == usage_of(inference(input_tokens=1))


def test_of_a_key_written_twice_the_last_counts() -> None:
    record = structured(inference(input_tokens=1))
    value = (record.value or b"").replace(b'"input_tokens": 1', b'"input_tokens": 1, "input_tokens": 2')
    twice = Record(record.topic, 0, 0, T0, record.key, value)
    assert decode_usage(twice) == usage_of(inference(input_tokens=2))
    assert json.loads(value)["data"]["input_tokens"] == 2


def test_any_printable_script_may_name_things() -> None:
    message = inference(endpoint="điểm cuối 🚀")
    message["subject"] = "công ty"
    record = structured(message)
    assert decode_usage(record).resource == "điểm cuối 🚀"
    plain = Record(record.topic, 0, 0, T0, record.key, json.dumps(message, ensure_ascii=False).encode())
    assert decode_usage(plain) == decode_usage(record)


def test_an_id_is_told_by_source_and_id_and_never_by_its_time() -> None:
    ledger = PlansLedger(Prices(), Policy.default())
    early, later = ledger.decode(structured(inference(T0))), ledger.decode(structured(inference(T0 + 1)))
    assert early.identity == later.identity
    assert early.content != later.content
    other = inference(T0)
    other["source"] = "/other"
    assert ledger.decode(structured(other)).identity != early.identity


def test_content_is_what_an_event_says_and_not_how_it_is_written() -> None:
    ledger = PlansLedger(Prices(), Policy.default())
    message = inference(input_tokens=3)
    shuffled = dict(reversed(message.items()))
    assert written(shuffled) != written(message)
    contents = {
        ledger.decode(record).content for record in (structured(message), structured(shuffled), binary(message))
    }
    assert len(contents) == 1
