"""Dead letters over HTTP: filters, pages, one in full, and what cannot be replayed."""

import asyncio
import base64
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.support.domain import T0
from tests.support.fake_api import OWN, FakeApi
from tests.support.fake_letters import FakeBrowser, dead
from tests.support.messages import command as command_record
from tests.support.messages import inference, open_account, raw, replay, structured, written
from tests.support.requests import HEADERS

from drawdown.api import replaying, scanning
from drawdown.api.issuing import Decision
from drawdown.api.problems import Problem
from drawdown.domain.limits import API_SCANS_MAX, DEAD_LETTER_BYTES_MAX
from drawdown.engine.records import Record
from drawdown.errors import NotSeen, NotThere, RefusedByService
from drawdown.settings import load_settings
from drawdown.wire.instants import format_instant

HOUR = 3_600_000


async def got(api: FakeApi, path: str) -> tuple[int, dict[str, Any]]:
    async with api.client(api.keyring.draw("support")) as client:
        answer = await client.get(f"/v1/dead-letters{path}")
        return answer.status_code, answer.json()


async def replayed(api: FakeApi, place: str, **headers: str) -> tuple[int, dict[str, Any]]:
    async with api.client(api.keyring.draw("operator")) as client:
        path = f"/v1/dead-letters/{place}/replay"
        answer = await client.post(path, json={"reason": "mended"}, headers=HEADERS | headers)
        return answer.status_code, answer.json()


def holding(*letters: Record) -> FakeApi:
    api = FakeApi()
    api.desk.letters = FakeBrowser(letters)
    return api


async def test_pages_follow_each_other_and_only_under_the_same_filters() -> None:
    api = holding(*(dead(shard, offset, T0 + offset) for shard in range(3) for offset in range(5)))
    seen: list[str] = []
    path = "?limit=4"
    while True:
        status, page = await got(api, path)
        assert (status, page["cut"]) == (200, False)
        seen += [one["letter"] for one in page["dead_letters"]]
        if page["next"] is None:
            break
        path = f"?limit=4&cursor={page['next']}"
        refused = await got(api, f"{path}&reason=too_late")
        assert (refused[0], refused[1]["code"]) == (422, "invalid_cursor")
    assert seen == [f"{shard}:{offset}" for offset in range(4, -1, -1) for shard in range(2, -1, -1)]


async def test_filters_say_which() -> None:
    other = structured(inference(account="other"))
    wallet = dead(2, 5, T0 + HOUR, "wrong_currency", command_record(open_account("acc-2")), "wallet")
    api = holding(dead(1, 3, T0), dead(1, 4, T0 + HOUR, of=other), wallet)
    for query, expected in {
        "account=other": ["1:4"],
        "reason=wrong_currency": ["2:5"],
        "ledger=wallet": ["2:5"],
        "topic=usage.inference": ["1:4", "1:3"],
        f"since={format_instant(T0 + 1)}": ["2:5", "1:4"],
        f"until={format_instant(T0 + 1)}": ["1:3"],
        f"account=other&until={format_instant(T0 + 1)}": [],
    }.items():
        status, page = await got(api, f"?{query}")
        assert (status, [one["letter"] for one in page["dead_letters"]]) == (200, expected), query


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("reason=none", "invalid_value"),
        ("topic=charges", "invalid_value"),
        ("ledger=none", "invalid_request"),
        ("since=yesterday", "invalid_value"),
        ("limit=0", "invalid_request"),
        ("cursor=none", "invalid_cursor"),
    ],
)
async def test_a_filter_that_nothing_could_fit_is_refused(query: str, code: str) -> None:
    status, problem = await got(FakeApi(), f"?{query}")
    assert (status, problem["code"]) == (422, code)


async def test_a_page_that_a_limit_ended_says_so_and_where_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawdown.operate.newest.API_SCAN_RECORDS_MAX", 8)
    api = holding(
        *(dead(0, offset, T0 + offset, "too_late" if offset < 2 else "unknown_price") for offset in range(30))
    )
    status, page = await got(api, "?reason=too_late&limit=1")
    assert (status, page["dead_letters"], page["cut"]) == (200, [], True)
    found = []
    while page["next"]:
        _, page = await got(api, f"?reason=too_late&limit=1&cursor={page['next']}")
        found += [one["letter"] for one in page["dead_letters"]]
    assert found == ["0:1", "0:0"]


async def test_a_letter_is_shown_in_full() -> None:
    api = FakeApi()
    status, letter = await got(api, "/1:7")
    assert (status, letter["letter"], letter["account"], letter["reason"]) == (200, "1:7", OWN, "unknown_price")
    assert base64.b64decode(letter["value_base64"]) == letter["value"].encode() != b""
    assert (letter["complete"], letter["answered"]) == (True, False)
    assert letter["position"]["topic"] == letter["topic"] == "usage.inference"
    api.issuer.known = True
    assert (await got(api, "/1:7"))[1]["answered"] is True


@pytest.mark.parametrize("value", [b"\xff\xfe", b"", b'{"subject": "\\ud800"}'])
async def test_bytes_that_are_no_text_can_be_shown_and_listed(value: bytes) -> None:
    api = holding(dead(1, 7, of=raw(value, key=None)))
    status, letter = await got(api, "/1:7")
    assert (status, base64.b64decode(letter["value_base64"])) == (200, value)
    assert (await got(api, ""))[0] == 200


async def test_a_replay_that_names_nonsense_can_be_shown() -> None:
    carried = replay(structured(inference()), topic="\ud800", headers=[{"name": 7, "value": ""}])
    api = holding(dead(1, 7, of=raw(written(carried), topic="plan-commands")))
    status, letter = await got(api, "/1:7")
    assert (status, letter["headers"], letter["answered"]) == (200, [{"name": "7", "value": ""}], None)


@pytest.mark.parametrize("place", ["1:8", "0:7", "3:99999999999999999999999"])
async def test_a_letter_that_is_not_there(place: str) -> None:
    for status, problem in (await got(FakeApi(), f"/{place}"), await replayed(FakeApi(), place)):
        assert (status, problem["code"]) == (404, "unknown_dead_letter")


@pytest.mark.parametrize("place", ["1-7", "99:7", "1:-7", "x:y", "1:7:7"])
async def test_what_is_no_name_of_a_letter(place: str) -> None:
    status, problem = await got(FakeApi(), f"/{place}")
    assert (status, problem["code"]) == (422, "invalid_value")


async def test_a_replay_carries_who_and_why() -> None:
    api = FakeApi()
    assert (await replayed(api, "1:7"))[1]["code"] == "reached"
    (command,) = api.issuer.commands
    told = (command["command"], command["operator"], command["reason"], command["dead_letter"])
    assert told == ("replay_usage", "operator-holder", "mended", {"partition": 1, "offset": 7})
    assert (command["to"], command["key"], command["quiet"]) == ("plan-commands", OWN, True)


async def test_a_command_goes_as_it_was_to_the_topic_it_came_from() -> None:
    refused = command_record(open_account("new", currency="USD"))
    api = holding(dead(0, 3, T0, "state_too_large", refused))
    assert (await replayed(api, "0:3"))[1]["code"] == "reached"
    (command,) = api.issuer.commands
    assert (command["to"], command["command"], command["quiet"]) == ("plan-commands", "open_account", False)


async def test_what_would_be_refused_again_is_told_by_the_ledgers_code() -> None:
    broken = structured(inference(input_tokens=-1))
    ahead = structured(inference(T0 + 10 * HOUR))
    api = holding(dead(0, 1, of=broken), dead(0, 2, of=ahead), dead(0, 3, of=command_record({"account": "a"})))
    for place, code in {"0:1": "negative_quantity", "0:2": "in_the_future", "0:3": "unknown_type"}.items():
        status, problem = await replayed(api, place)
        assert (status, problem["code"], "--edit" in problem["detail"]) == (422, code, True), problem
    assert api.issuer.commands == []


async def test_bytes_that_were_not_kept_cannot_be_sent() -> None:
    api = holding(dead(0, 1, of=raw(b"x" * (DEAD_LETTER_BYTES_MAX + 1))))
    status, problem = await replayed(api, "0:1")
    assert (status, problem["code"]) == (422, "incomplete_dead_letter")
    assert (await got(api, "/0:1"))[1]["complete"] is False


async def test_outputs_are_not_sent_again() -> None:
    api = holding(dead(0, 1, of=raw(b"{}", topic="credit-charging"), ledger="wallet"))
    status, problem = await replayed(api, "0:1")
    assert (status, problem["code"]) == (422, "invalid_value")


async def test_a_proof_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(replaying, "API_PROOF_SECONDS", 0.01)
    monkeypatch.setattr(replaying, "prepare", endless)
    status, problem = await replayed(FakeApi(), "1:7")
    assert (status, problem["code"]) == (503, "unavailable")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotThere("not kept"), 409, "unproved"),
        (RefusedByService("rated already"), 409, "has_outcome"),
        (NotSeen("records wait"), 503, "unavailable"),
    ],
)
async def test_what_the_proof_tells(error: Exception, status: int, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def proof(*_: object) -> None:
        raise error

    monkeypatch.setattr(replaying, "prepare", proof)
    answer = await replayed(FakeApi(), "1:7")
    assert (answer[0], answer[1]["code"]) == (status, code)


async def test_what_is_not_decided_in_time_is_pending_and_says_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pending(*_: object, **__: object) -> Decision:
        return Decision(pending=True, replayed=False, events=())

    api = FakeApi()
    monkeypatch.setattr(api.issuer, "issue_to", pending)
    async with api.client(api.keyring.draw("operator")) as client:
        answer = await client.post("/v1/dead-letters/1:7/replay", json={"reason": "mended"}, headers=HEADERS)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "pending")
    assert answer.headers["location"] == "/v1/dead-letters/1:7"


async def test_only_so_many_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "API_SCAN_SECONDS", 0.01)
    scans = scanning.Scans(load_settings())
    async with AsyncExitStack() as lent:
        for _ in range(API_SCANS_MAX):
            await lent.enter_async_context(scans.desk())
        with pytest.raises(Problem, match="read topics already"):
            await lent.enter_async_context(scans.desk())
    async with scans.desk():
        pass
