"""Activation, statements, expiry and settlement of plans. Design sections 5 and 6."""

from typing import Final

from msgspec.structs import replace

from drawdown.domain import notices, pauses, requests, successions
from drawdown.domain.commands import ActivatePlan, CancelPlan
from drawdown.domain.coverage import in_scope
from drawdown.domain.cycles import cycle_starts, next_cycle_start
from drawdown.domain.events import Draft, beyond_kept, digest_of
from drawdown.domain.limits import PLANS_MAX, PLANS_PAST_MAX
from drawdown.domain.model import NEVER, Offer, Plan, Quota
from drawdown.domain.outputs import Period
from drawdown.domain.prices import Prices
from drawdown.domain.terms import Terms

_OPEN: Final = ("active", "suspended")


def activate(draft: Draft, command: ActivatePlan, prices: Prices, appended: int) -> None:
    """Activate a plan from now on, or refuse the command and change nothing."""
    refusal = refusal_of(draft, command, prices)
    if refusal is not None:
        draft.refuse(command.plan, refusal)
        return
    plan = Plan(
        id=command.plan,
        book=command.book,
        book_version=command.book_version,
        amount=command.amount,
        start=command.start,
        end=command.end,
        grace_ms=command.grace_ms,
        priority=command.priority,
        scope=command.scope,
        quotas=tuple(Quota(quota.item, quota.amount) for quota in command.quotas),
        activated=draft.applied,
        reminded=notices.reminders_past(command.end, appended),
    )
    draft.forget_closed_plans()
    draft.place_plan(plan)
    about = Period(plan.start, plan.end)
    draft.event("plan_activated", f"plan {plan.id} is active", plan=plan.id, amount=plan.amount, about=about)


def refusal_of(draft: Draft, command: ActivatePlan, prices: Prices) -> tuple[str, str] | None:
    """Give code and detail of why an activation is refused, or None."""
    known = draft.plan(command.plan) is not None or draft.offer(command.plan) is not None
    if known or digest_of(command.plan) in draft.past_plans:
        return "plan_exists", f"the account has, or had, a plan {command.plan} already"
    refusal = terms_refusal(draft, prices, command.currency, command)
    if refusal is not None:
        return refusal
    if len(draft.past_plans) + len(beyond_kept(draft.plans)) > PLANS_PAST_MAX:
        return "too_many_plans", f"an account has at most {PLANS_PAST_MAX} past plans"
    return full(draft)


def full(draft: Draft) -> tuple[str, str] | None:
    """Refuse a plan more where there is no room; those that start once they are paid have theirs already."""
    waiting = sum(offer.status == "awaiting_payment" for offer in draft.offers)
    if len(draft.plans) - len(beyond_kept(draft.plans)) + waiting >= PLANS_MAX:
        return "too_many_plans", f"an account has at most {PLANS_MAX} plans at a time"
    return None


def terms_refusal(draft: Draft, prices: Prices, currency: str, terms: ActivatePlan | Offer) -> tuple[str, str] | None:
    """Say what is wrong with a plan's currency, book, dates or quotas, or None."""
    account = draft.account
    if currency != account.currency:
        return "wrong_currency", f"the plan is in {currency}, the account in {account.currency}"
    book = prices.book(terms.book, terms.book_version)
    if book is None:
        return "unknown_book", f"price book {terms.book}:{terms.book_version} is not published"
    if book.currency != account.currency:
        return "wrong_currency", f"price book {terms.book} is in {book.currency}, the account in {account.currency}"
    if terms.end is not None and terms.start is not None and terms.end <= terms.start:
        return "bad_interval", "the plan ends before or when it starts"
    for quota in terms.quotas:
        if not in_scope(terms.scope, quota.item.service, quota.item.dimensions):
            return "bad_quota", f"the quota for {quota.item.service} is outside the plan's scope"
    return None


def note_used_up(draft: Draft, plan: Plan, instant: int, appended: int) -> None:
    """Let a plan expire by itself, now that its amount is used up by usage of an instant; what follows it begins."""
    if not plan.expired_by:
        draft.put_plan(replace(plan, expired_by="amount", status="settling"))
        draft.event("plan_expired", f"the amount of plan {plan.id} is used up", plan=plan.id, reason="amount")
        successions.ran_out(draft, plan, instant, appended)
        successions.give_way(draft, plan, appended)
    _settle_used_up(draft, plan.id, appended)


def _settle_used_up(draft: Draft, ident: str, appended: int) -> None:
    """Close an open-ended plan that is used up, and to which nothing more can come."""
    plan = draft.plan(ident)
    if plan is not None and plan.end is None and plan.status == "settling" and not successions.awaits(draft, plan):
        settle(draft, plan, appended)


def due_of(plan: Plan) -> int | None:
    """Give the next instant at which time does something to the plan, ms; None if it never does."""
    if plan.status == "expired":
        return None
    if plan.status == "paused":
        return plan.resume_at
    if plan.status == "scheduled":
        return None if plan.start == NEVER else plan.start
    if plan.status == "settling":
        return None if plan.end is None else plan.end + plan.grace_ms
    times = (plan.statement_at, notices.reminder_at(plan), plan.end)
    return min((at for at in times if at is not None), default=None)


def on_due(draft: Draft, plan: Plan, appended: int) -> None:
    """Do what is due first: resume, a statement, a reminder, expiry at the end, settlement at end + grace."""
    due = due_of(plan)
    if plan.status == "paused":
        pauses.resume(draft, plan, due or appended, "time")
    elif plan.status == "scheduled":
        successions.begin(draft, plan)
    elif plan.status not in _OPEN:
        settle(draft, plan, appended)
    elif due == plan.statement_at and plan.terms is not None:
        _state_cycle(draft, plan, plan.terms, due or appended, appended)
    elif due == notices.reminder_at(plan):
        notices.remind(draft, plan)
    else:
        expire(draft, plan, appended)


def cancel(draft: Draft, command: CancelPlan, appended: int) -> None:
    """End a plan now or at its cycle's end. What is due stays due."""
    plan = draft.plan(command.plan)
    refusal = pauses.status_refusal(plan, command.plan, ("active", "paused", "suspended"), appended)
    if refusal is None and plan is not None and plan.cancelled:
        refusal = "wrong_status", f"plan {plan.id} is cancelled already"
    if refusal is not None or plan is None:
        draft.refuse(command.plan, refusal or ("unknown_plan", ""))
        return
    if plan.status == "paused":
        plan = replace(pauses.gap_ended(draft, plan, appended), status="active")
    at = (
        next_cycle_start(plan, appended, draft.account.time_zone) if command.at_cycle_end else max(appended, plan.start)
    )
    end = at if plan.end is None else min(at, plan.end)
    reminded = max(plan.reminded, notices.reminders_past(end, appended))
    changed = replace(plan, end=end, cancelled=True, reminded=reminded)
    draft.place_plan(changed)
    about = Period(plan.start, end)
    draft.event("plan_cancelled", f"plan {plan.id} is cancelled", plan=plan.id, about=about)
    if end <= appended:
        expire(draft, changed, appended)


def expire(draft: Draft, plan: Plan, appended: int) -> None:
    """End a plan whose time is over; late usage may still draw until it is settled, or from what takes its place."""
    if successions.give_way(draft, plan, appended):
        _settle_used_up(draft, plan.successor, appended)
        return
    reason = "cancelled" if plan.cancelled else "time"
    draft.put_plan(replace(plan, status="settling", expired_by=reason))
    draft.event("plan_expired", f"the time of plan {plan.id} is over", plan=plan.id, reason=reason)


def _state_cycle(draft: Draft, plan: Plan, terms: Terms, at: int, appended: int) -> None:
    """State what a cycle of a postpaid plan came to, late usage from before included."""
    zone = draft.account.time_zone
    begins = [plan.start, *cycle_starts(plan, plan.start, at, zone)][-1]
    _state(draft, plan, terms, Period(begins, at), "cycle", appended)
    stated = replace(plan, billed=max(plan.billed, plan.spent), statement_at=next_cycle_start(plan, at, zone))
    draft.put_plan(stated)


def _state(draft: Draft, plan: Plan, terms: Terms, period: Period, reason: str, appended: int) -> None:
    """Tell the actual usage that was not billed yet, and ask for it in the digits of the currency's documents."""
    exact = max(plan.spent - plan.billed, 0)
    detail = f"plan {plan.id} used so much that was not stated before"
    draft.event("statement", detail, plan=plan.id, reason=reason, amount=exact, about=period)
    due = appended + terms.pay_within_ms
    requests.ask(draft, plan.id, terms, "statement", exact, due, appended)


def settle(draft: Draft, plan: Plan, appended: int) -> None:
    """Close a plan for good: what is left rolls over or is forfeited; a postpaid one gets its last statement."""
    rest = plan.amount - plan.spent - plan.credited
    rolled_over = successions.roll_over(draft, plan, rest)
    forfeited = rest - rolled_over
    if plan.statement_at is not None and plan.terms is not None:
        _state(draft, plan, plan.terms, Period(plan.start, plan.end), "final", appended)
    billed = max(plan.billed, plan.spent)
    closed = replace(
        plan,
        status="expired",
        forfeited=forfeited,
        rolled_over=rolled_over,
        billed=billed,
        statement_at=None,
        counters=(),
    )
    draft.put_plan(closed)
    draft.event("plan_settled", f"plan {plan.id} is settled and closed", plan=plan.id, amount=forfeited)
    heir = successions.last_heir(draft, plan)
    if heir is not None:
        _settle_used_up(draft, heir.id, appended)
