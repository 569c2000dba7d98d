"""Plans' beginnings and ends as the oracle sees them: expiry, settlement, and plans that follow plans."""

import math
from fractions import Fraction
from itertools import takewhile
from typing import Any

from drawdown.oracle import life, renewing
from drawdown.oracle.reading import DAY
from drawdown.oracle.rules import half_up, month_later, quantum
from drawdown.oracle.state import NEVER, Account, Expected, Offer, Plan, Request, event

RENEWS_AHEAD = 14 * DAY


def waiting(account: Account) -> list[tuple[int, str, Any]]:
    """List what waits for something: when, name, what; a plan's name alone is a plan that renews itself."""
    found: list[tuple[int, str, Any]] = []
    for plan in account.plans:
        due = life.plan_due(plan)
        if due is not None:
            found.append((due[0], plan.name, plan))
    ending = ((plan.end, plan) for plan in account.plans if plan.status == "active" and plan.end is not None)
    found += [(end - RENEWS_AHEAD, plan.name, plan.name) for end, plan in ending if renewing.renews_itself(plan)]
    return found + life.waiting(account)


def on_due(account: Account, what: Any, now: int) -> list[Expected]:
    """Do what time does to a plan, an offer or a request."""
    if isinstance(what, str):
        return renewing.by_itself(account, named(account, what), now)
    if not isinstance(what, Plan):
        return life.on_due(account, what, now)
    at, kind = life.plan_due(what) or (now, 2)
    if what.status == "paused":
        return [life.resume(account, what, at, "time")]
    if what.status == "scheduled":
        return [begin(what)]
    if what.status == "settling":
        return settle(account, what, now)
    if kind == 0:
        begins = [what.start, *takewhile(lambda found: found < at, life.boundaries(what, account.zone))][-1]
        out = _statement(account, what, "cycle", (begins, at), now)
        what.stated_to = life.boundary_after(what, at, account.zone)
        return out
    if kind == 1:
        days = next(days for days in life.REMINDERS if days not in what.reminded)
        what.reminded.add(days)
        left = what.amount - what.spent
        return [event("plan_ending", plan=what.name, reason=str(days), amount=left, facts=(what.start, what.end))]
    return expire(account, what, now)


def named(account: Account, name: str) -> Any:
    """Find a plan that has started, or waits for the one before it; None without one."""
    return next((plan for plan in account.plans if plan.name == name), None)


# --- ends -------------------------------------------------------------------------------------


def expire(account: Account, plan: Plan, now: int) -> list[Expected]:
    """End a plan whose time is over."""
    if _gives_way(account, plan):
        moved = align(account, now)
        return moved + _give_way(account, plan, worth(account, plan), now) + _settle_open(account, plan.successor, now)
    plan.status, plan.expired_by = "settling", "cancelled" if plan.cancelled else "time"
    return [event("plan_expired", plan=plan.name, reason=plan.expired_by)]


def used_up(account: Account, plan: Plan, at: int, now: int) -> list[Expected]:
    """End a plan whose amount was used up by usage of an instant."""
    if plan.spent < plan.amount:
        return []
    out = []
    if not plan.expired_by:
        plan.status, plan.expired_by = "settling", "amount"
        out.append(event("plan_expired", plan=plan.name, reason="amount"))
        heir = named(account, plan.successor)
        if heir is not None and heir.status == "scheduled":
            schedule(account, heir, min(max(at, plan.start), heir.start), now)
            out.append(begin(heir))
        if _gives_way(account, plan):
            out += _give_way(account, plan, worth(account, plan), now)
    return out + _settle_open(account, plan.name, now)


def _settle_open(account: Account, name: str, now: int) -> list[Expected]:
    """Close a plan without an end that is used up, unless something may still come from the one before it."""
    plan = named(account, name)
    if plan is None or plan.end is not None or plan.status != "settling":
        return []
    return [] if _may_have_more(account, plan) else settle(account, plan, now)


def _may_have_more(account: Account, plan: Plan) -> bool:
    """Say whether worth or what is left of an earlier plan, however many were replaced between, may still come."""
    while plan.follows is not None:
        old = named(account, plan.follows["plan"])
        if old is None or old.status == "expired" or old.successor != plan.name:
            return False
        if plan.follows["how"] == "renewal":
            return bool(old.message.get("rollover"))
        if old.expired_by != "replaced":
            return True
        plan = old
    return False


def _in_its_place(account: Account, name: str) -> Plan | None:
    """Find a plan by its name, or the plan that came in its place."""
    plan: Plan | None = named(account, name)
    return _in_its_place(account, plan.successor) if plan is not None and plan.expired_by == "replaced" else plan


def settle(account: Account, plan: Plan, now: int) -> list[Expected]:
    """Close a plan; what is left goes to its renewal or is forfeited; a postpaid one gets its last statement."""
    rest, heir, out = plan.amount - plan.spent - plan.credited, _in_its_place(account, plan.successor), []
    if rest and plan.message.get("rollover") and heir is not None and heir.status != "expired":
        out, plan.rolled_over = _add(heir, rest, "rollover"), rest
    if plan.stated_to:
        out += _statement(account, plan, "final", (plan.start, plan.end), now)
    plan.status, plan.forfeited, plan.stated_to = "expired", rest - plan.rolled_over, 0
    plan.counters = {}
    out.append(event("plan_settled", plan=plan.name, amount=plan.forfeited))
    return out + (_settle_open(account, heir.name, now) if heir is not None else [])


def _statement(account: Account, plan: Plan, reason: str, period: tuple[int, int | None], now: int) -> list[Expected]:
    terms = plan.message.get("payment", {})
    exact = max(plan.spent - plan.billed, Fraction(0))
    plan.billed += exact
    out = [event("statement", plan=plan.name, reason=reason, amount=exact, facts=period)]
    due = now + terms.get("pay_within_days", 14) * DAY
    return out + life.ask(account, Request(plan.name, "statement", exact, exact, due, life.grace(terms)), now)


def _add(plan: Plan, amount: Fraction, reason: str) -> list[Expected]:
    plan.amount += amount
    out = [event("amount_added", plan=plan.name, reason=reason, amount=amount)]
    if (plan.status, plan.expired_by) == ("settling", "amount"):
        plan.status, plan.expired_by = "active", ""
        out.append(event("plan_resumed", plan=plan.name, reason="amount", facts=(plan.start, plan.end)))
    return out


# --- beginnings -------------------------------------------------------------------------------


def schedule(account: Account, plan: Plan, start: int, now: int) -> None:
    """Let a plan start at an instant; NEVER: when the plan before it runs out."""
    months = length(plan.message)
    plan.start = start
    if months:
        plan.end = None if start == NEVER else month_later(start, months, account.zone)
    plan.reminded = life.reminded(plan.end, max(start, now) if plan.follows else now)
    plan.status = "scheduled" if plan.follows and start > now else "active"
    postpaid = plan.message["payment"]["terms"] == "postpaid" and start != NEVER
    plan.stated_to = month_later(start, 1, account.zone) if postpaid else 0


def length(message: dict[str, Any]) -> int:
    """Give for how many months a plan is drafted; 0 for one with an end of its own or none."""
    return int(message.get("months") or (message.get("years") or 0) * 12)


def told_start(plan: Plan, kind: str) -> Expected:
    """Expect what tells a plan's start."""
    facts = () if plan.start == NEVER else (plan.start, plan.end)
    amount = Fraction(0) if kind == "plan_moved" else plan.amount
    return event(kind, plan=plan.name, amount=amount, facts=facts)


def begin(plan: Plan) -> Expected:
    """Let a plan begin that has followed another."""
    plan.status = "active"
    return told_start(plan, "plan_activated")


def align(account: Account, now: int) -> list[Expected]:
    """Move the plans that have not begun to the end of those before them."""
    out = []
    for heir in sorted(account.plans, key=order):
        old = named(account, heir.follows["plan"]) if heir.status == "scheduled" and heir.follows else None
        end = NEVER if old is None or old.end is None else old.end
        if old is not None and end != heir.start:
            schedule(account, heir, end, now)
            out.append(told_start(heir, "plan_moved"))
            out += [told_start(heir, "plan_activated")] if heir.status == "active" else []
    return out


def order(plan: Plan) -> tuple[int, int, float, int, str]:
    """Sort plans as they are drawn."""
    if plan.scope is None:
        narrow = 3
    elif all(item.get("dimensions") for item in plan.scope):
        narrow = 0
    else:
        narrow = 1 if len({item["service"] for item in plan.scope}) == 1 else 2
    return plan.priority, narrow, math.inf if plan.end is None else plan.end, plan.order, plan.name


# --- plans that follow plans ------------------------------------------------------------------


def over(plan: Plan, now: int) -> bool:
    """Say whether a plan covers nothing more."""
    return plan.status in {"settling", "expired"} or (plan.end is not None and plan.end <= now)


def follow_code(account: Account, message: dict[str, Any], now: int) -> str | None:
    """Say why a plan cannot follow the one that its draft names."""
    name = message.get("renews") or message.get("replaces")
    if name is None:
        return None
    if message.get("start") or message.get("end"):
        return "bad_terms"
    old = named(account, name)
    if old is None:
        return "unknown_plan"
    others = (other for other in account.offers.values() if other.status == "awaiting_payment")
    if (
        old.status == "scheduled"
        or (now < old.start and not old.spent)
        or (message.get("replaces") and over(old, now))
        or old.successor
        or any((other.follows or {}).get("plan") == name and other.command is not message for other in others)
    ):
        return "wrong_status"
    return None


def first_due(account: Account, offer: Offer, now: int) -> Fraction:
    """Give what is asked for before a plan starts."""
    terms, follows = offer.command["payment"], offer.follows
    first = life.first_part(terms, life.unit(account)) if terms["terms"] != "postpaid" else Fraction(0)
    old = named(account, follows["plan"]) if follows and follows["how"] != "renewal" else None
    if old is None or terms["terms"] == "postpaid" or over(old, now):
        return first
    return max(first - worth(account, old), Fraction(0))


def paid(account: Account, plan: Plan) -> Fraction:
    """Give what was paid for a plan."""
    asked = (one for one in account.requests if one.plan == plan.name and one.reason != "statement")
    return plan.received + sum((min(one.paid, one.exact) for one in asked), Fraction(0))


def worth(account: Account, plan: Plan) -> Fraction:
    """Give what was paid for the part of a plan that is not used, below 0 what is to be paid for the part that is."""
    if not plan.message:
        return Fraction(0)
    if plan.message["payment"]["terms"] == "postpaid":
        return max(plan.billed - plan.spent, Fraction(0))
    used = plan.spent * plan.price / plan.amount if plan.amount else Fraction(0)
    unit = quantum(account.currency)
    return math.floor((paid(account, plan) - used) / unit) * unit


def take_over(account: Account, plan: Plan, now: int) -> list[Expected]:
    """Let a plan follow the one before it, now that it is paid."""
    old = named(account, plan.follows["plan"]) if plan.follows else None
    if old is None or plan.follows is None:
        return []
    how = plan.follows["how"]
    if how == "renewal":
        old.successor = plan.name
        return []
    if over(old, now):
        return _fund(account, plan, plan.follows["asked"], now)
    old.successor = plan.name
    if how == "now" and old.status == "paused":
        life.end_pause(account, old, now)
        old.status = "active"
    value, whole = worth(account, old), old.end
    old.end = plan.start if old.end is None else min(plan.start, old.end)
    plan.follows["told"] = set(old.reminded)
    old.reminded |= life.reminded(old.end, now)
    if how == "now":
        return _give_way(account, old, value, now)
    plan.follows["rest"] = math.inf if whole is None else whole - old.end
    return []


def goes_on(old: Plan, waits: Plan, now: int) -> list[Expected]:
    """Give a plan the time back that a change at its cycle's end, taken back before it was made, would have taken."""
    rest = (waits.follows or {}).get("rest", 0)
    if not rest or old.cancelled:
        return []
    old.end = None if rest == math.inf or old.end is None else old.end + rest
    old.reminded = (waits.follows or {})["told"] | life.reminded(old.end, now)
    return [told_start(old, "plan_moved")]


def _gives_way(account: Account, plan: Plan) -> bool:
    heir = named(account, plan.successor)
    return heir is not None and heir.follows["how"] != "renewal"


def _give_way(account: Account, old: Plan, value: Fraction, now: int) -> list[Expected]:
    heir = named(account, old.successor)
    account.requests = [one for one in account.requests if one.plan != old.name or one.reason == "statement"]
    old.status, old.expired_by, old.end, old.credited = "settling", "replaced", heir.start, old.amount - old.spent
    told = event("plan_replaced", plan=old.name, reason=heir.follows["how"], amount=max(value, Fraction(0)))
    return [told, *_fund(account, heir, heir.follows["asked"] + value, now)]


def _fund(account: Account, plan: Plan, money: Fraction, now: int) -> list[Expected]:
    """Use the money for the first part, the instalments as they are due, and at last for more amount."""
    terms, out = plan.message["payment"], []
    postpaid = terms["terms"] == "postpaid"
    left = money - (Fraction(0) if postpaid else life.first_part(terms, life.unit(account)))
    plan.received += left  # the first part is counted since the plan was confirmed
    if left < 0:
        due = now + terms.get("pay_within_days", 14) * DAY
        out = life.ask(account, Request(plan.name, "shortfall", -left, -left, due, life.grace(terms)), now)
        plan.received -= Fraction(0) if out else left
        return out
    ours = [one for one in account.requests if one.plan == plan.name and one.reason == "instalment"]
    for one in sorted(ours, key=lambda one: one.due):
        part = min(left, one.exact - one.paid)
        if part <= 0:
            continue
        left -= part
        one.exact -= part
        one.amount = max(half_up(one.exact, life.unit(account)), one.paid)
        if one.number:
            out.append(life.told("payment_changed", one))
        if one.amount == one.paid:
            account.requests.remove(one)
            plan.received += max(one.exact, one.paid)
    if left:
        plan.billed += left if postpaid else 0
        plan.price += 0 if postpaid else left
        out += _add(plan, left, "credit")
    return out
