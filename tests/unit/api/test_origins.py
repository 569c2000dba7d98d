"""Scripts of other sites: kept out unless their origin is named, and then let in without cookies."""

import httpx
import pytest
from tests.support.fake_api import OWN, FakeApi

CONSOLE = "https://console.example"
PATH = f"/v1/accounts/{OWN}/vouchers"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}


async def preflight(api: FakeApi, origin: str, **headers: str) -> httpx.Response:
    async with api.client(None) as client:
        return await client.options(PATH, headers={"Origin": origin} | ASKS | headers)


async def got(api: FakeApi, origin: str, key: str | None = None) -> httpx.Response:
    async with api.client(key or api.keyring.draw("operator")) as client:
        return await client.get(f"/v1/accounts/{OWN}", headers={"Origin": origin})


def told(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]


async def test_by_default_no_site_is_let_in() -> None:
    api = FakeApi()
    assert told(await preflight(api, CONSOLE)) == told(await got(api, CONSOLE)) == []
    assert (await preflight(api, CONSOLE)).status_code == 405


async def test_a_named_site_is_let_in_with_all_that_the_api_uses() -> None:
    api = FakeApi(cors_origins=(CONSOLE, "http://localhost:3000"))
    for origin in (CONSOLE, "http://localhost:3000"):
        asked = await preflight(api, origin)
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, origin)
        assert "access-control-allow-credentials" not in asked.headers
        allowed = asked.headers["access-control-allow-headers"].lower()
        for name in ("authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "prefer"):
            assert name in allowed
        answer = await got(api, origin)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
        assert "access-control-allow-credentials" not in answer.headers
        shown = answer.headers["access-control-expose-headers"].lower().split(", ")
        assert {"drawdown-commit", "etag", "location", "retry-after", "x-request-id"} <= set(shown)
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    ["https://console.example.org", "http://console.example", f"{CONSOLE}:444", "null", "https://evil.example"],
)
async def test_another_site_is_not(origin: str) -> None:
    api = FakeApi(cors_origins=(CONSOLE,))
    assert (await preflight(api, origin)).status_code == 400
    for answer in (await preflight(api, origin), await got(api, origin)):
        assert "access-control-allow-origin" not in answer.headers


async def test_what_is_not_used_is_not_allowed() -> None:
    api = FakeApi(cors_origins=(CONSOLE,))
    for header in ({"Access-Control-Request-Method": "DELETE"}, {"Access-Control-Request-Headers": "cookie"}):
        assert (await preflight(api, CONSOLE, **header)).status_code == 400


async def test_a_browser_can_read_problems_too(monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeApi(cors_origins=(CONSOLE,))
    unknown = await got(api, CONSOLE, "dd_aaaaaaaa_" + "a" * 43)
    monkeypatch.setattr(api.desk, "cache", None)
    failed = await got(api, CONSOLE)
    assert (unknown.status_code, failed.status_code) == (401, 500)
    for answer in (unknown, failed):
        assert answer.headers["access-control-allow-origin"] == CONSOLE
        assert "x-request-id" in answer.headers
