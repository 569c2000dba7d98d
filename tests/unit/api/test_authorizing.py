"""Asked before every start, `authorize` is answered without FastAPI: as FastAPI would answer it."""

from typing import Any

import pytest
from tests.support.fake_api import OTHER, OWN, FakeApi

from drawdown.api import authorizing
from drawdown.api.app import create_app

BODY = {"service": "inference", "dimensions": {"model": "Q"}, "hourly_cost": "400.00"}


async def asked(api: FakeApi, key: str | None, account: str, body: Any) -> tuple[int, Any]:
    async with api.client(key) as client:
        more = {"content": body} if isinstance(body, bytes) else {"json": body}
        headers = {"Content-Type": "application/json", "X-Request-Id": "same"}
        answer = await client.post(f"/v1/accounts/{account}/authorize", headers=headers, **more)
    return answer.status_code, answer.json()


def slow(api: FakeApi) -> FakeApi:
    context = api.app.state.context
    api.app = create_app()
    api.app.router.routes.remove(authorizing.QUICK)
    api.app.state.context = context
    return api


@pytest.mark.parametrize("scope", ["operator", "account", None])
@pytest.mark.parametrize("account", [OWN, OTHER, "nobody", "a%2Fb"])
async def test_whoever_asks_gets_the_same_answer(scope: Any, account: str) -> None:
    api = FakeApi()
    key = scope and api.keyring.draw(scope, OWN if scope == "account" else None)
    quick = await asked(api, key, account, BODY)
    assert quick == await asked(slow(api), key, account, BODY)
    assert quick[0] == (
        401 if scope is None else 200 if account == OWN or (scope, account) == ("operator", OTHER) else 404
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        {},
        BODY | {"hourly_cost": "0"},
        BODY | {"hourly_cost": 1},
        BODY | {"more": 1},
        BODY | {"service": "x"},
    ],
    ids=repr,
)
async def test_a_wrong_body_is_told_with_the_same_code(body: Any) -> None:
    api = FakeApi()
    key = api.keyring.draw("read-only")
    quick, told = await asked(api, key, OWN, body), await asked(slow(api), key, OWN, body)
    assert (quick[0], quick[1]["code"]) == (told[0], told[1]["code"])
    assert quick[0] in {400, 422}
