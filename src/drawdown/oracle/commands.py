"""Commands of a plan's life as the oracle sees them: offers, payments, pauses, cancellations."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from drawdown.oracle import life, renewing, turns
from drawdown.oracle.reading import DAY, instant
from drawdown.oracle.rules import covers
from drawdown.oracle.state import NEVER, Account, Expected, Gap, Offer, Plan, Request, event

OFFERS_MAX, PAUSES_MAX, PAUSE_MAX = 16, 3, 30 * DAY
PLANS_MAX, CLOSED_KEPT_MAX, PAST_MAX = 64, 16, 2_000
REQUESTS_MAX, GAPS_MAX, REFERENCES_MAX, NAME_MAX = 500, 64, 2_000, 128
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
    if name == "renew_plan":
        plan = turns.named(account, message["plan"])
        renewal = message.get("renewal") or (renewing.next_name(plan) if plan else "")
        out = renewing.renew(account, plan, renewal, now) if plan else "unknown_plan"
        return [event("command_refused", plan=message["plan"], code=out)] if isinstance(out, str) else out
    if name == "set_renewal":
        return [_set_renewal(account, message)]
    return [_pause_or_resume(account, message, now)]


def _set_renewal(account: Account, message: dict[str, Any]) -> Expected:
    plan, automatic = turns.named(account, message["plan"]), message["renewal"] == "automatic"
    code = None
    if plan is None or plan.status == "expired":
        code = "unknown_plan"
    elif not plan.message or (automatic and renewing.own_terms_code(plan)):
        code = "bad_terms"
    if code:
        return event("command_refused", plan=message["plan"], code=code)
    plan.automatic = automatic
    return event("renewal_set", plan=plan.name, reason="automatic" if automatic else "by request")


def _draft(account: Account, books: Books, message: dict[str, Any], now: int) -> Expected:
    name, offer = message["plan"], account.offers.get(message["plan"])
    code = None
    if name in account.ended or any(plan.name == name for plan in account.plans):
        code = "plan_exists"
    elif offer and offer.status == "awaiting_payment":
        code = "wrong_status"
    elif message["revision"] != (offer.command["revision"] + 1 if offer else 1):
        code = "stale_revision"
    code = code or terms_code(account, books, message)
    if code is None and offer is None and len(account.offers) >= OFFERS_MAX:
        code = "too_many_plans"
    if code is None and past(account) + len(account.offers) > PAST_MAX:
        code = "too_many_plans"
    code = code or _payment_code(account, message, now) or turns.follow_code(account, message, now)
    if code:
        return event("command_refused", plan=name, code=code)
    follows = {"plan": message.get("renews") or message.get("replaces"), "how": message.get("when") or "now"}
    if message.get("renews"):
        follows["how"] = "renewal"
    if offer is None:
        offer = account.offers[name] = Offer(message, books[message["book"], message["book_version"]])
    else:
        offer.book = books[message["book"], message["book_version"]]
        offer.command, offer.status, offer.until = message, "draft", None
    offer.follows = follows if follows["plan"] else None
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
    if message.get("renewal") == "automatic" and (
        message.get("end") or (terms.get("instalments") and not turns.length(message))
    ):
        return _payment_code(account, {**message, "renewal": None}, now) or "bad_terms"
    if message.get("end") and instant(message["end"]) <= now:
        return "bad_interval"
    if terms["terms"] == "postpaid":
        return None
    price = Fraction(terms["price"])
    parts = [life.first_part(terms, unit), *(Fraction(one["amount"]) for one in terms.get("instalments", []))]
    uneven = any((amount / unit).denominator != 1 for amount in (price, *parts))
    return "bad_terms" if uneven or sum(parts) != price or not all(parts) else None


def _step(account: Account, message: dict[str, Any], now: int) -> list[Expected]:
    name, offer = message["plan"], account.offers.get(message["plan"])
    offering = message["command"] == "offer_plan"
    until = instant(message["until"]) if message.get("until") else now + 30 * DAY
    code = "unknown_plan"
    if offer is not None:
        due = "draft" if offering else "awaiting_confirmation"
        code = "wrong_status" if offer.status != due else ""
        code = "stale_revision" if message["revision"] != offer.command["revision"] else code
        late = until <= now if offering else offer.command.get("end") and instant(offer.command["end"]) <= now
        code = code or ("bad_interval" if late else "" if offering else _confirm_code(account, offer, now))
    if code or offer is None:
        return [event("command_refused", plan=name, code=code)]
    amount = Fraction(offer.command["amount"])
    if offering:
        offer.status, offer.until = "awaiting_confirmation", until
        facts = message["revision"], offer.status
        out = [event("plan_offered", plan=name, amount=amount, facts=facts)]
        if offer.follows and offer.follows["how"] == "renewal":
            out.append(event("renewal_open", plan=offer.follows["plan"], amount=amount, facts=facts))
        return out
    offer.status, offer.until = "awaiting_payment", None
    return [event("plan_confirmed", plan=name, amount=amount), *ask_first(account, offer, now)]


def _confirm_code(account: Account, offer: Offer, now: int) -> str:
    if requests_full(account, offer.command):
        return "too_many_requests"
    return "too_many_plans" if too_many(account) else turns.follow_code(account, offer.command, now) or ""


def ask_first(account: Account, offer: Offer, now: int) -> list[Expected]:
    """Ask for what is to be paid before a plan starts, or start it if that is nothing."""
    terms = offer.command["payment"]
    first = turns.first_due(account, offer, now)
    if offer.follows:
        offer.follows["asked"] = Fraction(0)
    reason = "first_part" if terms["terms"] == "partial" else "plan"
    due = now + terms.get("pay_within_days", 14) * DAY
    out = life.ask(account, Request(offer.command["plan"], reason, first, first, due, life.grace(terms)), now)
    if out and offer.follows:
        offer.follows["asked"] = first
    return out or _start(account, offer, now)


def requests_full(account: Account, message: dict[str, Any]) -> bool:
    """Say whether there is no room for what a plan will ask for: first part, what lacks of it, instalments."""
    return len(account.requests) + 2 + len(message["payment"].get("instalments", [])) > REQUESTS_MAX


def _start(account: Account, offer: Offer, now: int) -> list[Expected]:
    message, follows = offer.command, offer.follows
    del account.offers[message["plan"]]
    plan = new_plan(account, offer.book, message, 0, instant(message["end"]) if message.get("end") else None)
    terms, unit = message["payment"], life.unit(account)
    postpaid = terms["terms"] == "postpaid"
    plan.message, plan.follows, plan.renewals = message, follows, offer.renewals
    plan.automatic = message.get("renewal") == "automatic"
    plan.price = Fraction(0) if postpaid else Fraction(terms["price"])
    plan.received = Fraction(0) if postpaid else life.first_part(terms, unit)
    start = max(instant(message["start"]), now) if message.get("start") else now
    old = turns.named(account, follows["plan"]) if follows else None
    if old is not None and follows is not None and not turns.over(old, now) and follows["how"] != "now":
        start = NEVER if old.end is None else old.end
        if follows["how"] == "cycle_end":
            start = min(start, life.boundary_after(old, now, account.zone))
    turns.schedule(account, plan, start, now)
    account.plans.append(plan)
    out = [turns.told_start(plan, "plan_scheduled" if plan.status == "scheduled" else "plan_activated")]
    planned = []
    for one in terms.get("instalments", []):
        amount, due = Fraction(one["amount"]), instant(one["due"])
        planned.append(Request(plan.name, "instalment", amount, amount, due, life.grace(terms)))
    account.requests += planned
    out += turns.take_over(account, plan, now)
    ours = [one for one in planned if one.due - 14 * DAY <= now and any(one is kept for kept in account.requests)]
    return out + [life.number(account, request, now) for request in ours]


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
    waits = turns.named(account, name)
    if waits is not None and waits.status == "scheduled":
        old = turns.named(account, waits.follows["plan"])
        old.successor = ""
        money = turns.paid(account, waits)
        if waits.follows["how"] != "renewal":
            money += waits.follows["asked"] - _first_part(account, waits)
        account.requests = [one for one in account.requests if one.plan != name]
        account.plans.remove(waits)
        account.ended.add(name)
        return [event("plan_cancelled", plan=name, amount=money), *turns.goes_on(old, waits, now)]
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
    return out + turns.expire(account, plan, now) if plan.end <= now else out


def _first_part(account: Account, plan: Plan) -> Fraction:
    terms = plan.message["payment"]
    return Fraction(0) if terms["terms"] == "postpaid" else life.first_part(terms, life.unit(account))


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
    return out + (_start(account, offer, now) if offer is not None else _settled(account, request, now))


def _settled(account: Account, request: Request, now: int) -> list[Expected]:
    """Count a whole payment for its plan, which goes on if it was suspended for want of it."""
    plan = turns.named(account, request.plan)
    if plan is None:
        return []
    plan.received += request.exact if request.reason != "statement" else 0
    late = any(one.plan == plan.name and one.number and one.due + one.grace <= now for one in account.requests)
    return [life.resume(account, plan, now, "payment")] if plan.status == "suspended" and not late else []
