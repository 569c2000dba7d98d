"""A plan renewed on its own terms: because the customer asks for it, or by itself. Design section 6, "Renewal"."""

from typing import Final

from msgspec.structs import replace

from drawdown.domain import offers, successions
from drawdown.domain.calendar import add_months
from drawdown.domain.commands import RenewPlan, SetRenewal
from drawdown.domain.events import Draft, beyond_kept, digest_of
from drawdown.domain.limits import (
    NAME_LENGTH_MAX,
    OFFERS_MAX,
    PLANS_PAST_MAX,
    RENEWAL_LEAD_MS,
    RENEWAL_PERCENT,
    USED_PERCENTS,
)
from drawdown.domain.model import Offer, Plan, Quota
from drawdown.domain.terms import Follows, Terms

Refusal = tuple[str, str]
_NEARLY_USED: Final = USED_PERCENTS.index(RENEWAL_PERCENT) + 1


def renew(draft: Draft, command: RenewPlan, appended: int) -> None:
    """Open a renewal on the plan's own terms, or refuse it. The customer who asks for it has confirmed it."""
    plan = draft.plan(command.plan)
    if plan is None:
        draft.refuse(command.plan, ("unknown_plan", f"the account has no plan {command.plan} that has started"))
        return
    opened = _renewal_of(draft, plan, command.renewal or name_of(plan), appended)
    if isinstance(opened, Offer):
        _open(draft, opened, plan.id, appended)
    else:
        draft.refuse(command.plan, opened)


def set_automatic(draft: Draft, command: SetRenewal) -> None:
    """Let a plan renew itself, or no longer; a renewal that is open stays so."""
    plan = draft.plan(command.plan)
    refusal: Refusal | None = None
    if plan is None or plan.status == "expired":
        refusal = "unknown_plan", f"the account has no plan {command.plan} that has started and is not closed"
    elif command.automatic:
        refusal = _terms_refusal(plan)
    if refusal is not None or plan is None or plan.terms is None:
        draft.refuse(command.plan, refusal or ("bad_terms", f"plan {command.plan} has no payment terms"))
        return
    draft.put_plan(replace(plan, terms=replace(plan.terms, automatic=command.automatic)))
    words = "renews itself" if command.automatic else "does not renew itself"
    reason = "automatic" if command.automatic else "by request"
    draft.event("renewal_set", f"plan {plan.id} {words}", plan=plan.id, reason=reason)


def due_of(plan: Plan) -> int | None:
    """Give when a plan renews itself for its end is near, ms; None if it does not."""
    if plan.status != "active" or plan.end is None or not _wanted(plan):
        return None
    return plan.end - RENEWAL_LEAD_MS


def when_nearly_used(draft: Draft, plan: Plan, appended: int) -> None:
    """Let a plan renew itself when most of its amount is used."""
    if plan.noticed >= _NEARLY_USED and plan.status == "active" and _wanted(plan):
        by_itself(draft, plan, appended)


def by_itself(draft: Draft, plan: Plan, appended: int) -> None:
    """Open the renewal of a plan that renews itself; what hinders it is told, and it is not tried again."""
    draft.put_plan(replace(plan, renewal_opened=True))
    opened = _renewal_of(draft, plan, name_of(plan), appended)
    if isinstance(opened, Offer):
        _open(draft, opened, plan.id, appended)
        return
    code, detail = opened
    draft.event("renewal_not_opened", detail, plan=plan.id, code=code)


def name_of(plan: Plan) -> str:
    """Name the renewal of a plan: starter, starter-r1, starter-r2."""
    first = plan.id.removesuffix(f"-r{plan.renewals}") if plan.renewals else plan.id
    return f"{first}-r{plan.renewals + 1}"


def _wanted(plan: Plan) -> bool:
    automatic = plan.terms is not None and plan.terms.automatic
    return automatic and not (plan.renewal_opened or plan.cancelled or plan.successor)


def _open(draft: Draft, offer: Offer, plan: str, appended: int) -> None:
    draft.forget_closed_plans()
    draft.offers = (*draft.offers, offer)
    offers.tell_renewal(draft, offer, plan)
    offers.ask_first(draft, offer, appended)


def _renewal_of(draft: Draft, plan: Plan, name: str, appended: int) -> Offer | Refusal:
    """Give the offer that renews a plan on its own terms, or why there is none."""
    terms_refused = _terms_refusal(plan)
    if terms_refused is not None or plan.terms is None:
        return terms_refused or ("bad_terms", "")
    if draft.plan(name) or draft.offer(name) or digest_of(name) in draft.past_plans:
        return "plan_exists", f"the account has, or had, a plan {name} already; give the renewal another name"
    if len(name) > NAME_LENGTH_MAX:
        return "invalid_value", f"the name {name} has more than {NAME_LENGTH_MAX} characters; give one"
    offer = Offer(
        plan=name,
        revision=1,
        book=plan.book,
        book_version=plan.book_version,
        amount=plan.amount - plan.rolled_in - plan.credit_in,
        start=None,
        end=None,
        months=plan.months,
        grace_ms=plan.grace_ms,
        priority=plan.priority,
        scope=plan.scope,
        quotas=tuple(Quota(quota.item, quota.amount) for quota in plan.quotas),
        terms=_terms_again(plan, plan.terms, draft.account.time_zone),
        status="awaiting_payment",
        follows=Follows(plan.id, "renewal"),
        renewals=plan.renewals + 1,
    )
    if len(draft.past_plans) + len(beyond_kept(draft.plans)) + len(draft.offers) > PLANS_PAST_MAX:
        return "too_many_plans", f"an account has at most {PLANS_PAST_MAX} past plans"
    if len(draft.offers) >= OFFERS_MAX:
        return "too_many_plans", f"an account has at most {OFFERS_MAX} plans that have not started"
    return successions.refusal_of(draft, offer, appended) or offers.no_room(draft, offer, appended) or offer


def _terms_refusal(plan: Plan) -> Refusal | None:
    """Say why a plan cannot be renewed on its own terms, or None."""
    if plan.terms is None:
        return "bad_terms", f"plan {plan.id} was activated without payment terms; draft its renewal"
    if plan.months is None and plan.own_end:
        return "bad_terms", f"plan {plan.id} has an end of its own; draft its renewal"
    if plan.months is None and plan.terms.instalments:
        return "bad_terms", f"plan {plan.id} is open-ended with dated instalments; draft its renewal"
    return None


def _terms_again(plan: Plan, terms: Terms, time_zone: str) -> Terms:
    """Give a plan's terms for its next time: the first price, and instalments as much later as the plan is long."""
    price = terms.price if terms.kind == "postpaid" else terms.price - plan.credit_in
    if plan.months is None:
        return replace(terms, price=price)
    later = tuple(replace(one, due=add_months(one.due, plan.months, time_zone)) for one in terms.instalments)
    return replace(terms, price=price, instalments=later)
