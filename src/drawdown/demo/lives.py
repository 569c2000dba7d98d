"""Plans that are sold: asked for, revised, confirmed, paid in parts, paused, cancelled, upgraded, used up, renewed."""

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
    "plan_replaced",
    "renewal_open",
    "plan_scheduled",
    "amount_used",
)
_ACCOUNTS = (("acc-sales-usd", "USD"), ("acc-sales-vnd", "VND"))
_AHEAD_MS = 2 * MINUTE  # within the skew, so that the usage is later than the plans' activation
_TOKENS = 10**9  # far more than the plan holds
_encode = msgspec.json.Encoder().encode


def sold(now: int) -> Iterator[Outgoing]:
    """Sell plans to each of two accounts: one paid in parts and upgraded, one postpaid and paused, one cancelled."""
    for account, currency in _ACCOUNTS:
        yield command(account, f"open-{account}", "open_account", now, currency=currency, time_zone="Asia/Ho_Chi_Minh")
        wish = {"expected_usage": "a billion tokens", "contact": "sales@example.com", "currency": currency}
        yield command(account, "wish", "request_plan", now, request="wish", **wish)
        due = {"due": format_instant(now + 30 * DAY), "amount": amount(60_00, currency)}
        parts = {"terms": "partial", "price": amount(100_00, currency), "first_percent": 40, "instalments": [due]}
        yield _draft(account, currency, "team", 1, now, parts)
        yield _draft(account, currency, "team", 2, now, parts)
        yield from _agreed(account, "team", 2, now)
        yield _paid(account, currency, "transfer-0", 1, 15_00, now)
        yield _paid(account, currency, "transfer-1", 1, 25_00, now)
        yield _draft(account, currency, "monthly", 1, now, {"terms": "postpaid"}, scope=[{"service": "fine-tuning"}])
        yield from _agreed(account, "monthly", 1, now)
        yield command(account, "pause", "pause_plan", now, plan="monthly")
        yield command(account, "resume", "resume_plan", now, plan="monthly")
        yield _draft(account, currency, "never", 1, now, {"terms": "upfront", "price": amount(10_00, currency)})
        yield command(account, "cancel", "cancel_plan", now, plan="never")
        yield from _upgraded(account, currency, now)


def _upgraded(account: str, currency: str, now: int) -> Iterator[Outgoing]:
    """Let a bigger plan take the place of the one of which 40 are paid, and renew it before anything of it is used."""
    terms: dict[str, object] = {"terms": "upfront", "price": amount(200_00, currency)}
    yield _draft(account, currency, "plus", 1, now, terms, replaces="team", renewal="automatic", rollover=True)
    yield from _agreed(account, "plus", 1, now)
    yield _paid(account, currency, "card-0", 2, 160_00, now)
    yield command(account, "renew", "renew_plan", now, plan="plus")
    yield _paid(account, currency, "card-1", 3, 200_00, now)


def usage(now: int) -> Iterator[Outgoing]:
    """Use more than the upgraded plan and its renewal hold."""
    for account, _ in _ACCOUNTS:
        told: dict[str, object] = {"endpoint": "e", "model": "Qwen3-32B", "input_tokens": _TOKENS}
        message = event("inference", "/demo", f"much-{account}", account, now + _AHEAD_MS, told)
        yield Outgoing("usage.inference", account.encode(), _encode(message), now)


def _paid(account: str, currency: str, reference: str, number: int, cents: int, now: int) -> Outgoing:
    paid = {"amount": amount(cents, currency), "currency": currency, "reference": reference}
    return command(account, f"pay-{reference}", "record_payment", now, number=number, method="bank-transfer", **paid)


def _draft(
    account: str, currency: str, plan: str, revision: int, now: int, payment: dict[str, object], **more: object
) -> Outgoing:
    terms: dict[str, Any] = {"currency": currency, "book": name_of("plan", currency), "book_version": 1, "months": 1}
    terms |= {"amount": amount(5_00 + revision, currency), "revision": revision, "payment": payment, **more}
    return command(account, f"draft-{plan}-{revision}", "draft_plan", now, plan=plan, **terms)


def _agreed(account: str, plan: str, revision: int, now: int) -> Iterator[Outgoing]:
    for step in ("offer", "confirm"):
        yield command(account, f"{step}-{plan}", f"{step}_plan", now, plan=plan, revision=revision)
