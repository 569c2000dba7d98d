"""What operators do over HTTP, on a real worker, Kafka and Redis: dead letters answered, voucher codes made."""

import asyncio
from typing import Any

import httpx
from tests.support.api import Api, give, served
from tests.support.load import call, conserved, now_ms, stage_on, started
from tests.support.watching import scraped, total

from drawdown.demo.stage import Stage
from drawdown.local.child import free_port
from drawdown.local.stack import LocalStack
from drawdown.traces.events import Outgoing

OPEN = {"account": "acme", "currency": "USD"}
WHY = {"reason": "the account is open now"}


async def refused(stage: Stage, api: Api, usage: Outgoing) -> tuple[httpx.AsyncClient, str]:
    """Publish usage that is refused; give an operator, and the name of the dead letter."""
    await stage.publish([usage])
    desk = await api.client("operator")
    async with asyncio.timeout(60):
        while not (page := (await desk.get("/v1/dead-letters")).json())["dead_letters"]:
            await asyncio.sleep(0.1)
    (letter,) = page["dead_letters"]
    assert (letter["account"], letter["reason"], letter["topic"]) == ("acme", "unknown_account", "usage.inference")
    return desk, letter["letter"]


async def test_a_dead_letter_is_listed_shown_replayed_and_rated_once(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage, served(stage) as api:
        await started(stage)
        desk, name = await refused(stage, api, call(0, now_ms(), account="acme"))
        support = await api.client("support")
        for query, count in {
            "account=acme": 1,
            "account=other": 0,
            "ledger=wallet": 0,
            "topic=usage.inference": 1,
        }.items():
            page = (await support.get(f"/v1/dead-letters?{query}")).json()
            assert (len(page["dead_letters"]), page["cut"], page["next"]) == (count, False, None)
        shown = (await support.get(f"/v1/dead-letters/{name}")).json()
        assert (shown["answered"], "call-0" in shown["value"]) == (False, True)
        replay = ("POST", f"/dead-letters/{name}/replay")
        assert (await give(support, *replay, "r", WHY)).status_code == 403

        assert (await give(desk, "POST", "/accounts", "open", OPEN)).status_code == 201
        done = await give(desk, *replay, "r-1", WHY)
        assert (done.status_code, done.json()["outcome"], done.json()["replayed"]) == (200, "applied", False), done.text
        (overage,) = done.json()["events"]
        assert (overage["topic"], overage["said"]["event"]["id"]) == ("credit-charging", "call-0")
        for key in ("r-1", "r-2"):
            again = await give(desk, *replay, key, WHY)
            assert (again.status_code, again.json()["outcome"], again.json()["replayed"]) == (200, "applied", True)
        assert (await support.get(f"/v1/dead-letters/{name}")).json()["answered"] is True
        assert (await support.get("/v1/dead-letters/0:99999")).status_code == 404
        await conserved(stage, 1)


async def test_the_same_replay_many_times_at_once_counts_once(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage, served(stage) as api:
        await started(stage)
        desk, name = await refused(stage, api, call(0, now_ms(), account="acme"))
        early = await give(desk, "POST", f"/dead-letters/{name}/replay", "r", WHY)
        assert (early.status_code, early.json()["code"]) == (404, "unknown_account")
        assert (await give(desk, "POST", "/accounts", "open", OPEN)).status_code == 201
        many = [give(desk, "POST", f"/dead-letters/{name}/replay", f"r-{number % 2}", WHY) for number in range(6)]
        answers = await asyncio.gather(*many)
        assert {one.status_code for one in answers} == {200}, [one.text for one in answers]
        await conserved(stage, 1)


async def test_pages_of_dead_letters_and_others_need_not_wait_for_them(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage, served(stage) as api:
        await started(stage)
        desk = await api.client("operator")
        await stage.publish([call(number, now_ms(), account=f"nobody-{number}") for number in range(40)])
        await stage.all_taken(seconds=60)
        seen: list[str] = []
        page = (await desk.get("/v1/dead-letters?limit=7")).json()
        while True:
            seen += [one["letter"] for one in page["dead_letters"]]
            if page["next"] is None:
                break
            page = (await desk.get("/v1/dead-letters", params={"limit": 7, "cursor": page["next"]})).json()
        assert (len(seen), len(set(seen))) == (40, 40)
        scans = [desk.get("/v1/dead-letters?limit=7") for _ in range(8)]
        opened, *answers = await asyncio.gather(give(desk, "POST", "/accounts", "open", OPEN), *scans)
        assert opened.status_code == 201
        assert [len(one.json()["dead_letters"]) for one in answers] == [7] * 8


async def test_a_code_issued_over_http_is_redeemed_once_and_one_withdrawn_never(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage, served(stage) as api:
        await started(stage)
        desk, sales = await api.client("operator"), await api.client("sales")
        assert (await give(desk, "POST", "/accounts", "open", OPEN)).status_code == 201
        key = "spring-5f0c1d2e3b4a"
        terms = {"campaign": "spring", "count": 50, "currency": "USD", "amount": "10.00", "valid_seconds": 86_400}
        terms["per_account_max"] = 2
        both = await asyncio.gather(*(give(sales, "POST", "/codes", key, terms) for _ in range(2)))
        issued = both[0].json()
        assert {one.status_code for one in both} <= {200, 201}, [one.text for one in both]
        assert issued["codes"] == both[1].json()["codes"]
        again = await give(sales, "POST", "/codes", key, terms)
        assert (again.status_code, again.json()) == (200, issued | {"replayed": True})
        assert (await give(sales, "POST", "/codes", key, terms | {"amount": "1.00"})).status_code == 409

        first, second, *_ = issued["codes"]
        redeem = ("POST", "/accounts/acme/redemptions")
        done = await give(desk, *redeem, "r-1", {"redemption": "one", "code": first})
        assert done.status_code == 201, done.text
        async with asyncio.timeout(30):  # the codes ledger hears last that the credit is granted
            while (used := await looked_up(sales, first))["status"] != "redeemed":
                assert used["status"] == "in_flight"
                await asyncio.sleep(0.05)
        assert (used["account"], used["redemption"]) == ("acme", "one")

        withdraw = ("POST", "/codes/withdrawals")
        gone = {"code": second, "reason": "printed twice"}
        taken = [await give(sales, *withdraw, "w-1", gone) for _ in range(2)]
        assert [(one.status_code, one.json()["outcome"], one.json()["replayed"]) for one in taken] == [
            (200, "applied", False),
            (200, "applied", True),
        ]
        assert (await looked_up(sales, second))["status"] == "withdrawn"
        refused_ = await give(desk, *redeem, "r-2", {"redemption": "two", "code": second})
        assert (refused_.status_code, refused_.json()["code"]) == (409, "code_withdrawn")
        assert not any(code in done.text + refused_.text + taken[0].text for code in issued["codes"])
        await conserved(stage, 0)


async def test_a_named_site_is_let_in_and_the_metrics_are_on_a_port_of_their_own(
    stack: LocalStack, prefix: str
) -> None:
    port, console = free_port(), "https://console.example"
    async with (
        stage_on(stack, prefix) as stage,
        served(stage, metrics_port=port, api_cors_origins=f"{console},http://localhost:3000") as api,
    ):
        await started(stage)
        desk = await api.client("operator")
        assert (await desk.get("/metrics")).status_code == 404
        for _ in range(2):
            opened = await give(desk, "POST", "/accounts", "open", OPEN, Origin=console)
            assert (opened.is_success, opened.headers["access-control-allow-origin"]) == (True, console)
        samples = await scraped(port)
        assert total(samples, "drawdown_api_requests_total", route="/v1/accounts", method="POST", status="2xx") == 2
        assert total(samples, "drawdown_api_request_seconds_count", route="/v1/accounts") == 2
        for decision in ("applied", "replayed"):
            assert total(samples, "drawdown_api_decisions_total", decision=decision) == 1
        assert not any("acme" in value for _, labels in samples for _, value in labels)


async def looked_up(client: httpx.AsyncClient, code: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.post("/v1/codes/look-up", json={"code": code})).json()
    return found
