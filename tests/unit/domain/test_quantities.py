"""Billable quantities, derived from a service's own measurements; exact, never negative, with limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain import DAY, HOUR, T0

from drawdown.domain.errors import Reject
from drawdown.domain.limits import COUNT_MAX, INTERVAL_MAX_MS
from drawdown.domain.model import Measure
from drawdown.domain.quantity import MILLIONTHS, format_quantity, parse_thousandths
from drawdown.domain.usage import container_measures, duration_ms, fine_tuning_measures, inference_measures


def test_gpu_seconds_count_while_running_and_storage_also_while_stopped() -> None:
    storage = Measure("storage_gb_seconds", 3_600 * 10 * MILLIONTHS)
    running = container_measures(T0, T0 + HOUR, 2_000, 10_000, running=True)
    assert running == (Measure("gpu_seconds", 7_200 * MILLIONTHS), storage)
    assert container_measures(T0, T0 + HOUR, 2_000, 10_000, running=False) == (storage,)


def test_a_containers_duration_is_not_rounded_up() -> None:
    assert container_measures(T0, T0 + 1, 1_000, 0, running=True) == (Measure("gpu_seconds", 1_000),)


def test_fine_tuning_is_duration_times_gpus() -> None:
    assert fine_tuning_measures(T0, T0 + HOUR, 2_500) == (Measure("gpu_seconds", 9_000 * MILLIONTHS),)
    assert fine_tuning_measures(T0, T0, 2_500) == ()


def test_tokens_characters_and_images_are_meters_of_their_own_in_the_catalogues_order() -> None:
    assert inference_measures((1, 0, 0, 0, 0, 2)) == (
        Measure("input_tokens", MILLIONTHS),
        Measure("images", 2 * MILLIONTHS),
    )


def test_an_interval_is_at_most_a_day_and_never_backwards() -> None:
    assert duration_ms(T0, T0 + DAY) == INTERVAL_MAX_MS
    for end in (T0 + DAY + 1, T0 - 1):
        with pytest.raises(Reject, match="invalid_value"):
            duration_ms(T0, end)


def test_negative_and_absurd_counts_are_refused() -> None:
    with pytest.raises(Reject, match="negative_quantity"):
        inference_measures((0, 0, -1, 0, 0, 0))
    with pytest.raises(Reject, match="invalid_value"):
        inference_measures((COUNT_MAX + 1, 0, 0, 0, 0, 0))
    with pytest.raises(Reject, match="passes the limit"):
        container_measures(T0, T0 + DAY, COUNT_MAX * 1_000, 0, running=True)
    with pytest.raises(Reject, match="passes the limit"):
        container_measures(T0, T0 + DAY, 0, COUNT_MAX * 1_000, running=True)


@pytest.mark.parametrize(
    ("text", "thousandths"), [(0, 0), (8, 8_000), ("0.25", 250), ("3", 3_000), ("1.0010000", 1_001), ("-0", 0)]
)
def test_gpus_and_gigabytes_are_exact_thousandths(text: int | str, thousandths: int) -> None:
    assert parse_thousandths(text, "gpu_count") == thousandths


@pytest.mark.parametrize(
    ("text", "code"),
    [(-1, "negative_quantity"), ("-0.001", "negative_quantity"), ("0.0001", "invalid_value"), ("x", "invalid_value")],
)
def test_what_is_no_count(text: int | str, code: str) -> None:
    with pytest.raises(Reject, match=code):
        parse_thousandths(text, "gpu_count")


@pytest.mark.parametrize(
    ("quantity", "text"), [(0, "0"), (1, "0.000001"), (MILLIONTHS, "1"), (1_500_000, "1.5"), (10 * MILLIONTHS, "10")]
)
def test_a_quantity_is_written_in_whole_quanta_without_trailing_zeros(quantity: int, text: str) -> None:
    assert format_quantity(quantity) == text


@given(st.integers(0, 10**15))
def test_what_is_written_is_the_quantity(quantity: int) -> None:
    whole, _, rest = format_quantity(quantity).partition(".")
    assert int(whole) * MILLIONTHS + int(rest.ljust(6, "0")) == quantity
