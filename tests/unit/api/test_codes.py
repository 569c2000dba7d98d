"""Voucher codes over HTTP: told once, the same when asked again, on the log as hashes only."""

import re
from typing import Any

import pytest
from tests.support.fake_api import FakeApi
from tests.support.requests import HEADERS, REQUESTS

from drawdown.api import bulk
from drawdown.domain.limits import API_CODES_MAX
from drawdown.engine.records import Record
from drawdown.ledgers.codes import CodesLedger
from drawdown.topics import CODE_COMMANDS
from drawdown.wire.code_commands import hash_of

TERMS = REQUESTS["issue_codes"].body or {}
KEY = "a-random-key-of-mine"


async def issue(
    api: FakeApi, secret: str, key: str = KEY, terms: dict[str, Any] | None = None, **more: str
) -> tuple[int, dict[str, Any]]:
    async with api.client(secret) as client:
        answer = await client.post("/v1/codes", json=terms or TERMS, headers={"Idempotency-Key": key, **more})
        if answer.is_success:
            assert answer.headers["cache-control"] == "no-store"
        return answer.status_code, answer.json()


async def test_codes_are_told_once_and_only_their_hashes_are_on_the_log() -> None:
    api = FakeApi()
    status, told = await issue(api, api.keyring.draw("sales"), terms=TERMS | {"count": 40})
    assert (status, told["outcome"], told["replayed"], told["campaign"]) == (201, "applied", False, "spring")
    assert len(set(told["codes"])) == 40
    assert all(re.fullmatch("[A-Z0-9]{10}", code) for code in told["codes"])
    assert [(topic, key) for topic, key, _ in api.desk.sent] == [
        ("code-commands", hash_of(code)) for code in told["codes"]
    ]
    on_the_log = b" ".join(value for _, _, value in api.desk.sent)
    assert not any(code.encode() in on_the_log for code in told["codes"])
    assert KEY.encode() not in on_the_log


async def test_the_same_request_tells_the_same_codes_and_sends_none_again() -> None:
    api = FakeApi()
    secret = api.keyring.draw("sales")
    first, again = await issue(api, secret), await issue(api, secret)
    assert (again[0], again[1]) == (200, first[1] | {"replayed": True})
    assert len(api.desk.sent) == 2


async def test_a_request_that_was_cut_off_is_finished() -> None:
    api = FakeApi()
    secret = api.keyring.draw("sales")
    _, told = await issue(api, secret, terms=TERMS | {"count": 9})
    half = dict(list(api.desk.caches["codes"].known.items())[:4])
    api.desk.caches["codes"].known = half
    api.desk.sent = []
    status, again = await issue(api, secret, terms=TERMS | {"count": 9})
    assert (status, again["codes"], len(api.desk.sent)) == (201, told["codes"], 5)


@pytest.mark.parametrize("change", [{"amount": "11.00"}, {"campaign": "summer"}, {"valid_seconds": 61}])
async def test_the_same_key_with_other_terms_is_a_conflict(change: dict[str, Any]) -> None:
    api = FakeApi()
    secret = api.keyring.draw("operator")
    await issue(api, secret)
    status, problem = await issue(api, secret, terms=TERMS | change)
    assert (status, problem["code"], len(api.desk.sent)) == (409, "id_conflict", 2)


async def test_so_is_another_count_and_a_request_that_is_too_old_to_be_known() -> None:
    api = FakeApi()
    secret = api.keyring.draw("operator")
    await issue(api, secret)
    ledger, cache = CodesLedger(), api.desk.caches["codes"]
    for _, key, value in api.desk.sent:
        item = ledger.decode(Record(CODE_COMMANDS, 0, 0, 0, key.encode(), value))
        cache.states[key] = ledger.encode_state(ledger.decide(None, item).state)
    for terms in (TERMS | {"count": 1}, TERMS | {"count": 3}):
        status, problem = await issue(api, secret, terms=terms)
        assert (status, problem["code"]) == (409, "id_conflict")
    cache.known.clear()
    status, problem = await issue(api, secret)
    assert (status, problem["code"], len(api.desk.sent)) == (409, "id_conflict", 2)


async def test_another_key_or_caller_gets_other_codes() -> None:
    api = FakeApi()
    one, other = api.keyring.draw("sales"), api.keyring.draw("sales")
    told = [await issue(api, secret, key) for secret, key in ((one, KEY), (one, KEY + "2"), (other, KEY))]
    assert len({code for _, answer in told for code in answer["codes"]}) == 6


async def test_a_key_that_can_be_guessed_is_refused() -> None:
    api = FakeApi()
    status, problem = await issue(api, api.keyring.draw("sales"), "spring-2026")
    assert (status, problem["code"]) == (422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == ["header.Idempotency-Key"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"count": 0}, "invalid_request"),
        ({"count": API_CODES_MAX + 1}, "invalid_request"),
        ({"code": "A" * 64}, "invalid_request"),
        ({"currency": "XXX"}, "invalid_value"),
        ({"amount": "0"}, "invalid_value"),
        ({"expires": "2030-01-01T00:00:00Z"}, "invalid_value"),
    ],
)
async def test_terms_that_no_code_can_have_are_refused(change: dict[str, Any], code: str) -> None:
    api = FakeApi()
    status, problem = await issue(api, api.keyring.draw("sales"), terms=TERMS | change)
    assert (status, problem["code"], api.desk.sent) == (422, code, [])


async def test_codes_that_no_worker_takes_are_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_STEP_SECONDS", 0)
    api = FakeApi()
    api.desk.works = False
    status, told = await issue(api, api.keyring.draw("sales"), Prefer="wait=0")
    assert (status, told["outcome"], len(told["codes"])) == (202, "pending", 2)


async def test_a_code_is_looked_up_without_being_repeated() -> None:
    api = FakeApi()
    async with api.client(api.keyring.draw("sales")) as client:
        found = await client.post("/v1/codes/look-up", json={"code": "abcde 12345"})
        assert (found.status_code, found.json()["status"], found.json()["campaign"]) == (200, "open", "spring")
        assert "abcde" not in found.text.lower()
        missing = await client.post("/v1/codes/look-up", json={"code": "NOSUCHCODE"})
        assert (missing.status_code, missing.json()["code"], "NOSUCH" in missing.text) == (404, "unknown_code", False)
        none = await client.post("/v1/codes/look-up", json={"code": "NOTACODE"})
        assert (none.status_code, none.json()["code"], "NOTACODE" in none.text) == (422, "invalid_value", False)


async def test_a_withdrawal_carries_who_and_why_and_one_of_no_code_is_not_sent() -> None:
    api = FakeApi()
    async with api.client(api.keyring.draw("sales")) as client:
        body = {"code": "ABCDE12345", "reason": "printed twice"}
        answer = await client.post("/v1/codes/withdrawals", json=body, headers=HEADERS)
        assert answer.json()["code"] == "reached"
        (command,) = api.issuer.commands
        assert (command["to"], command["key"]) == ("code-commands", hash_of("ABCDE12345"))
        assert (command["operator"], command["reason"]) == ("sales-holder", "printed twice")
        assert "ABCDE12345" not in repr(command)
        missing = await client.post("/v1/codes/withdrawals", json=body | {"code": "NOSUCHCODE"}, headers=HEADERS)
        assert (missing.status_code, missing.json()["code"]) == (404, "unknown_code")
        assert len(api.issuer.commands) == 1


async def test_without_a_wallet_there_are_no_codes() -> None:
    api = FakeApi()
    api.desk.settings = api.desk.settings.model_copy(update={"wallet": False})
    status, problem = await issue(api, api.keyring.draw("sales"))
    assert (status, problem["code"]) == (404, "no_wallet")
