"""Exact money: decimal strings in and out, one rounding with a name, one limit for every amount and sum."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawdown.domain.errors import Reject
from drawdown.domain.limits import AMOUNT_MAX
from drawdown.domain.money import CURRENCIES, checked, currency, divide_half_up, format_amount, parse_amount

USD, VND, JPY = (CURRENCIES[code] for code in ("USD", "VND", "JPY"))
of_any = st.sampled_from(sorted(CURRENCIES)).map(CURRENCIES.__getitem__)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0", 0), ("0.000000001", 1), ("1", 10**9), ("007.50", 7_500_000_000), ("1.100000000000000000", 1_100_000_000)],
)
def test_a_decimal_string_is_read_exactly(text: str, amount: int) -> None:
    assert parse_amount(text, USD) == amount


@pytest.mark.parametrize(
    "text", ["", ".5", "5.", "-1", "+1", "1e3", "1,5", " 1", "1\n", "NaN", "inf", "\uff10", "0x1", "1_0"]
)
def test_anything_else_is_no_amount(text: str) -> None:
    with pytest.raises(Reject, match="invalid_value"):
        parse_amount(text, USD)


def test_nothing_finer_than_the_quantum_is_read() -> None:
    assert parse_amount("0.000001", VND) == parse_amount("0.000001", JPY) == 1
    with pytest.raises(Reject, match="finer than 6"):
        parse_amount("0.0000011", VND)


def test_the_largest_amount() -> None:
    assert parse_amount("4611686018.427387903", USD) == checked(AMOUNT_MAX) == AMOUNT_MAX
    with pytest.raises(Reject, match="amount_too_large"):
        parse_amount("4611686018.427387904", USD)
    with pytest.raises(Reject, match="amount_too_large"):
        checked(AMOUNT_MAX + 1)


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0.000000000"), (1, "0.000000001"), (1_500_000_000, "1.500000000"), (-1, "-0.000000001")]
)
def test_an_amount_is_written_with_all_its_digits(amount: int, text: str) -> None:
    assert format_amount(amount, USD) == text


@given(st.integers(0, AMOUNT_MAX), of_any)
def test_what_is_written_reads_back(amount: int, of: object) -> None:
    assert parse_amount(format_amount(amount, of), of) == amount  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"), [(1, 2, 1), (3, 2, 2), (1, 3, 0), (2, 3, 1), (5, 10, 1)]
)
def test_a_half_rounds_up(numerator: int, denominator: int, rounded: int) -> None:
    assert divide_half_up(numerator, denominator) == rounded


@given(st.integers(0, 10**30), st.integers(1, 10**12))
def test_rounding_is_off_by_at_most_a_half_and_then_upwards(numerator: int, denominator: int) -> None:
    off = divide_half_up(numerator, denominator) - Fraction(numerator, denominator)
    assert Fraction(-1, 2) < off <= Fraction(1, 2)


def test_only_currencies_of_the_table_are_known() -> None:
    assert currency("VND") is VND
    for code in ("", "usd", "BTC", "USD "):
        with pytest.raises(Reject, match="wrong_currency"):
            currency(code)
