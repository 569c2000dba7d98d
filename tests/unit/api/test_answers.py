"""What the API says to requests that are not as they should be, and what it adds to every answer."""

from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from tests.support.fake_api import OWN, FakeApi
from tests.support.requests import HEADERS, REQUESTS

from drawdown.domain.limits import API_BODY_BYTES_MAX

PAUSE = f"/v1/accounts/{OWN}/plans/team/pause"
CONFIRM = f"/v1/accounts/{OWN}/plans/team/confirm"


async def sent(api: FakeApi, method: str, path: str, **more: Any) -> httpx.Response:
    async with api.client(api.keyring.draw("operator")) as client:
        return await client.request(method, path, **more)


def is_problem(answer: httpx.Response, status: int, code: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"/problems/{code}"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text


async def test_the_command_is_the_request_and_the_keys_holder() -> None:
    api = FakeApi()
    body = REQUESTS["adjust"].body
    answer = await sent(api, "POST", f"/v1/accounts/{OWN}/adjustments", json=body, headers=HEADERS)
    is_problem(answer, 409, "reached")
    assert api.issuer.commands == [
        {
            **(body or {}),
            "command": "adjust",
            "version": 1,
            "id": HEADERS["Idempotency-Key"],
            "account": OWN,
            "operator": "operator-holder",
            "seconds": 10,
        }
    ]


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [("wait=0", 0), ("wait=5", 5), ("respond-async, wait=7", 7), ("wait=9999", 30), ("wait=-1", 10), ("waiting=3", 10)],
)
async def test_a_caller_says_how_long_it_waits(prefer: str, seconds: int) -> None:
    api = FakeApi()
    await sent(api, "POST", PAUSE, json={}, headers=HEADERS | {"Prefer": prefer})
    assert api.issuer.commands[0]["seconds"] == seconds


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "not_json"),
        (b"[" * 10_000, 400, "not_json"),
        (b'{"until":' + b"9" * 5_000 + b"}", 400, "not_json"),
        (b"", 422, "invalid_request"),
        (b"[]", 422, "invalid_request"),
        (b'{"plan":"other"}', 422, "invalid_request"),
        (b'{"until":5}', 422, "invalid_request"),
        (b'{"until":"' + b"9" * API_BODY_BYTES_MAX + b'"}', 413, "request_entity_too_large"),
    ],
)
async def test_a_body_that_is_wrong_goes_nowhere(body: bytes, status: int, code: str) -> None:
    api = FakeApi()
    headers = HEADERS | {"Content-Type": "application/json"}
    is_problem(await sent(api, "POST", PAUSE, content=body, headers=headers), status, code)
    assert api.issuer.commands == []


async def test_a_body_that_does_not_say_its_size_is_cut_off_too() -> None:
    async def pieces() -> Any:
        for _ in range(3):
            yield b" " * (API_BODY_BYTES_MAX // 2)

    api = FakeApi()
    headers = HEADERS | {"Content-Type": "application/json"}
    answer = await sent(api, "POST", PAUSE, content=pieces(), headers=headers)
    is_problem(answer, 413, "request_entity_too_large")


async def test_a_write_without_an_idempotency_key_goes_nowhere() -> None:
    api = FakeApi()
    for key in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "k" * 257}):
        answer = await sent(api, "POST", PAUSE, json={}, headers=key)
        is_problem(answer, 422, "invalid_request")
        assert "idempotency-key" in answer.json()["detail"].lower()
    assert api.issuer.commands == []


@pytest.mark.parametrize(
    ("tag", "status", "code"),
    [
        (None, 428, "missing_if_match"),
        ("*", 412, "stale_revision"),
        ('"0-0123456789abcdef"', 412, "stale_revision"),
        ("2", 412, "stale_revision"),
        ('"7-0123456789abcdef"', 409, "reached"),
    ],
)
async def test_who_confirms_says_what_was_seen(tag: str | None, status: int, code: str) -> None:
    api = FakeApi()
    headers = {"Idempotency-Key": "k-1"} | ({} if tag is None else {"If-Match": tag})
    is_problem(await sent(api, "POST", CONFIRM, json={}, headers=headers), status, code)
    assert [one["revision"] for one in api.issuer.commands] == ([7] if code == "reached" else [])


async def test_what_there_is_not_is_a_problem_too() -> None:
    api = FakeApi()
    is_problem(await sent(api, "GET", "/v2/nothing"), 404, "not_found")
    is_problem(await sent(api, "DELETE", PAUSE), 405, "method_not_allowed")
    is_problem(await sent(api, "GET", f"/v1/accounts/{OWN}/plans/none"), 404, "unknown_plan")
    is_problem(await sent(api, "GET", "/v1/accounts/nobody"), 404, "unknown_account")
    pause_nobodys = "/v1/accounts/nobody/plans/team/pause"
    is_problem(await sent(api, "POST", pause_nobodys, json={}, headers=HEADERS), 404, "unknown_account")
    is_problem(await sent(api, "GET", f"/v1/accounts/{'x' * 129}"), 422, "invalid_request")
    assert api.issuer.commands == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", f"/v1/accounts/{OWN}/plans", "GET, POST"),
        ("OPTIONS", f"/v1/accounts/{OWN}/plans", "GET, POST"),
        ("GET", f"/v1/accounts/{OWN}/authorize", "POST"),
        ("PATCH", f"/v1/accounts/{OWN}/plans/team/renewal", "PUT"),
        ("POST", "/v1/openapi.json", "GET, HEAD"),
    ],
)
async def test_another_method_is_answered_by_all_that_there_are(method: str, path: str, allowed: str) -> None:
    answer = await sent(FakeApi(), method, path)
    is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


async def test_a_failure_is_told_without_its_trace_and_logged_with_it() -> None:
    api = FakeApi()
    api.desk.cache = None  # type: ignore[method-assign,assignment]
    with capture_logs() as lines:
        answer = await sent(api, "GET", f"/v1/accounts/{OWN}")
    is_problem(answer, 500, "internal")
    failed = next(line for line in lines if line["event"] == "a request failed")
    assert failed["request_id"] == answer.headers["x-request-id"]
    assert failed["exc_info"]


async def test_a_caller_may_name_its_request_by_a_plain_id() -> None:
    api = FakeApi()
    named = await sent(api, "GET", f"/v1/accounts/{OWN}", headers={"X-Request-Id": "job-17"})
    assert named.headers["x-request-id"] == "job-17"
    odd = await sent(api, "GET", f"/v1/accounts/{OWN}", headers={"X-Request-Id": 'a"b'})
    assert odd.headers["x-request-id"] != 'a"b'


async def test_the_log_tells_each_request_and_no_secret() -> None:
    api = FakeApi()
    key = api.keyring.draw("operator")
    with capture_logs() as lines:
        async with api.client(key) as client:
            await client.get(f"/v1/accounts/{OWN}", params={"token": "hidden"})
            await client.get(f"/v1/accounts/{OWN}", headers={"Authorization": "Bearer dd_zzzzzzzz_secret"})
    told = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["status"], line["key"]) for line in told] == [
        ("GET", 200, key.split("_")[1]),
        ("GET", 401, None),
    ]
    text = repr(lines)
    assert key.split("_", 2)[2] not in text
    assert "hidden" not in text
    assert "secret" not in text


async def test_a_plans_tag_changes_with_the_plan_and_not_with_the_time_left() -> None:
    api = FakeApi()
    path = f"/v1/accounts/{OWN}/plans/team"
    first = await sent(api, "GET", path)
    api.desk.clock.ms += 60_000
    later = await sent(api, "GET", path, headers={"If-None-Match": first.headers["etag"]})
    assert (later.status_code, later.content) == (304, b"")
    assert first.json()["remaining_seconds"] is None or first.json()["remaining_seconds"] > 0
    other = await sent(api, "GET", f"/v1/accounts/{OWN}", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


async def test_a_name_with_a_slash_is_one_name() -> None:
    api = FakeApi()
    missing = await sent(api, "GET", f"/v1/accounts/{OWN}/plans/a%2Fb")
    assert "no plan a/b," in missing.json()["detail"]
    is_problem(await sent(api, "GET", f"/v1/accounts/{OWN}/plans/a/b"), 404, "not_found")
    is_problem(await sent(api, "GET", "/v1/accounts/x%2Fy"), 404, "unknown_account")
    told = await sent(api, "GET", f"/v1/accounts/{OWN}/commands/a%2Fb%20c")
    assert told.json()["id"] == "a/b c"
    asked = await sent(api, "POST", PAUSE.replace("team", "te%2Fam"), json={}, headers=HEADERS)
    assert (asked.json()["code"], api.issuer.commands[0]["plan"]) == ("reached", "te/am")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"service": "inference", "hourly_cost": "0"}, "invalid_value"),
        ({"service": "teleport", "hourly_cost": "1"}, "unknown_service"),
        ({"service": "inference", "hourly_cost": "1.0000000001"}, "invalid_value"),
        ({"service": "inference", "hourly_cost": 1}, "invalid_request"),
        ({"service": "inference", "dimensions": {"": "x"}, "hourly_cost": "1"}, "invalid_value"),
    ],
)
async def test_who_asks_for_leave_says_for_what(body: dict[str, Any], code: str) -> None:
    is_problem(await sent(FakeApi(), "POST", f"/v1/accounts/{OWN}/authorize", json=body), 422, code)


async def test_leave_is_given_with_its_reason_and_the_commit_it_holds_for() -> None:
    body = {"service": "inference", "dimensions": {"model": "Q"}, "hourly_cost": "400.00"}
    answer = await sent(FakeApi(), "POST", f"/v1/accounts/{OWN}/authorize", json=body)
    assert answer.json() == {
        "answer": "limited",
        "code": "runs_into_debt",
        "plans": "100.000000000",
        "credit": "0.000000000",
        "seconds": 900,
        "shard": 3,
        "commit": 0,
    }
