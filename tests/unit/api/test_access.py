"""Who may do what: every route with every kind of key, for its own account, another one, and none."""

import httpx
import pytest
from fastapi.routing import APIRoute
from tests.support.fake_api import OTHER, OWN, FakeApi
from tests.support.requests import HEADERS, REQUESTS, Asked, of_account

from drawdown.api.rates import Rates
from drawdown.operate.keys import SCOPES, Scope

OFFICE: set[Scope] = {"operator"}
READERS: set[Scope] = set(SCOPES)
SALES: set[Scope] = {"operator", "sales"}
SUPPORT: set[Scope] = {"operator", "support"}
HELP: set[Scope] = {"operator", "support", "account"}
CUSTOMER: set[Scope] = {"operator", "sales", "support", "account"}
MAY: dict[str, set[Scope]] = {
    "show_account": READERS,
    "list_plans": READERS,
    "show_plan": READERS,
    "show_services": READERS,
    "show_wallet": READERS,
    "list_payment_requests": READERS,
    "show_command": READERS,
    "authorize": READERS,
    "estimate": READERS,
    "show_limits": READERS,
    "list_history": READERS,
    "list_charges": READERS,
    "show_charge": READERS,
    "list_payments": READERS,
    "show_statement": READERS,
    "export_history": READERS,
    "show_forecast": READERS,
    "list_account_plan_requests": READERS,
    "list_plan_requests": SALES,
    "list_price_books": READERS,
    "show_price_book": READERS,
    "show_price": READERS,
    "list_dead_letters": SUPPORT,
    "show_dead_letter": SUPPORT,
    "replay_dead_letter": OFFICE,
    "issue_codes": SALES,
    "look_up_code": SALES,
    "withdraw_code": SALES,
    "open_account": SALES,
    "set_debt_limit": OFFICE,
    "request_plan": CUSTOMER,
    "draft_plan": SALES,
    "offer_plan": SALES,
    "confirm_plan": CUSTOMER,
    "activate_plan": OFFICE,
    "pause_plan": HELP,
    "resume_plan": HELP,
    "renew_plan": CUSTOMER,
    "set_renewal": CUSTOMER,
    "cancel_plan": CUSTOMER,
    "record_payment": OFFICE,
    "grant_voucher": SALES,
    "top_up": OFFICE,
    "redeem_code": HELP,
    "adjust": OFFICE,
}
NO_KEY = {"/live", "/ready", "/v1/openapi.json"}


async def asked(api: FakeApi, key: str | None, request: Asked) -> httpx.Response:
    async with api.client(key) as client:
        return await client.request(request.method, request.path, json=request.body, headers=HEADERS)


def test_every_route_has_its_row() -> None:
    app = FakeApi().app
    operations = {one["operationId"] for path in app.openapi()["paths"].values() for one in path.values()}
    assert operations == set(MAY) == set(REQUESTS)
    told = {route.path for route in app.routes if isinstance(route, APIRoute) and not route.include_in_schema}
    assert told | {"/v1/openapi.json"} == NO_KEY


@pytest.mark.parametrize("operation", REQUESTS)
async def test_without_a_live_key_nothing_is_answered(operation: str) -> None:
    api = FakeApi()
    live = api.keyring.draw("operator")
    for key in (None, "", "dd_aaaaaaaa_" + "a" * 43, live[:-1]):
        answer = await asked(api, key, of_account(REQUESTS[operation], OWN))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert api.issuer.commands == []


@pytest.mark.parametrize("operation", [name for name, one in REQUESTS.items() if one.body is not None])
async def test_a_body_is_not_read_before_the_key(operation: str) -> None:
    api = FakeApi()
    request = of_account(REQUESTS[operation], OWN)
    async with api.client(None) as client:
        answer = await client.request(request.method, request.path, content=b"{" * 60_000, headers=HEADERS)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("operation", REQUESTS)
@pytest.mark.parametrize("scope", SCOPES)
async def test_a_scope_may_what_it_may(operation: str, scope: Scope) -> None:
    api = FakeApi()
    key = api.keyring.draw(scope, OWN if scope == "account" else None)
    answer = await asked(api, key, of_account(REQUESTS[operation], OWN))
    if scope in MAY[operation]:
        assert answer.status_code in {200, 201} or answer.json()["code"] == "reached"
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert api.issuer.commands == []


@pytest.mark.parametrize("operation", [name for name, one in REQUESTS.items() if "{account}" in repr(one)])
@pytest.mark.parametrize("scope", ["account", "read-only"])
async def test_an_accounts_key_finds_nothing_of_another_one_not_even_that_there_is_one(
    operation: str, scope: Scope
) -> None:
    api = FakeApi()
    key = api.keyring.draw(scope, OWN)
    there, not_there = [await asked(api, key, of_account(REQUESTS[operation], name)) for name in (OTHER, "nobody")]
    assert there.status_code == not_there.status_code == (404 if scope in MAY[operation] else 403)
    said = [{name: value for name, value in one.json().items() if name != "request_id"} for one in (there, not_there)]
    assert said[0]["detail"].replace(OTHER, "nobody") == said[1].pop("detail")
    assert said[0] | {"detail": ""} == said[1] | {"detail": ""}
    assert api.issuer.commands == []


@pytest.mark.parametrize(("scope", "account"), [("account", OWN), ("read-only", None)])
async def test_a_key_that_asks_too_often_waits(scope: Scope, account: str | None) -> None:
    few, many = Rates(per_second=1, burst=2), Rates(per_second=1, burst=10**6)
    api = FakeApi(few, many) if scope == "account" else FakeApi(many, few)
    key = api.keyring.draw(scope, account)
    answers = [await asked(api, key, of_account(REQUESTS["show_account"], OWN)) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert (answers[2].headers["retry-after"], answers[2].json()["code"]) == ("1", "too_many_requests")
    api.desk.clock.ms += 1_000
    assert (await asked(api, key, of_account(REQUESTS["show_account"], OWN))).status_code == 200


async def test_so_does_who_tries_keys() -> None:
    api = FakeApi(Rates(per_second=1, burst=1))
    wrong = [await asked(api, "dd_aaaaaaaa_" + "a" * 43, of_account(REQUESTS["show_account"], OWN)) for _ in range(2)]
    assert [one.status_code for one in wrong] == [401, 429]
