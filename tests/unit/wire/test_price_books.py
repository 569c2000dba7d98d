"""Price books on the wire: what one becomes, and what is refused with which words."""

from typing import Any

import pytest
from tests.support.messages import T0, Message, price, price_book, written

from drawdown.domain.limits import BOOK_BYTES_MAX, BOOK_PRICES_MAX, TIERS_MAX
from drawdown.domain.prices import GRADUATED, PACKAGE, BookError, Price, Tier
from drawdown.wire.price_book import decode_book

TOKENS = price("inference", "input_tokens", "0.165", 1_000_000, region="hn", model="Q")


def refusal(value: bytes | None) -> str:
    with pytest.raises(BookError) as caught:
        decode_book(value)
    return str(caught.value)


def book_with(**change: Any) -> Message:
    return price_book("plan-usd", TOKENS, **change)


def price_with(**change: Any) -> Message:
    return price_book("plan-usd", TOKENS | change)


def test_a_book_reads_as_it_is_written() -> None:
    book = decode_book(written(book_with(version=3, effective_from="2026-01-01T07:00:00+07:00")))
    assert (book.name, book.version, book.kind, book.currency) == ("plan-usd", 3, "plan", "USD")
    assert book.effective_from == T0
    dimensions = (("model", "Q"), ("region", "hn"))
    assert book.prices == (Price("inference", "input_tokens", dimensions, 165_000_000, 1_000_000),)


def test_a_unit_price_is_exact_in_the_currencys_quantum() -> None:
    vnd = price_book("plan-vnd", TOKENS | {"unit_price": "4290.000001"}, currency="VND")
    assert decode_book(written(vnd)).prices[0].unit_price == 4_290_000_001
    assert "invalid_value" in refusal(written(vnd | {"prices": [TOKENS | {"unit_price": "0.0000001"}]}))


def test_a_price_may_be_zero_and_a_book_empty() -> None:
    assert decode_book(written(price_with(unit_price="0"))).prices[0].unit_price == 0
    assert decode_book(written(price_book("plan-usd"))).prices == ()


BOOKS: list[tuple[Message, str]] = [
    (book_with(name=""), "invalid_value"),
    (book_with(name="x" * 129), "invalid_value"),
    (book_with(version=0), "invalid_value"),
    (book_with(version=10**9 + 1), "invalid_value"),
    (book_with(version="1"), "wrong_type"),
    (book_with(version=True), "wrong_type"),
    (book_with(kind="spot"), "invalid_value"),
    (book_with(currency="usd"), "invalid_value"),
    (book_with(currency="XXX"), "wrong_currency"),
    (book_with(effective_from="soon"), "invalid_value"),
    (book_with(effective_from=T0), "wrong_type"),
    (book_with(discount="5"), "invalid_value"),
    (book_with(prices=None), "wrong_type"),
    (book_with(prices={}), "wrong_type"),
    (price_with(service="notebook"), "unknown_service"),
    (price_with(meter="images_seen"), "unknown_meter"),
    (price_with(service="fine-tuning"), "unknown_meter"),
    (price_with(unit_price=0.165), "wrong_type"),
    (price_with(unit_price="-1"), "invalid_value"),
    (price_with(unit_price="1e-3"), "invalid_value"),
    (price_with(unit_price="NaN"), "invalid_value"),
    (price_with(unit_price="0.0000000001"), "invalid_value"),
    (price_with(unit_price="9999999999"), "amount_too_large"),
    (price_with(per=0), "invalid_value"),
    (price_with(per=10**12 + 1), "invalid_value"),
    (price_with(per="1"), "wrong_type"),
    (price_with(per=1.0), "wrong_type"),
    (price_with(dimensions={"model": 1}), "wrong_type"),
    (price_with(dimensions={"model": "a\x00"}), "invalid_value"),
    (price_with(dimensions={str(n): "a" for n in range(9)}), "invalid_value"),
    (price_with(tier=1), "invalid_value"),
]


@pytest.mark.parametrize(("message", "code"), BOOKS)
def test_a_book_that_is_refused_says_why(message: Message, code: str) -> None:
    assert refusal(written(message)).startswith(f"{code}: ")


@pytest.mark.parametrize("field", ["name", "version", "kind", "currency", "effective_from", "prices"])
def test_a_field_that_is_missing(field: str) -> None:
    message = {name: value for name, value in book_with().items() if name != field}
    assert refusal(written(message)) == f"missing_field: field {field} is missing"


@pytest.mark.parametrize("field", ["service", "meter", "unit_price", "per"])
def test_a_field_of_a_price_that_is_missing(field: str) -> None:
    entry = {name: value for name, value in TOKENS.items() if name != field}
    assert refusal(written(book_with(prices=[entry]))) == f"missing_field: field prices.0.{field} is missing"


@pytest.mark.parametrize("value", [b"", b"no", b"\xff", b'"\\ud800"', b"[" * 1_000])
def test_bytes_that_are_no_book(value: bytes) -> None:
    assert refusal(value).startswith("not_json: ")


def test_no_bytes_and_too_many() -> None:
    assert "0 bytes" in refusal(None)
    assert str(BOOK_BYTES_MAX) in refusal(b" " * (BOOK_BYTES_MAX + 1))


def test_two_prices_that_apply_alike_are_refused() -> None:
    swapped = TOKENS | {"dimensions": {"model": "Q", "region": "hn"}, "unit_price": "1"}
    assert "twice" in refusal(written(book_with(prices=[TOKENS, swapped])))


def test_more_prices_than_a_book_may_have_are_refused() -> None:
    entries = [price("inference", "images", "1", model=str(number)) for number in range(BOOK_PRICES_MAX + 1)]
    assert "invalid_value" in refusal(written(book_with(prices=entries)))


# --- graduated and package prices -----------------------------------------------------------------

TIERS = [{"up_to": 10, "unit_price": "0.6"}, {"up_to": 11, "unit_price": "0.5"}, {"unit_price": "0"}]
GRADED = {name: value for name, value in TOKENS.items() if name != "unit_price"} | {
    "model": "graduated",
    "tiers": TIERS,
}


def test_a_price_that_names_no_model_is_per_unit() -> None:
    assert (
        decode_book(written(price_with(model="per_unit", tiers=[]))).prices == decode_book(written(book_with())).prices
    )


def test_a_graduated_price_has_a_price_in_each_tier() -> None:
    price = decode_book(written(book_with(prices=[GRADED]))).prices[0]
    assert (price.model, price.unit_price, price.per) == (GRADUATED, 0, 1_000_000)
    assert price.tiers == (Tier(10, 600_000_000), Tier(11, 500_000_000), Tier(None, 0))


def test_a_package_costs_its_price_for_per_units() -> None:
    price = decode_book(written(price_with(model="package"))).prices[0]
    assert (price.model, price.unit_price, price.per, price.tiers) == (PACKAGE, 165_000_000, 1_000_000, ())


def tier(up_to: object = None, unit_price: object = "1") -> Message:
    return {"unit_price": unit_price} | ({} if up_to is None else {"up_to": up_to})


MANY = [tier(number) for number in range(1, TIERS_MAX + 1)]
REFUSED: list[tuple[Message, str]] = [
    (TOKENS | {"model": "volume"}, "invalid_value: prices.0.model: "),
    (TOKENS | {"model": "package", "unit_price": None}, "missing_field: field prices.0.unit_price is missing"),
    (TOKENS | {"tiers": [tier()]}, "invalid_value: prices.0.tiers: a per_unit price has no tiers"),
    (TOKENS | {"model": "package", "tiers": [tier()]}, "invalid_value: prices.0.tiers: a package price has no tiers"),
    (GRADED | {"unit_price": "1"}, "invalid_value: prices.0.unit_price: a graduated price has a unit_price in each"),
    (GRADED | {"tiers": []}, "missing_field: field prices.0.tiers is missing"),
    (GRADED | {"tiers": [tier(10)]}, "invalid_value: prices.0.tiers: the last tier has no up_to"),
    (GRADED | {"tiers": [tier(), tier()]}, "invalid_value: prices.0.tiers: tier 1 needs an up_to"),
    (
        GRADED | {"tiers": [tier(10), tier(10), tier()]},
        "invalid_value: prices.0.tiers: tier 2 ends at 10, which must be",
    ),
    (GRADED | {"tiers": [tier(0), tier()]}, "invalid_value: prices.0.tiers.0.up_to: "),
    (GRADED | {"tiers": [tier(1.5), tier()]}, "wrong_type: prices.0.tiers.0.up_to: "),
    (GRADED | {"tiers": [tier(10**12 + 1), tier()]}, "invalid_value: prices.0.tiers.0.up_to: "),
    (GRADED | {"tiers": [tier(1, "1e3"), tier()]}, "invalid_value: prices.0.tiers.0.unit_price: "),
    (GRADED | {"tiers": [tier(1, "0.0000000001"), tier()]}, "invalid_value: 0.0000000001 USD is finer"),
    (GRADED | {"tiers": [{"up_to": 1}, tier()]}, "missing_field: field prices.0.tiers.0.unit_price is missing"),
    (GRADED | {"tiers": [*MANY, tier()]}, "invalid_value: prices.0.tiers: "),
]


@pytest.mark.parametrize(("entry", "said"), REFUSED)
def test_a_price_whose_model_and_fields_do_not_fit_is_refused(entry: Message, said: str) -> None:
    assert refusal(written(book_with(prices=[entry]))).startswith(said)
