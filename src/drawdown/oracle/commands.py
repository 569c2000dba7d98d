"""Commands of a plan's life as the oracle sees them: offers, payments, pauses, cancellations."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from drawdown.oracle import life
from drawdown.oracle.reading import DAY, instant
from drawdown.oracle.rules import covers, half_up, month_later
from drawdown.oracle.state import Account, Expected, Gap, Offer, Plan, Request, event

OFFERS_MAX, PAUSES_MAX, PAUSE_MAX = 16, 3, 30 * DAY
PLANS_MAX, CLOSED_KEPT_MAX, PAST_MAX = 64, 16, 2_000
REQUESTS_MAX, GAPS_MAX, REFERENCES_MAX = 500, 64, 2_000
Books = Mapping[tuple[str, int], dict[str, Any]]


def command(account: Account, books: Books, message: dict[str, Any], now: int) -> list[Expected]:
    """Apply a command of a plan's life; a refused one changes nothing."""
    name = message["command"]
    if name == "request_plan":
        budget = Fraction(message.get("budget") or 0)
        return [event("plan_requested", amount=budget, facts=(message["request"],))]
    if name == "draft_plan":
        return [_draft(account, books, message, now)]
    if name == "record_payment":
        return _pay(account, message, now)
    if name in {"offer_plan", "confirm_plan"}:
        return _step(account, message, now)
    if name == "cancel_plan":
        return _cancel(account, message, now)
    return [_pause_or_resume(account, message, now)]


def _draft(account: Account, books: Books, message: dict[str, Any], now: int) -> Expected:
    name, offer = message["plan"], account.offers.get(message["plan"])
    code = None
    if name in account.ended or any(plan.name == name for plan in account.plans):
        code = "plan_exists"
    elif offer and offer.status == "awaiting_payment":
        code = "wrong_status"
    elif message["revision"] != (offer.command["revision"] + 1 if offer else 1):
        code = "stale_revision"
    code = code or terms_code(account, books, message) or _payment_code(account, message, now)
    if code is None and offer is None and len(account.offers) >= OFFERS_MAX:
        code = "too_many_plans"
    if code is None and past(account) + len(account.offers) > PAST_MAX:
        code = "too_many_plans"
    if code:
        return event("command_refused", plan=name, code=code)
    if offer is None:
        account.offers[name] = Offer(message, books[message["book"], message["book_version"]])
    else:
        offer.book = books[message["book"], message["book_version"]]
        offer.command, offer.status, offer.until = message, "draft", None
    facts = message["revision"], "draft"
    return event("plan_drafted", plan=name, amount=Fraction(message["amount"]), facts=facts)


def too_many(account: Account) -> bool:
    """Say whether the account has no room for a plan more, those that wait for their payment counted."""
    closed = sum(plan.status == "expired" for plan in account.plans)
    waiting = sum(offer.status == "awaiting_payment" for offer in account.offers.values())
    open_plans = len(account.plans) - closed + min(closed, CLOSED_KEPT_MAX) + waiting
    return open_plans >= PLANS_MAX or past(account) > PAST_MAX


def past(account: Account) -> int:
    """Count the plans and offers of which only the name is kept."""
    closed = sum(plan.status == "expired" for plan in account.plans)
    return max(closed - CLOSED_KEPT_MAX, 0) + len(account.ended)


def terms_code(account: Account, books: Books, message: dict[str, Any]) -> str | None:
    """Say what is wrong with a plan's currency, book, dates and quotas."""
    book = books.get((message["book"], message["book_version"]))
    start, end = message.get("start"), message.get("end")
    if message["currency"] != account.currency or (book and book["currency"] != account.currency):
        return "wrong_currency"
    if book is None:
        return "unknown_book"
    if start and end and instant(end) <= instant(start):
        return "bad_interval"
    scope = message.get("scope", "all")
    inside = (covers(scope, quota["service"], quota.get("dimensions", {})) for quota in message.get("quotas", []))
    return None if all(inside) else "bad_quota"


def _payment_code(account: Account, message: dict[str, Any], now: int) -> str | None:
    terms, unit = message["payment"], life.unit(account)
    if message.get("end") and instant(message["end"]) <= now:
        return "bad_interval"
    if terms["terms"] == "postpaid":
        return None
    price = Fraction(terms["price"])
    parts = [first_part(terms, unit), *(Fraction(one["amount"]) for one in terms.get("instalments", []))]
    uneven = any((amount / unit).denominator != 1 for amount in (price, *parts))
    return "bad_terms" if uneven or sum(parts) != price or not all(parts) else None


def first_part(terms: dict[str, Any], unit: Fraction) -> Fraction:
    """Give what is paid before the plan starts."""
    price = Fraction(terms["price"])
    if terms["terms"] == "upfront":
        return price
    if terms.get("first") is not None:
        return Fraction(terms["first"])
    return half_up(price * terms["first_percent"] / 100, unit)


def _step(account: Account, message: dict[str, Any], now: int) -> list[Expected]:
    name, offer = message["plan"], account.offers.get(message["plan"])
    offering = message["command"] == "offer_plan"
    until = instant(message["until"]) if message.get("until") else now + 30 * DAY
    code = None
    if offer is None:
        code = "unknown_plan"
    elif message["revision"] != offer.command["revision"]:
        code = "stale_revision"
    elif offer.status != ("draft" if offering else "awaiting_confirmation"):
        code = "wrong_status"
    elif until <= now if offering else offer.command.get("end") and instant(offer.command["end"]) <= now:
        code = "bad_interval"
    elif not offering and len(account.requests) + 1 + _instalments(offer) > REQUESTS_MAX:
        code = "too_many_requests"
    elif not offering and too_many(account):
        code = "too_many_plans"
    if code or offer is None:
        return [event("command_refused", plan=name, code=code)]
    amount = Fraction(offer.command["amount"])
    if offering:
        offer.status, offer.until = "awaiting_confirmation", until
        return [event("plan_offered", plan=name, amount=amount, facts=(message["revision"], offer.status))]
    offer.status, offer.until = "awaiting_payment", None
    out = [event("plan_confirmed", plan=name, amount=amount)]
    terms = offer.command["payment"]
    if terms["terms"] == "postpaid":
        return out + _start(account, offer, now)
    first = first_part(terms, life.unit(account))
    reason = "plan" if terms["terms"] == "upfront" else "first_part"
    due = now + terms.get("pay_within_days", 14) * DAY
    return out + life.ask(account, Request(name, reason, first, first, due, life.grace(terms)), now)


def _instalments(offer: Offer) -> int:
    return len(offer.command["payment"].get("instalments", []))


def _start(account: Account, offer: Offer, now: int) -> list[Expected]:
    message = offer.command
    del account.offers[message["plan"]]
    start = max(instant(message["start"]), now) if message.get("start") else now
    months = message.get("months") or (message.get("years") or 0) * 12
    end = instant(message["end"]) if message.get("end") else None
    if months:
        end = month_later(start, months, account.zone)
    plan = new_plan(account, offer.book, message, start, end)
    plan.reminded = life.reminded(end, now)
    plan.payment = message["payment"]
    if plan.payment["terms"] == "postpaid":
        plan.stated_to = month_later(start, 1, account.zone)
    account.plans.append(plan)
    out = [event("plan_activated", plan=plan.name, amount=plan.amount, facts=(start, end))]
    planned = []
    for one in message["payment"].get("instalments", []):
        amount, due = Fraction(one["amount"]), instant(one["due"])
        planned.append(Request(plan.name, "instalment", amount, amount, due, life.grace(message["payment"])))
    account.requests += planned
    return out + [life.number(account, request, now) for request in planned if request.due - 14 * DAY <= now]


def new_plan(account: Account, book: dict[str, Any], message: dict[str, Any], start: int, end: int | None) -> Plan:
    """Make a plan of the terms in a command."""
    scope = message.get("scope", "all")
    quotas = [(quota, Fraction(quota["amount"])) for quota in message.get("quotas", [])]
    return Plan(
        name=message["plan"],
        book=book,
        amount=Fraction(message["amount"]),
        start=start,
        end=end,
        grace=message.get("grace_seconds", 86_400) * 1000,
        priority=message.get("priority", 100),
        scope=None if scope == "all" else scope,
        quotas=quotas,
        order=account.applied + 1,
        quota_spent=[Fraction(0) for _ in quotas],
    )


def _cancel(account: Account, message: dict[str, Any], now: int) -> list[Expected]:
    name = message["plan"]
    if name in account.offers:
        return [event("plan_cancelled", plan=name, amount=life.drop(account, name))]
    plan, code = _running(account, name, {"active", "paused", "suspended"}, now)
    if code is None and plan is not None and plan.cancelled:
        code = "wrong_status"
    if code or plan is None:
        return [event("command_refused", plan=name, code=code)]
    if plan.status == "paused":
        life.end_pause(account, plan, now)
        plan.status = "active"
    at = max(now, plan.start)
    if message.get("when") == "cycle_end":
        at = life.boundary_after(plan, max(now, plan.start), account.zone)
    plan.end = at if plan.end is None else min(plan.end, at)
    plan.cancelled = True
    plan.reminded |= life.reminded(plan.end, now)
    out = [event("plan_cancelled", plan=name, facts=(plan.start, plan.end))]
    return [*out, life.expire(plan)] if plan.end <= now else out


def _running(account: Account, name: str, statuses: set[str], now: int) -> tuple[Plan | None, str | None]:
    plan = next((plan for plan in account.plans if plan.name == name), None)
    if plan is None:
        return None, "unknown_plan"
    over = plan.status not in statuses or (plan.end is not None and plan.end <= now)
    return plan, "wrong_status" if over else None


def _pause_or_resume(account: Account, message: dict[str, Any], now: int) -> Expected:
    name, pausing = message["plan"], message["command"] == "pause_plan"
    plan, code = _running(account, name, {"active" if pausing else "paused"}, now)
    until = instant(message["until"]) if pausing and message.get("until") else now + PAUSE_MAX
    if code is None and plan is not None and pausing:
        if not now < until <= now + PAUSE_MAX:
            code = "bad_interval"
        elif now < plan.start:
            code = "wrong_status"
        elif sum(gap.pause for gap in plan.gaps) >= PAUSES_MAX or len(plan.gaps) >= GAPS_MAX:
            code = "pause_limit"
    if code or plan is None:
        return event("command_refused", plan=name, code=code)
    if not pausing:
        return life.resume(account, plan, now, "request")
    plan.status = "paused"
    plan.gaps.append(Gap(now, until, pause=True))
    life.shift(account, plan, until - now, now)
    return event("plan_paused", plan=name, facts=(now, until))


def _pay(account: Account, command: dict[str, Any], now: int) -> list[Expected]:
    request = next((one for one in account.requests if one.number == command["number"]), None)
    amount = Fraction(command["amount"])
    offer = account.offers.get(request.plan) if request else None
    code = None
    if command["currency"] != account.currency:
        code = "wrong_currency"
    elif command["reference"] in account.references:
        code = "payment_exists"
    elif request is None or (offer and offer.command.get("end") and instant(offer.command["end"]) <= now):
        code = "nothing_due"
    elif not amount or (amount / life.unit(account)).denominator != 1:
        code = "bad_amount"
    elif amount > request.amount - request.paid:
        code = "overpaid"
    if code or request is None:
        return [event("command_refused", plan=request.plan if request else None, code=code)]
    account.references = [*account.references, command["reference"]][-REFERENCES_MAX:]
    request.paid += amount
    facts = command["number"], command["method"], command["reference"]
    out = [event("payment_recorded", plan=request.plan, amount=amount, facts=facts)]
    if request.paid < request.amount:
        return out
    account.requests.remove(request)
    if offer is not None:
        return out + _start(account, offer, now)
    plan = next((plan for plan in account.plans if plan.name == request.plan), None)
    late = any(one.plan == request.plan and one.number and one.due + one.grace <= now for one in account.requests)
    if plan is not None and plan.status == "suspended" and not late:
        out.append(life.resume(account, plan, now, "payment"))
    return out
