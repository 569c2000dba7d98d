"""Credit History, its charges and their explanation, statements, exports, forecast over HTTP."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import openpyxl
import pytest
from tests.support.fake_api import OTHER, OWN, FakeApi

from drawdown.api.archives import Archives
from drawdown.operate.keys import Scope
from drawdown.settings import load_settings

JANUARY = "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z"


async def get(path: str, account: str | None = None, api: FakeApi | None = None) -> httpx.Response:
    api = api or FakeApi()
    key = api.keyring.draw("account" if account else "operator", account)
    async with api.client(key) as client:
        return await client.get(f"/v1/accounts/{path}")


async def pages(path: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await get(f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")).json()
        found += page["entries"]
        if page["next"] is None:
            return found
        assert len(page["entries"]) == limit
        cursor = f"&cursor={page['next']}"


async def test_credit_history_tells_what_was_spent_by_the_hour_and_what_credit_came() -> None:
    page = (await get(f"{OWN}/history")).json()
    told = [(one["date"][11:16], one["kind"], one["balance"], one["amount"]) for one in page["entries"]]
    assert told == [
        ("02:00", "usage", "debt", "-200.000000000"),
        ("01:00", "usage", "debt", "-150.000000000"),
        ("01:00", "usage", "debt", "-150.000000000"),
        ("00:00", "topped_up", "top_up", "25.000000000"),
        ("00:00", "voucher_granted", "voucher", "10.000000000"),
        ("00:00", "plan_activated", "plan", "100.000000000"),
        ("00:00", "usage", "debt", "-365.000000000"),
        ("00:00", "usage", "top_up", "-25.000000000"),
        ("00:00", "usage", "voucher", "-10.000000000"),
        ("00:00", "usage", "plan", "-100.000000000"),
    ]
    assert page["whole"]
    assert page["as_of"]["partition"] == 3


async def test_pages_hold_all_entries_once_whatever_their_size() -> None:
    whole = await pages(f"{OWN}/history", 500)
    for limit in (1, 2, 3):
        assert await pages(f"{OWN}/history", limit) == whole
    assert whole == sorted(whole, key=lambda one: one["date"], reverse=True)


@pytest.mark.parametrize("balance", ["plan", "voucher", "top_up", "debt"])
async def test_filters_and_totals_go_together(balance: str) -> None:
    whole = await pages(f"{OWN}/history", 500)
    page = (await get(f"{OWN}/history?balance={balance}")).json()
    assert page["entries"] == [one for one in whole if one["balance"] == balance]
    spent = [one["amount"] for one in page["entries"] if one["kind"] == "usage"]
    total = page["totals"]["spent_by_balance"].get(balance, "0")
    assert _sum(spent) == _sum([total])
    assert list(page["totals"]["spent_by_balance"]) == ([balance] if spent else [])


async def test_a_cursor_of_another_account_or_filter_is_refused() -> None:
    cursor = (await get(f"{OWN}/history?limit=1")).json()["next"]
    for path in (f"{OTHER}/history?limit=1", f"{OWN}/history?limit=1&balance=plan"):
        answer = await get(f"{path}&cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_from_an_hour_to_its_charges_to_one_explained() -> None:
    entries = [one for one in await pages(f"{OWN}/history", 500) if one["kind"] == "usage"]
    for entry in entries:
        answer = (await get(f"{OWN}/history/{entry['entry']}/charges")).json()
        assert answer["gone"] == 0
        assert -_sum([one["amount"] for one in answer["charges"]]) == _sum([entry["amount"]])
        for charge in answer["charges"]:
            told = (await get(f"{OWN}/charges/{charge['place']}", OWN)).json()
            assert told["charge"]["id"] == charge["id"]
            assert _sum([line["amount"] for line in told["lines"]]) == _sum([charge["total"]])
            for line in told["lines"]:
                assert line["rounding"]
                assert line["unit_price"] == f"{line['price']['unit_price']}.000000000"


async def test_an_explanation_of_another_accounts_charge_is_not_found() -> None:
    entry = next(one for one in await pages(f"{OTHER}/history", 500) if one["entry"])
    charge = (await get(f"{OTHER}/history/{entry['entry']}/charges")).json()["charges"][0]
    for wrong in (charge["place"], "3:999999", "9:0", "x", "3:0:1"):
        answer = await get(f"{OWN}/charges/{wrong}", OWN)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_charge")
    foreign = await get(f"{OWN}/history/{entry['entry']}/charges", OWN)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "unknown_entry")


async def test_a_statement_adds_up() -> None:
    told = (await get(f"{OWN}/statement?{JANUARY}")).json()
    (plan,) = told["plans"]
    assert (plan["purchased"], plan["used"], plan["closing"]) == ("100.000000000", "100.000000000", "0.000000000")
    assert _sum([told["vouchers"]["granted"]]) - _sum([told["vouchers"]["used"]]) == _sum([told["vouchers"]["closing"]])
    assert [one["service"] for one in told["services"]] == ["inference"]


@pytest.mark.parametrize(
    "asked",
    [
        "from=2026-01-01T00:30:00Z&to=2026-02-01T00:00:00Z",
        "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        "from=x&to=y",
    ],
)
async def test_a_period_is_of_whole_hours(asked: str) -> None:
    answer = await get(f"{OWN}/statement?{asked}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_value")


async def test_exports_hold_all_rows() -> None:
    entries = await pages(f"{OWN}/history", 500)
    answer = await get(f"{OWN}/export?{JANUARY}&as=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert sorted(_sum([row["amount"]]) for row in rows) == sorted(_sum([one["amount"]]) for one in entries)
    answer = await get(f"{OWN}/export?{JANUARY}&as=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    assert sheet.max_row == len(entries) + 1
    assert "attachment" in answer.headers["content-disposition"]


async def test_wishes_are_listed_for_sales() -> None:
    api = FakeApi()
    async with api.client(api.keyring.draw("sales")) as client:
        told = (await client.get("/v1/plan-requests")).json()
    assert [(one["account"], one["request"], one["status"]) for one in told["plan_requests"]] == [
        (OTHER, "r-1", "open"),
        (OWN, "r-1", "open"),
    ]


async def test_what_is_not_in_the_history_yet_is_said_to_be_so() -> None:
    answer = await get("nobody/history")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_history")


def _sum(amounts: list[str]) -> int:
    """Sum amounts, in the quanta of their nine digits; fewer are written as 0."""
    return sum(int(amount.replace(".", "")) for amount in amounts)


async def test_where_the_database_is_is_told_to_operators_alone(tmp_path: Path) -> None:
    api = FakeApi()
    context = api.app.state.context
    archives = Archives(load_settings(history=f"sqlite:///{tmp_path}/none.db"))
    api.app.state.context = replace(context, archives=archives)
    for scope, told in (("operator", True), ("support", False), ("account", False)):
        key = api.keyring.draw(cast(Scope, scope), OWN if scope == "account" else None)
        async with api.client(key) as client:
            answer = await client.get(f"/v1/accounts/{OWN}/history")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert (str(tmp_path) in answer.json()["detail"]) is told
        assert answer.headers["retry-after"] == "1"
    archives.close()
