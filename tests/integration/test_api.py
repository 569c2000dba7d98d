"""The HTTP API beside a real worker, Kafka and Redis: a plan's life, what a caller did wrong, and who sees what."""

from tests.support.api import give, served
from tests.support.load import conserved, stage_on, started

from drawdown.demo.books import name_of
from drawdown.local.stack import LocalStack

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

        repeated = await give(desk, "POST", "/accounts/acme/payments", "p", PAID)
        assert (repeated.status_code, repeated.json()["replayed"], repeated.json()["events"]) == (200, True, [])
        other = await give(desk, "POST", "/accounts/acme/payments", "p", PAID | {"amount": "1.00"})
        assert (other.status_code, other.json()["code"]) == (409, "id_conflict")
        told = (await acme.get("/v1/accounts/acme/commands/p")).json()
        assert [(one["ledger"], one["code"]) for one in told["results"]] == [("plans", None)]
        await conserved(stage, 0)
