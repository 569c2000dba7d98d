"""Buys a plan over HTTP with a client generated from the OpenAPI document, and reads its history.

Usage: python http_client.py ADDRESS KEY ACCOUNT. The key's scope is operator: it drafts the plan, and records its
payment, as sales and a payment gateway would; the customer's own part is to confirm. Before it, `make client` generates
drawdown_client into build/client and puts what that needs into .venv-client:

    PYTHONPATH=build/client .venv-client/bin/python examples/http_client.py http://127.0.0.1:8080 "$KEY" acme
"""

import sys
import time

from drawdown_client import AuthenticatedClient
from drawdown_client.api.accounts import open_account
from drawdown_client.api.history import list_history
from drawdown_client.api.payments import list_payment_requests, record_payment
from drawdown_client.api.plans import confirm_plan, draft_plan, offer_plan, show_plan
from drawdown_client.models import (
    ConfirmPlan,
    CreditHistory,
    DraftPlan,
    OfferPlan,
    OpenAccount,
    ProblemBody,
    RecordPayment,
    RecordPaymentMethod,
    UpfrontMessage,
)
from drawdown_client.types import Response

PLAN = "team"
HISTORY_SECONDS = 30  # the history follows the ledgers, usually within a second


def ok(answer: Response):
    """Give what an answer holds; stop with what the service says where it refuses."""
    if isinstance(answer.parsed, ProblemBody) or answer.parsed is None:
        said = answer.parsed.detail if answer.parsed else answer.content.decode()
        raise SystemExit(f"{answer.status_code}: {said}")
    return answer.parsed


def buy(client: AuthenticatedClient, account: str) -> None:
    """Open an account and buy a plan for it. Each step has a key of its own: sent again, it counts once."""

    def key(step: str) -> str:
        return f"example-{account}-{step}"

    opened = OpenAccount(account=account, currency="USD")
    ok(open_account.sync_detailed(client=client, body=opened, idempotency_key=key("open")))
    draft = DraftPlan(
        plan=PLAN,
        revision=1,
        currency="USD",
        book="plan-usd",
        book_version=1,
        amount="120.00",
        months=1,
        payment=UpfrontMessage(terms="upfront", price="100.00"),
    )
    ok(draft_plan.sync_detailed(account, client=client, body=draft, idempotency_key=key("draft")))
    offer = OfferPlan(revision=1)
    ok(offer_plan.sync_detailed(account, PLAN, client=client, body=offer, idempotency_key=key("offer")))
    seen = show_plan.sync_detailed(account, PLAN, client=client)
    ok(seen)
    # the customer confirms just what was seen: another revision in between would be refused
    ok(
        confirm_plan.sync_detailed(
            account,
            PLAN,
            client=client,
            body=ConfirmPlan(),
            idempotency_key=key("confirm"),
            if_match=seen.headers["etag"],
        )
    )
    for request in ok(list_payment_requests.sync_detailed(account, client=client)).payment_requests:
        payment = RecordPayment(
            number=request.number,
            method=RecordPaymentMethod.CARD,
            reference=f"{account}-{request.number}",
            amount=request.amount,
            currency="USD",
        )
        paid = record_payment.sync_detailed(account, client=client, body=payment, idempotency_key=key("pay"))
        ok(paid)
    plan = ok(show_plan.sync_detailed(account, PLAN, client=client))
    print(f"plan {plan.plan} of {account}: {plan.status}, {plan.remaining} of {plan.amount} left until {plan.end}")


def history(client: AuthenticatedClient, account: str) -> CreditHistory:
    """Read Credit History, once it knows the plan."""
    until = time.monotonic() + HISTORY_SECONDS
    while time.monotonic() < until:
        answer = list_history.sync_detailed(account, client=client, limit=10)
        if isinstance(answer.parsed, CreditHistory) and answer.parsed.entries:
            return answer.parsed
        time.sleep(0.2)
    raise SystemExit(f"nothing of {account} is in the history: does `drawdown history` run?")


def main() -> None:
    """Do it."""
    address, token, account = sys.argv[1:]
    with AuthenticatedClient(base_url=address, token=token, timeout=30) as client:
        buy(client, account)
        for entry in history(client, account).entries:
            print(f"{entry.date[:19]}  {entry.source}  {entry.amount} {entry.currency}  {entry.description}")


if __name__ == "__main__":
    main()
