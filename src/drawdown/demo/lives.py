"""Plans that are sold: asked for, drafted, revised, confirmed, paid in parts, paused, cancelled, used up."""

from collections.abc import Iterator
from typing import Any

import msgspec

from drawdown.demo.books import name_of
from drawdown.demo.scenario import DAY, MINUTE, amount, command
from drawdown.traces.events import Outgoing, event
from drawdown.wire.instants import format_instant

EVENTS = (
    "plan_requested",
    "plan_drafted",
    "plan_offered",
    "plan_confirmed",
    "payment_requested",
    "payment_recorded",
    "plan_paused",
    "plan_resumed",
    "plan_cancelled",
    "amount_used",
)
_ACCOUNTS = (("acc-sales-usd", "USD"), ("acc-sales-vnd", "VND"))
_AHEAD_MS = 2 * MINUTE  # within the skew, so that the usage is later than the plans' activation
_TOKENS = 10**9  # far more than the plan holds
_encode = msgspec.json.Encoder().encode


def sold(now: int) -> Iterator[Outgoing]:
    """Sell three plans to each of two accounts: one is paid in two payments, one postpaid and paused, one cancelled."""
    for account, currency in _ACCOUNTS:
        yield command(account, f"open-{account}", "open_account", now, currency=currency, time_zone="Asia/Ho_Chi_Minh")
        wish = {"expected_usage": "a billion tokens", "contact": "sales@example.com", "currency": currency}
        yield command(account, "wish", "request_plan", now, request="wish", **wish)
        due = {"due": format_instant(now + 30 * DAY), "amount": amount(60_00, currency)}
        parts = {"terms": "partial", "price": amount(100_00, currency), "first_percent": 40, "instalments": [due]}
        yield _draft(account, currency, "team", 1, now, parts)
        yield _draft(account, currency, "team", 2, now, parts)
        yield from _agreed(account, "team", 2, now)
        for number, cents in enumerate((15_00, 25_00)):
            paid = {"amount": amount(cents, currency), "currency": currency, "reference": f"transfer-{number}"}
            yield command(account, f"pay-{number}", "record_payment", now, number=1, method="bank-transfer", **paid)
        yield _draft(account, currency, "monthly", 1, now, {"terms": "postpaid"}, scope=[{"service": "fine-tuning"}])
        yield from _agreed(account, "monthly", 1, now)
        yield command(account, "pause", "pause_plan", now, plan="monthly")
        yield command(account, "resume", "resume_plan", now, plan="monthly")
        yield _draft(account, currency, "never", 1, now, {"terms": "upfront", "price": amount(10_00, currency)})
        yield command(account, "cancel", "cancel_plan", now, plan="never")


def usage(now: int) -> Iterator[Outgoing]:
    """Use more than the plan that was paid in parts holds."""
    for account, _ in _ACCOUNTS:
        told: dict[str, object] = {"endpoint": "e", "model": "Qwen3-32B", "input_tokens": _TOKENS}
        message = event("inference", "/demo", f"much-{account}", account, now + _AHEAD_MS, told)
        yield Outgoing("usage.inference", account.encode(), _encode(message), now)


def _draft(
    account: str, currency: str, plan: str, revision: int, now: int, payment: dict[str, object], **more: object
) -> Outgoing:
    terms: dict[str, Any] = {"currency": currency, "book": name_of("plan", currency), "book_version": 1, "months": 1}
    terms |= {"amount": amount(5_00 + revision, currency), "revision": revision, "payment": payment, **more}
    return command(account, f"draft-{plan}-{revision}", "draft_plan", now, plan=plan, **terms)


def _agreed(account: str, plan: str, revision: int, now: int) -> Iterator[Outgoing]:
    for step in ("offer", "confirm"):
        yield command(account, f"{step}-{plan}", f"{step}_plan", now, plan=plan, revision=revision)
