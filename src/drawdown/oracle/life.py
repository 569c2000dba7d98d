"""A plan's life as the oracle sees it: offers, payment requests, payments, pauses, statements, notices."""

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from drawdown.oracle.reading import DAY, instant
from drawdown.oracle.rules import half_up, month_later
from drawdown.oracle.state import NEVER, Account, Expected, Gap, Offer, Plan, Request, event

DIGITS = {"USD": 2, "EUR": 2, "SGD": 2, "VND": 0, "JPY": 0}
PERCENTS, REMINDERS = (50, 80, 90, 100), (30, 7, 1)


# --- time -------------------------------------------------------------------------------------


def boundaries(plan: Plan, zone: ZoneInfo) -> Iterator[int]:
    """Give the instants at which the plan's cycles end, moved by its pauses, without end."""
    number = 0
    while plan.start < NEVER:
        number += 1
        at = month_later(plan.start, number, zone)
        for gap in plan.gaps:
            if gap.pause and gap.end is not None and gap.start <= at:
                at += gap.end - gap.start
        yield at


def boundary_after(plan: Plan, at: int, zone: ZoneInfo) -> int:
    """Give the end of the first month that the plan's clock, which stands still in pauses, has not reached."""
    stood = sum(min(gap.end, at) - gap.start for gap in plan.gaps if gap.pause and gap.end and gap.start < at)
    for number, found in enumerate(boundaries(plan, zone), 1):
        if month_later(plan.start, number, zone) > at - stood:
            return found
    return NEVER


def in_gap(plan: Plan, at: int) -> bool:
    """Say whether the plan is paused or suspended at an instant."""
    return any(gap.start <= at and (gap.end is None or at < gap.end) for gap in plan.gaps)


def plan_due(plan: Plan) -> tuple[int, int] | None:
    """Give when time next does something to a plan, and what: 0 statement, 1 reminder, 2 all else."""
    if plan.status == "expired":
        return None
    if plan.status == "scheduled":
        return None if plan.start == NEVER else (plan.start, 2)
    if plan.paused_until is not None:
        return plan.paused_until, 2
    if plan.status == "settling":
        return None if plan.end is None else (plan.end + plan.grace, 2)
    found = [(plan.stated_to, 0)] if plan.stated_to else []
    if plan.end is not None:
        found += [(plan.end - days * DAY, 1) for days in REMINDERS if days not in plan.reminded]
        found.append((plan.end, 2))
    return min(found, default=None)


def waiting(account: Account) -> list[tuple[int, str, Any]]:
    """List offers and requests that wait for something: when, name, what."""
    found: list[tuple[int, str, Any]] = []
    for name, offer in account.offers.items():
        at = offer.until if offer.status == "awaiting_confirmation" else None
        if offer.status == "awaiting_payment" and offer.command.get("end"):
            at = instant(offer.command["end"])
        if at is not None:
            found.append((at, name, offer))
    for request in account.requests:
        at = _request_due(account, request)
        if at is not None:
            found.append((at, request.plan, request))
    return found


def _request_due(account: Account, request: Request) -> int | None:
    if not request.number:
        return request.due - 14 * DAY
    if "due" not in request.told:
        return request.due - 3 * DAY
    if "overdue" not in request.told:
        return request.due
    threatened = any(plan.name == request.plan and _may_be_suspended(account, plan) for plan in account.plans)
    return request.due + request.grace if threatened or request.plan in account.offers else None


def _may_be_suspended(account: Account, plan: Plan) -> bool:
    """Say whether a plan runs, and has had what the plan was worth whose place it takes at a cycle's end."""
    if plan.follows and plan.follows["how"] == "cycle_end":
        before = [old for old in account.plans if old.successor == plan.name]
        if any(old.status in {"active", "paused", "suspended"} for old in before):
            return False
    return plan.status in {"active", "paused"}


def on_due(account: Account, what: Any, now: int) -> list[Expected]:
    """Do what time does to an offer or a request."""
    if isinstance(what, Offer):
        return [lapse(account, what, "confirmation" if what.status == "awaiting_confirmation" else "payment")]
    return _request_on_due(account, what, now)


def reminded(end: int | None, now: int) -> set[int]:
    """Give the reminders whose time is over."""
    return {days for days in REMINDERS if end is not None and end - days * DAY <= now}


def used(plan: Plan) -> list[Expected]:
    """Tell each share of the amount, then of each quota, that is used; once."""
    out = []
    for percent in PERCENTS:
        if percent not in plan.told and plan.spent >= plan.amount * percent / 100:
            plan.told.add(percent)
            out.append(event("amount_used", plan=plan.name, reason=str(percent), amount=plan.spent))
    for index, (quota, amount) in enumerate(plan.quotas):
        for percent in PERCENTS:
            if (index, percent) not in plan.quota_told and plan.quota_spent[index] >= amount * percent / 100:
                plan.quota_told.add((index, percent))
                facts = quota["service"], tuple(sorted(quota.get("dimensions", {}).items()))
                spent = plan.quota_spent[index]
                out.append(event("quota_used", plan=plan.name, reason=str(percent), amount=spent, facts=facts))
    return out


def text_of(at: int) -> str:
    """Write an instant."""
    return f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{at % 1000:03}Z"


# --- payment ----------------------------------------------------------------------------------


def grace(terms: dict[str, Any]) -> int:
    """Give how long an overdue payment is waited for, ms."""
    return int(terms.get("overdue_grace_days", 7)) * DAY


def first_part(terms: dict[str, Any], unit: Fraction) -> Fraction:
    """Give what is paid before the plan starts."""
    price = Fraction(terms["price"])
    if terms["terms"] == "upfront":
        return price
    if terms.get("first") is not None:
        return Fraction(terms["first"])
    return half_up(price * terms["first_percent"] / 100, unit)


def unit(account: Account) -> Fraction:
    """Give the smallest amount of a document."""
    return Fraction(1, 10 ** DIGITS[account.currency])


def ask(account: Account, request: Request, now: int) -> list[Expected]:
    """Ask for money now, rounded to the digits of documents."""
    request.amount = half_up(request.exact, unit(account))
    if not request.amount:
        return []
    account.requests.append(request)
    return [number(account, request, now)]


def number(account: Account, request: Request, now: int) -> Expected:
    """Give a request its number, and ask."""
    account.made += 1
    request.number = account.made
    if request.due - 3 * DAY <= now:
        request.told.add("due")
    return told("payment_requested", request)


def told(kind: str, request: Request) -> Expected:
    """Expect an event about a request."""
    rounding = request.amount - request.exact
    facts = request.number, request.amount, rounding, request.paid, request.due
    left = request.amount - request.paid
    return event(kind, plan=request.plan, reason=request.reason, amount=left, facts=facts)


def _request_on_due(account: Account, request: Request, now: int) -> list[Expected]:
    if not request.number:
        return [number(account, request, now)]
    for notice in ("due", "overdue"):
        if notice not in request.told:
            request.told.add(notice)
            return [told(f"payment_{notice}", request)]
    if request.plan in account.offers:
        return [lapse(account, account.offers[request.plan], "payment")]
    plan = next(plan for plan in account.plans if plan.name == request.plan)
    if plan.status == "paused":
        end_pause(account, plan, now)
    plan.status = "suspended"
    plan.gaps.append(Gap(now, None, pause=False))
    return [event("plan_suspended", plan=plan.name, reason="payment")]


def drop(account: Account, name: str) -> Fraction:
    """Forget an offer and what was asked for it; give what was paid."""
    paid = sum((one.paid for one in account.requests if one.plan == name), Fraction(0))
    account.requests = [one for one in account.requests if one.plan != name]
    del account.offers[name]
    account.ended.add(name)
    return paid


def lapse(account: Account, offer: Offer, reason: str) -> Expected:
    """End an offer that was not confirmed or paid in time."""
    name = offer.command["plan"]
    return event("plan_lapsed", plan=name, reason=reason, amount=drop(account, name))


def resume(account: Account, plan: Plan, at: int, reason: str) -> Expected:
    """Go on with a paused or suspended plan."""
    if plan.gaps[-1].pause:
        end_pause(account, plan, at)
    else:
        plan.gaps[-1].end = at
    plan.status = "active"
    return event("plan_resumed", plan=plan.name, reason=reason, facts=(plan.start, plan.end))


def end_pause(account: Account, plan: Plan, at: int) -> None:
    """End a pause; what it did not use of its time is given back."""
    gap = plan.gaps[-1]
    unused = (gap.end or at) - at
    gap.end = at
    shift(account, plan, -unused, at)


def shift(account: Account, plan: Plan, by: int, now: int) -> None:
    """Move a plan's end and its next statement."""
    if plan.end is not None:
        plan.end += by
    if plan.stated_to > now:
        plan.stated_to = boundary_after(plan, now, account.zone)
