"""The demonstration's price books: any of its usage has a price, in plans and on demand, in both currencies."""

from collections import Counter
from pathlib import Path

import pytest

from drawdown.demo.books import books, name_of
from drawdown.domain.prices import Book
from drawdown.traces.events import GPU_MODELS, INFERENCE_MODELS
from drawdown.wire.price_book import decode_book

BOOKS = {book.name: book for book in (decode_book(one.value) for one in books())}


def test_there_are_four_and_each_file_is_used() -> None:
    assert set(BOOKS) == {name_of(kind, currency) for kind in ("on_demand", "plan") for currency in ("USD", "VND")}
    assert {file.stem for file in Path("src/drawdown/demo/prices").iterdir()} == set(BOOKS)
    assert {one.key for one in books()} == {f"{name}:1".encode() for name in BOOKS}


@pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS.keys())
def test_a_book_prices_all_that_the_demonstration_uses(book: Book) -> None:
    for model in GPU_MODELS:
        for service in ("gpu-container", "fine-tuning"):
            assert book.price(service, "gpu_seconds", (("gpu_model", model),)) is not None
    for model in INFERENCE_MODELS:
        for meter in ("input_tokens", "output_tokens"):
            assert book.price("inference", meter, (("model", model),)) is not None
    assert book.price("inference", "input_tokens", (("model", "Unpriced-1B"),)) is None


def test_the_book_on_demand_in_usd_is_complete() -> None:
    prices = BOOKS["on-demand-usd"].prices
    models = Counter((price.service, price.meter) for price in prices if price.dimensions)
    assert models["gpu-container", "gpu_seconds"] >= 20
    assert models["fine-tuning", "gpu_seconds"] >= 20
    assert models["inference", "output_tokens"] >= 10
    assert {price.model for price in prices} == {"per_unit", "graduated", "package"}
    assert any(price.meter == "storage_gb_seconds" for price in prices)


def test_plans_pay_a_fifth_less_and_vnd_are_26000_times_the_usd() -> None:
    dear = {(one.service, one.meter, one.dimensions): one for one in BOOKS["on-demand-usd"].prices}
    for name, times in (("plan-usd", (8, 10)), ("on-demand-vnd", (26, 1)), ("plan-vnd", (26 * 8, 10))):
        # quanta are 10^-9 USD and 10^-6 VND: 26,000 times the amount is 26 times the number
        for price in BOOKS[name].prices:
            usd = dear[price.service, price.meter, price.dimensions]
            assert price.unit_price * times[1] == usd.unit_price * times[0]
            assert [t.unit_price * times[1] for t in price.tiers] == [t.unit_price * times[0] for t in usd.tiers]
