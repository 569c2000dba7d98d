"""Prices over HTTP, and what usage would cost."""

from typing import Any

import pytest
from tests.support.fake_api import OWN, FakeApi
from tests.support.requests import REQUESTS

from drawdown.api.shelf import Shelf
from drawdown.engine.records import Record
from drawdown.topics import PRICES


async def got(path: str) -> tuple[int, Any]:
    api = FakeApi()
    async with api.client(api.keyring.draw("read-only")) as client:
        answer = await client.get(path)
    return answer.status_code, answer.json()


async def test_books_are_listed_and_shown() -> None:
    status, told = await got("/v1/price-books")
    assert (status, [(one["name"], one["version"], one["prices"]) for one in told["price_books"]]) == (
        200,
        [("on-demand-usd", 1, 5), ("plan-usd", 1, 5)],
    )
    status, book = await got("/v1/price-books/plan-usd/1")
    assert (status, book["prices"][0]["unit_price"], book["prices"][0]["per"]) == (200, "1", 1_000_000)


@pytest.mark.parametrize(
    ("query", "price", "book"),
    [
        ("book=plan-usd&service=inference&meter=input_tokens", "1", "plan-usd"),
        ("book=plan-usd&version=1&service=inference&meter=input_tokens&dimension=model:Q", "1", "plan-usd"),
        ("currency=USD&service=gpu-container&meter=gpu_seconds&dimension=gpu_model:H100", "7.2", "on-demand-usd"),
        ("currency=USD&service=inference&meter=input_tokens&at=2026-01-01T00:00:00Z", "2", "on-demand-usd"),
    ],
)
async def test_the_price_in_force_is_found(query: str, price: str, book: str) -> None:
    status, told = await got(f"/v1/prices?{query}")
    assert (status, told["price"]["unit_price"], told["book"]) == (200, price, book)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/price-books/plan-usd/9", 404, "unknown_book"),
        ("/v1/price-books/plan-usd/x", 422, "invalid_request"),
        ("/v1/prices?book=none&service=inference&meter=input_tokens", 404, "unknown_book"),
        ("/v1/prices?book=plan-usd&service=inference&meter=images", 404, "unknown_price"),
        ("/v1/prices?book=plan-usd&service=gpu-container&meter=gpu_seconds", 404, "unknown_price"),
        ("/v1/prices?currency=VND&service=inference&meter=input_tokens", 404, "unknown_price"),
        ("/v1/prices?service=inference&meter=input_tokens", 422, "missing_field"),
        ("/v1/prices?currency=USD&service=inference&meter=input_tokens&at=yesterday", 422, "invalid_value"),
        ("/v1/prices?book=plan-usd&service=inference&meter=input_tokens&at=yesterday", 422, "invalid_value"),
        ("/v1/prices?book=plan-usd&service=inference&meter=input_tokens&dimension=H100", 422, "invalid_value"),
        ("/v1/prices?book=plan-usd&meter=input_tokens", 422, "invalid_request"),
    ],
)
async def test_a_price_that_there_is_not_is_a_problem(path: str, status: int, code: str) -> None:
    found, told = await got(path)
    assert (found, told["code"]) == (status, code)


async def estimated(body: Any) -> Any:
    api = FakeApi()
    async with api.client(api.keyring.draw("account", OWN)) as client:
        return (await client.post(f"/v1/accounts/{OWN}/estimate", json=body)).json()


async def test_an_estimate_says_total_and_payers() -> None:
    body = REQUESTS["estimate"].body or {}
    told = await estimated(body)
    assert (told["currency"], told["total"], told["commit"]) == ("USD", "1.000000000", 0)
    assert told["payers"] == [
        {"kind": "plan", "id": "team", "amount": "1.000000000", "before": "100.000000000", "after": "99.000000000"}
    ]
    data = body["data"] | {"input_tokens": 101_000_000}
    both = await estimated(body | {"data": data})
    assert [(one["kind"], one["amount"]) for one in both["payers"]] == [
        ("plan", "100.000000000"),
        ("debt", "2.000000000"),
    ]
    assert both["total"] == "102.000000000"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"service": "teleport"}, "unknown_service"),
        ({"data": {"endpoint": "chat"}}, "missing_field"),
        ({"time": "2020-01-01T00:00:00Z"}, "too_late"),
        ({"time": "noon"}, "invalid_value"),
        ({"more": 1}, "invalid_request"),
    ],
)
async def test_usage_that_would_be_refused_has_no_estimate(change: dict[str, Any], code: str) -> None:
    assert (await estimated((REQUESTS["estimate"].body or {}) | change))["code"] == code


def test_a_book_that_workers_skip_is_not_on_the_shelf() -> None:
    shelf = Shelf()
    for value in (b"", b"{}", None):
        shelf.take(Record(PRICES, 0, 0, 0, b"x:1", value))
    assert shelf.prices.books() == []
