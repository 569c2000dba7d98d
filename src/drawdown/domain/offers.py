"""Plans before they start: asked for, drafted, offered, confirmed, started or lapsed. Design section 6."""

from msgspec.structs import replace

from drawdown.domain import plans, requests, successions
from drawdown.domain.commands import CancelPlan, ConfirmPlan, DraftPlan, OfferPlan, RequestPlan
from drawdown.domain.events import Draft, beyond_kept, digest_of
from drawdown.domain.limits import (
    AMOUNT_MAX,
    OFFER_VALID_MS,
    OFFERS_MAX,
    PLANS_PAST_MAX,
    REQUESTS_MAX,
)
from drawdown.domain.model import Offer, Plan, Quota
from drawdown.domain.prices import Prices
from drawdown.domain.terms import RequestReason

Refusal = tuple[str, str]


def request(draft: Draft, command: RequestPlan) -> None:
    """Pass a customer's wish on to sales. Nothing of it is kept but the event."""
    detail = f"{command.contact} asks for a plan: {command.expected_usage}"
    draft.event("plan_requested", detail, amount=command.budget or 0, about=command)


def write(draft: Draft, command: DraftPlan, prices: Prices, appended: int) -> None:
    """Write the first revision of a plan, or the next one in its place."""
    offer = command.offer
    refusal = _draft_refusal(draft, command, prices) or _terms_refusal(draft, offer, appended)
    refusal = refusal or _renewal_refusal(offer) or successions.refusal_of(draft, offer, appended)
    if refusal is not None:
        draft.refuse(offer.plan, refusal)
        return
    draft.forget_closed_plans()
    if draft.offer(offer.plan) is None:
        draft.offers = (*draft.offers, offer)
    else:
        draft.put_offer(offer)
    detail = f"revision {offer.revision} of plan {offer.plan} is written"
    draft.event("plan_drafted", detail, plan=offer.plan, amount=offer.amount, about=offer)


def _draft_refusal(draft: Draft, command: DraftPlan, prices: Prices) -> Refusal | None:
    offer = command.offer
    written = draft.offer(offer.plan)
    if draft.plan(offer.plan) is not None or digest_of(offer.plan) in draft.past_plans:
        return "plan_exists", f"the account has, or had, a plan {offer.plan} already"
    if written is not None and written.status == "awaiting_payment":
        return "wrong_status", f"plan {offer.plan} is confirmed; cancel it, or write another"
    due = written.revision + 1 if written else 1
    if offer.revision != due:
        return "stale_revision", f"the next revision of plan {offer.plan} is {due}, not {offer.revision}"
    refusal = plans.terms_refusal(draft, prices, command.currency, offer)
    if refusal is not None:
        return refusal
    if written is None and len(draft.offers) >= OFFERS_MAX:
        return "too_many_plans", f"an account has at most {OFFERS_MAX} plans that have not started"
    if len(draft.past_plans) + len(beyond_kept(draft.plans)) + len(draft.offers) > PLANS_PAST_MAX:
        return "too_many_plans", f"an account has at most {PLANS_PAST_MAX} past plans"
    return None


def _terms_refusal(draft: Draft, offer: Offer, appended: int) -> Refusal | None:
    """Say what is wrong with the payment terms, or None."""
    terms, currency = offer.terms, draft.account.currency
    if offer.end is not None and offer.end <= appended:
        return "bad_interval", "the plan would end before it can start"
    parts = [terms.first, *(one.amount for one in terms.instalments)]
    if any(part % requests.document_unit(currency) for part in (terms.price, *parts)):
        return "bad_terms", f"price, first part and instalments are in the digits of documents in {currency}"
    if terms.kind == "postpaid":
        return None
    if sum(parts) != terms.price:
        return "bad_terms", "the first part and the instalments do not sum to the price"
    if any(not part for part in parts) or terms.price > AMOUNT_MAX:
        return "bad_terms", "the price and each part of it are above 0"
    if (terms.kind == "partial") != bool(terms.instalments):
        return "bad_terms", "partial terms have instalments, other terms none"
    return None


def _renewal_refusal(offer: Offer) -> Refusal | None:
    """Say why a plan cannot renew itself on these terms, or None."""
    terms = offer.terms
    if terms.automatic and offer.end is not None:
        return "bad_terms", "a plan with an end of its own cannot renew itself; give it months or years"
    if terms.automatic and offer.months is None and terms.instalments:
        return "bad_terms", "an open-ended plan with dated instalments cannot renew itself"
    return None


def make(draft: Draft, command: OfferPlan, appended: int) -> None:
    """Offer a draft's newest revision to the customer."""
    offer = draft.offer(command.plan)
    until = command.until or appended + OFFER_VALID_MS
    refusal = _step_refusal(offer, command.plan, command.revision, "draft")
    if refusal is None and until <= appended:
        refusal = "bad_interval", "the offer would lapse before it is made"
    if refusal is not None or offer is None:
        draft.refuse(command.plan, refusal or ("unknown_plan", ""))
        return
    offered = replace(offer, status="awaiting_confirmation", until=until)
    draft.put_offer(offered)
    detail = f"revision {offer.revision} of plan {offer.plan} is offered"
    draft.event("plan_offered", detail, plan=offer.plan, amount=offer.amount, about=offered)
    if offer.follows and offer.follows.how == "renewal":
        tell_renewal(draft, offered, offer.follows.plan)


def confirm(draft: Draft, command: ConfirmPlan, appended: int) -> None:
    """Take the customer's word for a revision: ask for the first payment, or start the plan if there is none."""
    offer = draft.offer(command.plan)
    refusal = _step_refusal(offer, command.plan, command.revision, "awaiting_confirmation")
    refusal = refusal or no_room(draft, offer, appended)
    if refusal is None and offer is not None:
        refusal = successions.refusal_of(draft, offer, appended)
    if refusal is not None or offer is None:
        draft.refuse(command.plan, refusal or ("unknown_plan", ""))
        return
    detail = f"revision {offer.revision} of plan {offer.plan} is confirmed"
    draft.event("plan_confirmed", detail, plan=offer.plan, amount=offer.amount)
    confirmed = replace(offer, status="awaiting_payment", until=None)
    draft.put_offer(confirmed)
    ask_first(draft, confirmed, appended)


def ask_first(draft: Draft, offer: Offer, appended: int) -> None:
    """Ask for what a confirmed plan costs before it starts, or start it if that is nothing."""
    terms = offer.terms
    exact = successions.first_due(draft, offer, appended)
    if not requests.in_own_digits(exact, draft.account.currency):
        start(draft, offer, appended)
        return
    if offer.follows is not None:
        draft.put_offer(replace(offer, follows=replace(offer.follows, asked=exact)))
    reason: RequestReason = "first_part" if terms.kind == "partial" else "plan"
    requests.ask(draft, offer.plan, terms, reason, exact, appended + terms.pay_within_ms, appended)


def tell_renewal(draft: Draft, offer: Offer, plan: str) -> None:
    """Tell that a renewal of a plan is open."""
    detail = f"plan {plan} may be renewed by plan {offer.plan}"
    draft.event("renewal_open", detail, plan=plan, amount=offer.amount, about=offer)


def _step_refusal(offer: Offer | None, plan: str, revision: int, status: str) -> Refusal | None:
    if offer is None:
        return "unknown_plan", f"no plan {plan} is in the making"
    if revision != offer.revision:
        return "stale_revision", f"plan {plan} is at revision {offer.revision}, not {revision}"
    if offer.status != status:
        return "wrong_status", f"plan {plan} is {offer.status.replace('_', ' ')}, not {status.replace('_', ' ')}"
    return None


def no_room(draft: Draft, offer: Offer | None, appended: int) -> Refusal | None:
    """Say why there is no room for what a plan brings with it, or that it would be over, or None."""
    if offer is not None and offer.end is not None and offer.end <= appended:
        return "bad_interval", f"plan {offer.plan} would be over before it starts"
    asked = 2 + len(offer.terms.instalments) if offer else 0  # the first part, what lacks of it later, instalments
    if len(draft.requests) + asked > REQUESTS_MAX:
        return "too_many_requests", f"an account has at most {REQUESTS_MAX} open payment requests"
    return plans.full(draft)


def start(draft: Draft, offer: Offer, appended: int) -> None:
    """Make a plan of an offer, from now on or from its start if that is later."""
    plan = Plan(
        id=offer.plan,
        book=offer.book,
        book_version=offer.book_version,
        amount=offer.amount,
        start=0,
        end=offer.end,
        grace_ms=offer.grace_ms,
        priority=offer.priority,
        scope=offer.scope,
        quotas=tuple(Quota(quota.item, quota.amount) for quota in offer.quotas),
        activated=draft.applied,
        terms=offer.terms,
        months=offer.months,
        own_end=offer.end is not None,
        renewals=offer.renewals,
        follows=offer.follows,
    )
    plan = successions.beginning(plan, successions.begins_at(draft, offer, appended), appended, draft.account.time_zone)
    draft.offers = tuple(other for other in draft.offers if other.plan != offer.plan)
    draft.forget_closed_plans()
    draft.place_plan(plan)
    successions.tell_start(draft, plan)
    requests.plan_instalments(draft, plan.id, offer.terms)
    successions.take_over(draft, plan, appended)
    requests.ask_soon(draft, plan.id, appended)


def due_of(offer: Offer) -> int | None:
    """Give when time ends an offer by itself, ms: unconfirmed, or so late that the plan would be over."""
    if offer.status == "awaiting_confirmation":
        return offer.until
    return offer.end if offer.status == "awaiting_payment" else None


def lapse(draft: Draft, offer: Offer, reason: str) -> None:
    """End an offer that was not confirmed or paid in time. The event's amount was paid for it and is to be returned."""
    paid = requests.drop_of(draft, offer.plan)
    draft.drop_offer(offer.plan)
    words = {"confirmation": "confirmed", "payment": "paid"}[reason]
    detail = f"plan {offer.plan} was not {words} in time"
    draft.event("plan_lapsed", detail, plan=offer.plan, reason=reason, amount=paid)


def take_back(draft: Draft, offer: Offer) -> None:
    """End an offer because somebody wants it so. The event's amount was paid for it and is to be returned."""
    paid = requests.drop_of(draft, offer.plan)
    draft.drop_offer(offer.plan)
    draft.event("plan_cancelled", f"plan {offer.plan} is cancelled", plan=offer.plan, amount=paid)


def cancel(draft: Draft, command: CancelPlan, appended: int) -> None:
    """Take back a plan that has not started, or end one that has."""
    offer, plan = draft.offer(command.plan), draft.plan(command.plan)
    if offer is not None:
        take_back(draft, offer)
    elif plan is not None and plan.status == "scheduled":
        successions.take_back(draft, plan, appended)
    else:
        plans.cancel(draft, command, appended)
