"""A refusal says what happened and which value it was, cut short where it could be of any length."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.support.domain import HOUR, T0, World, book, container, prices

from drawdown.domain import pieces, rate
from drawdown.domain.errors import Reject
from drawdown.domain.limits import AMOUNT_MAX, COUNT_MAX, QUANTITY_MAX
from drawdown.domain.money import CURRENCIES, checked, currency, parse_amount
from drawdown.domain.prices import BookError, Prices
from drawdown.domain.quantity import checked_quantity, count, parse_thousandths

LONG = "x" * 50
USD = CURRENCIES["USD"]


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (
            lambda: currency(LONG),
            f"wrong_currency: currency '{'x' * 16}' is not known; known are EUR, JPY, SGD, USD, VND",
        ),
        (
            lambda: parse_amount(LONG, USD),
            f"invalid_value: an amount is a decimal string such as \"12.50\", not '{'x' * 40}'",
        ),
        (
            lambda: parse_amount(f"{'1' * 19}.{'2' * 18}", USD),
            f"invalid_value: {'1' * 19}.{'2' * 18} USD is finer than 9 decimals",
        ),
        (
            lambda: parse_amount("4611686018.427387904", USD),
            "amount_too_large: 4611686018.427387904 USD is larger than any amount can be",
        ),
        (
            lambda: checked(AMOUNT_MAX + 1),
            f"amount_too_large: an amount of {AMOUNT_MAX + 1} quanta passes the limit of {AMOUNT_MAX}",
        ),
        (
            lambda: parse_thousandths(LONG, "gpu_count"),
            f"invalid_value: gpu_count is a whole number or a string such as \"0.25\", not '{'x' * 40}'",
        ),
        (
            lambda: parse_thousandths(f"-1.5{'0' * 50}", "gpu_count"),
            f"negative_quantity: gpu_count is -1.5{'0' * 36}; usage is never negative",
        ),
        (lambda: parse_thousandths(-1, "gpu_count"), "negative_quantity: gpu_count is -1; usage is never negative"),
        (
            lambda: count(COUNT_MAX + 1, "images"),
            f"invalid_value: images is {COUNT_MAX + 1}; at most {COUNT_MAX} in one event",
        ),
        (
            lambda: checked_quantity(QUANTITY_MAX + 1, "images"),
            f"invalid_value: images of {QUANTITY_MAX + 1} millionths passes the limit of {QUANTITY_MAX}",
        ),
        (
            lambda: Prices().on_demand_at("VND", T0),
            f"unknown_price: no on-demand price book in VND holds at {T0}",
        ),
        (
            lambda: World().use(container(T0, T0 + HOUR, model="A30")),
            "unknown_price: book on-demand-usd:1 has no price for gpu-container gpu_seconds gpu_model=A30",
        ),
        (
            lambda: World().use(replace(container(T0, T0 + HOUR), dimensions=(("gpu_model", "A30"), ("region", "hn")))),
            "unknown_price: book on-demand-usd:1 has no price for gpu-container gpu_seconds gpu_model=A30 region=hn",
        ),
    ],
)
def test_it_names_the_value(refused: Callable[[], object], words: str) -> None:
    with pytest.raises(Reject) as raised:
        refused()
    assert str(raised.value) == words


def test_a_call_without_dimensions_has_none_to_name() -> None:
    with pytest.raises(Reject) as raised:
        World().use(replace(container(T0, T0 + HOUR), dimensions=()))
    assert str(raised.value) == "unknown_price: book on-demand-usd:1 has no price for gpu-container gpu_seconds"


@pytest.mark.interpreted
def test_too_many_cuts_and_lines_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    later = [book("on-demand-usd", version=2 + hour, since=T0 + hour * HOUR, kind="on_demand") for hour in (1, 2)]
    monkeypatch.setattr(pieces, "PIECES_MAX", 3)
    World(prices(*later)).use(container(T0, T0 + 3 * HOUR))  # three pieces of one meter
    with pytest.raises(Reject) as raised:
        World(prices(*later)).use(container(T0, T0 + 3 * HOUR, storage=1))
    assert str(raised.value) == "too_many_pieces: 2 cuts in one event; at most 3 pieces"
    monkeypatch.setattr(rate, "LINES_MAX", 2)
    with pytest.raises(Reject) as raised:
        World(prices(*later)).use(container(T0, T0 + 3 * HOUR))
    assert str(raised.value) == "too_many_pieces: more than 2 lines in one event"


def test_a_book_that_changes_a_known_version_is_named() -> None:
    with pytest.raises(BookError) as raised:
        prices().add(book("plan-usd", "9"), T0)
    said = "book plan-usd:1 is known with other terms: versions never change, publish a new one"
    assert str(raised.value) == said
