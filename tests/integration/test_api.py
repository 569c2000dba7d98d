"""The HTTP API beside a real worker, Kafka and Redis: a plan's life, what a caller did wrong, and who sees what."""

import asyncio

import httpx
from tests.support.api import give, served
from tests.support.codes import TEXT, issue_code
from tests.support.commands import drawdown
from tests.support.load import conserved, now_ms, stage_on, started
from tests.support.messages import written

from drawdown.demo.books import name_of
from drawdown.local.stack import LocalStack
from drawdown.topics import CODE_COMMANDS
from drawdown.traces.events import Outgoing

OPEN = {"account": "acme", "currency": "USD", "time_zone": "Asia/Ho_Chi_Minh"}
DRAFT = {
    "plan": "team",
    "revision": 1,
    "currency": "USD",
    "book": name_of("plan", "USD"),
    "book_version": 1,
    "amount": "120.00",
    "months": 12,
    "scope": [{"service": "inference"}],
    "payment": {"terms": "upfront", "price": "100.00"},
}
PAID = {"number": 1, "method": "card", "reference": "ch-1", "amount": "100.00", "currency": "USD"}


async def test_a_plan_is_drafted_seen_confirmed_paid_and_read(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage, served(stage) as api:
        await started(stage)
        sales, desk = await api.client("sales"), await api.client("operator")
        opened = await give(sales, "POST", "/accounts", "open", OPEN)
        assert (opened.status_code, opened.json()["outcome"], len(opened.json()["events"])) == (201, "applied", 2)
        acme = await api.client("account", "acme")
        assert (await give(sales, "POST", "/accounts/acme/plans", "draft", DRAFT)).status_code == 201
        assert (
            await give(sales, "POST", "/accounts/acme/plans/team/offer", "offer", {"revision": 1})
        ).status_code == 200
        seen = await acme.get("/v1/accounts/acme/plans/team")
        assert (seen.json()["status"], seen.json()["revision"]) == ("Awaiting confirmation", 1)
        etag = seen.headers["etag"]
        assert (await acme.get("/v1/accounts/acme/plans/team", headers={"If-None-Match": etag})).status_code == 304

        confirm = ("POST", "/accounts/acme/plans/team/confirm")
        assert (await give(acme, *confirm, "c-0", {})).json()["code"] == "missing_if_match"
        again = DRAFT | {"revision": 2, "amount": "130.00"}
        assert (await give(sales, "POST", "/accounts/acme/plans", "draft-2", again)).status_code == 201
        assert (
            await give(sales, "POST", "/accounts/acme/plans/team/offer", "offer-2", {"revision": 2})
        ).status_code == 200
        stale = await give(acme, *confirm, "c-1", {}, **{"If-Match": etag})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale_revision")
        etag = (await acme.get("/v1/accounts/acme/plans/team")).headers["etag"]
        assert (await give(acme, *confirm, "c-2", {}, **{"If-Match": etag})).status_code == 200

        (due,) = (await acme.get("/v1/accounts/acme/payment-requests")).json()["payment_requests"]
        assert (due["number"], due["amount"], due["plan"]) == (1, "100.000000000", "team")
        assert (await give(acme, "POST", "/accounts/acme/payments", "p", PAID)).status_code == 403
        paid = await give(desk, "POST", "/accounts/acme/payments", "p", PAID)
        assert (paid.status_code, paid.json()["replayed"]) == (201, False)
        plan = (await acme.get("/v1/accounts/acme/plans/team")).json()
        assert (plan["status"], plan["amount"], plan["remaining"]) == ("Active", "130.000000000", "130.000000000")
        (service,) = (await acme.get("/v1/accounts/acme/plans/team/services")).json()["services"]
        assert (service["service"], service["spent"]) == ("inference", "0.000000000")

        wish = {"service": "inference", "hourly_cost": "5.00"}
        leave = (await acme.post("/v1/accounts/acme/authorize", json=wish)).json()
        assert (leave["answer"], leave["plans"]) == ("yes", "130.000000000")
        usage = {"service": "inference", "data": {"endpoint": "e", "model": "Qwen3-32B", "input_tokens": 1_000_000}}
        reckoned = (await acme.post("/v1/accounts/acme/estimate", json=usage)).json()
        assert [(one["kind"], one["id"]) for one in reckoned["payers"]] == [("plan", "team")]
        assert reckoned["total"] != "0.000000000"
        assert (await acme.get("/v1/accounts/acme/plans/team")).json()["spent"] == "0.000000000"
        books = (await acme.get("/v1/price-books")).json()["price_books"]
        assert DRAFT["book"] in [one["name"] for one in books]

        repeated = await give(desk, "POST", "/accounts/acme/payments", "p", PAID)
        assert (repeated.status_code, repeated.json()["replayed"], repeated.json()["events"]) == (200, True, [])
        other = await give(desk, "POST", "/accounts/acme/payments", "p", PAID | {"amount": "1.00"})
        assert (other.status_code, other.json()["code"]) == (409, "id_conflict")
        told = (await acme.get("/v1/accounts/acme/commands/p")).json()
        assert [(one["ledger"], one["code"]) for one in told["results"]] == [("plans", None)]
        await conserved(stage, 0)


async def test_a_code_is_redeemed_once_and_a_wrong_one_told(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage, served(stage) as api:
        await started(stage)
        issue = issue_code()
        await stage.publish([Outgoing(CODE_COMMANDS, str(issue["code"]).encode(), written(issue), now_ms())])
        desk = await api.client("operator")
        assert (await give(desk, "POST", "/accounts", "open", OPEN)).status_code == 201
        redeem = ("POST", "/accounts/acme/redemptions")
        wrong = await give(desk, *redeem, "r-0", {"redemption": "first", "code": "NOSUCHCODE"})
        assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_code")
        done = await give(desk, *redeem, "r-1", {"redemption": "second", "code": TEXT.lower()})
        kinds = [event["said"]["kind"] for event in done.json()["events"]]
        assert (done.status_code, kinds[-1]) == (201, "voucher_granted")
        vouchers = (await desk.get("/v1/accounts/acme/wallet")).json()["vouchers"]
        assert [voucher["voucher"] for voucher in vouchers] == ["second"]
        again = await give(desk, *redeem, "r-1", {"redemption": "second", "code": TEXT})
        assert (again.status_code, again.json()["replayed"]) == (200, True)
        assert TEXT not in wrong.text + done.text + again.text
        await conserved(stage, 0)


async def test_without_a_worker_a_write_is_pending_and_decided_when_there_is_one(
    stack: LocalStack, prefix: str
) -> None:
    async with stage_on(stack, prefix) as stage, served(stage) as api:
        desk = await api.client("operator")
        asked = await give(desk, "POST", "/accounts", "open/1", OPEN, Prefer="wait=0")
        assert (asked.status_code, asked.json()["outcome"]) == (202, "pending")
        place = asked.headers["location"]
        assert place == "/v1/accounts/acme/commands/open%2F1"
        await started(stage)
        async with asyncio.timeout(60):
            while (told := await desk.get(place)).status_code == 404:
                await asyncio.sleep(0.1)
        again = await give(desk, "POST", "/accounts", "open/1", OPEN)
        assert (again.status_code, again.json()["replayed"]) == (200, True)
        assert {one["ledger"] for one in told.json()["results"]} <= {"plans", "wallet"}


async def test_the_same_request_many_times_at_once_counts_once(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage, served(stage) as api:
        await started(stage)
        desk = await api.client("operator")
        assert (await give(desk, "POST", "/accounts", "open", OPEN)).status_code == 201
        top_up = {"reference": "t-1", "currency": "USD", "amount": "50.00"}
        both = await asyncio.gather(*(give(desk, "POST", "/accounts/acme/top-ups", "t", top_up) for _ in range(5)))
        assert {one.status_code for one in both} <= {200, 201}, [one.text for one in both]
        wallet = (await desk.get("/v1/accounts/acme/wallet")).json()
        assert wallet["top_up_credit"] == "50.000000000"
        reused = await give(desk, "POST", "/accounts/acme/top-ups", "t-2", top_up)
        assert (reused.status_code, reused.json()["code"]) == (409, "reference_exists")
        await conserved(stage, 0)


async def test_keys_are_made_listed_and_revoked_from_the_command_line(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage, served(stage) as api:
        made = (await drawdown(stage, "keys", "create", "ops", "--scope", "operator", "--json")).json
        async with httpx.AsyncClient(base_url=api.address) as client:
            client.headers["Authorization"] = f"Bearer {made['key']}"
            await until(client, httpx.codes.NOT_FOUND)
            assert (await drawdown(stage, "keys", "revoke", made["prefix"])).code == 0
            await until(client, httpx.codes.UNAUTHORIZED)
        shown = await drawdown(stage, "keys", "list")
        assert (made["prefix"] in shown.out, "revoked" in shown.out) == (True, True)
        assert made["key"].split("_", 2)[2] not in shown.out
        for _ in range(2):
            assert (await drawdown(stage, "keys", "create", "ops", "--scope", "operator")).code == 0
        third = await drawdown(stage, "keys", "create", "ops", "--scope", "operator")
        assert (third.code, "2 live keys" in third.err) == (1, True)
        bound = await drawdown(stage, "keys", "create", "c", "--scope", "account")
        assert (bound.code, "name it" in bound.err) == (2, True)
        again = await drawdown(stage, "keys", "revoke", made["prefix"])
        assert (again.code, "revoked already" in again.err) == (1, True)


async def until(client: httpx.AsyncClient, status: int) -> None:
    async with asyncio.timeout(30):
        while (await client.get("/v1/accounts/nobody")).status_code != status:
            await asyncio.sleep(0.05)
