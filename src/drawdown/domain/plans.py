"""Activation, expiry and settlement of plans. Design sections 5 and 6, as far as first light needs them."""

from msgspec.structs import replace

from drawdown.domain.coverage import draw_order, in_scope
from drawdown.domain.events import Draft, beyond_kept, digest_of
from drawdown.domain.limits import PLANS_MAX, PLANS_PAST_MAX
from drawdown.domain.model import ActivatePlan, Plan, Quota
from drawdown.domain.prices import Prices


def activate(draft: Draft, command: ActivatePlan, prices: Prices) -> None:
    """Activate a plan from now on, or refuse the command and change nothing."""
    refusal = refusal_of(draft, command, prices)
    if refusal is not None:
        code, detail = refusal
        draft.event("command_refused", detail, plan=command.plan, code=code)
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
    )
    draft.forget_closed_plans()
    draft.plans = tuple(sorted((*draft.plans, plan), key=draw_order))
    draft.event("plan_activated", f"plan {plan.id} is active", plan=plan.id, amount=plan.amount)


def refusal_of(draft: Draft, command: ActivatePlan, prices: Prices) -> tuple[str, str] | None:
    """Give code and detail of why an activation is refused, or None."""
    account = draft.account
    if any(plan.id == command.plan for plan in draft.plans) or digest_of(command.plan) in draft.past_plans:
        return "plan_exists", f"the account has, or had, a plan {command.plan} already"
    if command.currency != account.currency:
        return "wrong_currency", f"the plan is in {command.currency}, the account in {account.currency}"
    book = prices.book(command.book, command.book_version)
    if book is None:
        return "unknown_book", f"price book {command.book}:{command.book_version} is not published"
    if book.currency != account.currency:
        return "wrong_currency", f"price book {command.book} is in {book.currency}, the account in {account.currency}"
    if command.end is not None and command.end <= command.start:
        return "bad_interval", "the plan ends before or when it starts"
    dropped = len(beyond_kept(draft.plans))
    if len(draft.plans) - dropped >= PLANS_MAX:
        return "too_many_plans", f"an account has at most {PLANS_MAX} plans at a time"
    if len(draft.past_plans) + dropped > PLANS_PAST_MAX:
        return "too_many_plans", f"an account has at most {PLANS_PAST_MAX} past plans"
    for quota in command.quotas:
        if not in_scope(command.scope, quota.item.service, quota.item.dimensions):
            return "bad_quota", f"the quota for {quota.item.service} is outside the plan's scope"
    return None


def note_used_up(draft: Draft, plan: Plan) -> None:
    """Let a plan expire by itself, now that its amount is used up."""
    expired = replace(plan, expired_by=plan.expired_by or "amount", status="settling")
    draft.put_plan(expired)
    if not plan.expired_by:
        draft.event("plan_expired", f"the amount of plan {plan.id} is used up", plan=plan.id, reason="amount")
    if plan.end is None:
        settle(draft, expired)


def due_of(plan: Plan) -> int | None:
    """Give the next instant at which time does something to the plan, ms; None if it never does."""
    if plan.status == "expired" or plan.end is None:
        return None
    return plan.end if plan.status == "active" else plan.end + plan.grace_ms


def on_due(draft: Draft, plan: Plan) -> None:
    """Do what is due: at its end a plan expires; at end + grace it is settled and closed."""
    if plan.status == "active":
        draft.put_plan(replace(plan, status="settling", expired_by="time"))
        draft.event("plan_expired", f"the time of plan {plan.id} is used up", plan=plan.id, reason="time")
    else:
        settle(draft, plan)


def settle(draft: Draft, plan: Plan) -> None:
    """Close a plan for good: what is left is forfeited."""
    forfeited = plan.amount - plan.spent
    draft.put_plan(replace(plan, status="expired", forfeited=forfeited))
    draft.event("plan_settled", f"plan {plan.id} is settled and closed", plan=plan.id, amount=forfeited)
