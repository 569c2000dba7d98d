"""Plans that follow a plan: renewals, and upgrades and downgrades, which take its place. Design section 6.

A plan that follows another and does not begin at once is `scheduled`: it covers usage from its start on, which moves
with the end of the plan before it. A plan that takes another's place takes over the worth of what is left of it.
"""

from msgspec.structs import replace

from drawdown.domain import notices, requests
from drawdown.domain.calendar import add_months
from drawdown.domain.cycles import next_cycle_start
from drawdown.domain.events import Draft
from drawdown.domain.model import NEVER, Offer, Plan
from drawdown.domain.outputs import Period
from drawdown.domain.pauses import gap_ended
from drawdown.domain.terms import Succession, Terms

Refusal = tuple[str, str]
_OVER = ("settling", "expired")


def refusal_of(draft: Draft, offer: Offer, appended: int) -> Refusal | None:
    """Say why an offer cannot follow the plan that it names, or None."""
    follows = offer.follows
    if follows is None:
        return None
    if offer.start is not None or offer.end is not None:
        detail = f"plan {offer.plan} starts when plan {follows.plan} ends; give it months or years, no dates of its own"
        return "bad_terms", detail
    old = draft.plan(follows.plan)
    if old is None:
        return "unknown_plan", f"the account has no plan {follows.plan} that has started"
    if old.status == "scheduled" or (appended < old.start and not old.spent):
        return "wrong_status", f"plan {old.id} has not begun yet"
    if follows.how != "renewal" and is_over(old, appended):
        return "wrong_status", f"plan {old.id} is over; there is nothing to change, renew it"
    taken = old.successor or confirmed_follower(draft, old.id, offer.plan)
    if taken:
        return "wrong_status", f"plan {old.id} is followed by plan {taken} already"
    return None


def confirmed_follower(draft: Draft, plan: str, but: str) -> str:
    """Name the confirmed offer that follows a plan and waits for its payment, "" if there is none."""
    following = (
        offer.plan
        for offer in draft.offers
        if offer.follows and offer.follows.plan == plan and offer.status == "awaiting_payment" and offer.plan != but
    )
    return next(following, "")


def is_over(plan: Plan, instant: int) -> bool:
    """Say whether a plan covers nothing from an instant on."""
    return plan.status in _OVER or (plan.end is not None and plan.end <= instant)


def first_due(draft: Draft, offer: Offer, appended: int) -> int:
    """Give what is to be paid before an offer starts: less, or more, by what the plan whose place it takes is worth."""
    if offer.follows is None or offer.follows.how == "renewal" or offer.terms.kind == "postpaid":
        return offer.terms.first
    return max(offer.terms.first - _worth(draft, draft.plan(offer.follows.plan), appended), 0)


def paid_for(draft: Draft, plan: Plan) -> int:
    """Give what was paid for a plan: its price without what is still to be paid of it."""
    price = plan.terms.price if plan.terms else 0
    ours = (one for one in draft.requests if one.plan == plan.id and one.reason != "statement")
    return price - sum(max(one.exact - one.paid, 0) for one in ours)


def _worth(draft: Draft, plan: Plan | None, appended: int) -> int:
    """Give what a plan's unused part was paid, rounded down; below 0, what was used and not paid; 0 once it is over."""
    if plan is None or plan.terms is None or is_over(plan, appended):
        return 0
    return _balance(draft, plan, plan.terms)


def _balance(draft: Draft, plan: Plan, terms: Terms) -> int:
    if terms.kind == "postpaid":
        return max(plan.billed - plan.spent, 0)
    paid = paid_for(draft, plan)
    return (paid * plan.amount - plan.spent * terms.price) // plan.amount if plan.amount else paid


# --- beginning --------------------------------------------------------------------------------


def begins_at(draft: Draft, offer: Offer, appended: int) -> int:
    """Give when an offer that is confirmed and paid now begins: NEVER until its predecessor's end is known."""
    old = draft.plan(offer.follows.plan) if offer.follows else None
    if old is None or offer.follows is None:
        return max(offer.start or appended, appended)
    if is_over(old, appended) or offer.follows.how == "now":
        return appended
    end = NEVER if old.end is None else old.end
    if offer.follows.how == "renewal":
        return end
    return min(next_cycle_start(old, appended, draft.account.time_zone), end)


def beginning(plan: Plan, start: int, appended: int, time_zone: str) -> Plan:
    """Give a plan with its start, and what follows from it: end, reminders, statements."""
    end = plan.end
    if plan.months is not None:
        end = None if start == NEVER else add_months(start, plan.months, time_zone)
    postpaid = plan.terms is not None and plan.terms.kind == "postpaid" and start != NEVER
    return replace(
        plan,
        start=start,
        end=end,
        status="scheduled" if plan.follows is not None and start > appended else "active",
        reminded=notices.reminders_past(end, max(start, appended) if plan.follows else appended),
        statement_at=add_months(start, 1, time_zone) if postpaid else None,
    )


def tell_start(draft: Draft, plan: Plan) -> None:
    """Tell that a plan is active, or when it will be."""
    about = None if plan.start == NEVER else Period(plan.start, plan.end)
    kind, words = "plan_activated", "is active"
    if plan.status == "scheduled":
        kind, words = "plan_scheduled", f"follows plan {plan.follows.plan if plan.follows else ''}"
    draft.event(kind, f"plan {plan.id} {words}", plan=plan.id, amount=plan.amount, about=about)


def begin(draft: Draft, plan: Plan) -> Plan:
    """Tell that a scheduled plan has begun; give it as it is then."""
    begun = replace(plan, status="active")
    draft.put_plan(begun)
    tell_start(draft, begun)
    return begun


def take_over(draft: Draft, plan: Plan, appended: int) -> None:
    """Let a plan that is paid follow the one before it: after its end, at its cycle's end, or now."""
    follows, terms = plan.follows, plan.terms
    old = draft.plan(follows.plan) if follows else None
    if follows is None or old is None or terms is None:
        return
    if follows.how == "renewal":
        draft.put_plan(replace(old, successor=plan.id))
        return
    if is_over(old, appended):
        _fund(draft, plan, terms, follows.asked, appended)
        return
    old = replace(old, successor=plan.id)
    if follows.how == "now" and old.status == "paused":
        old = replace(gap_ended(draft, old, appended), status="active")
    worth = _worth(draft, old, appended)
    end = plan.start if old.end is None else min(plan.start, old.end)
    waits = replace(follows, cut=None if old.end is None else old.end - end, reminded=old.reminded)
    old = replace(old, end=end, reminded=max(old.reminded, notices.reminders_past(end, appended)))
    draft.place_plan(old)
    if follows.how == "now":
        _replace(draft, old, plan, "now", worth)
        _fund(draft, plan, terms, follows.asked + worth, appended)
    else:
        draft.put_plan(replace(plan, follows=waits))


# --- moving -----------------------------------------------------------------------------------


def align(draft: Draft, appended: int) -> None:
    """Move the start of scheduled plans to where the end of the plan before them is now."""
    for heir in draft.plans:
        old = draft.plan(heir.follows.plan) if heir.status == "scheduled" and heir.follows else None
        if old is None:
            continue
        start = NEVER if old.end is None else old.end
        if start != heir.start:
            moved = beginning(heir, start, appended, draft.account.time_zone)
            draft.place_plan(moved)
            about = None if start == NEVER else Period(moved.start, moved.end)
            draft.event("plan_moved", f"the start of plan {heir.id} has moved", plan=heir.id, about=about)
            if moved.status == "active":
                tell_start(draft, moved)


def ran_out(draft: Draft, plan: Plan, instant: int, appended: int) -> None:
    """Let the plan that follows one whose amount is used up begin there."""
    heir = draft.plan(plan.successor)
    if heir is None or heir.status != "scheduled":
        return
    start = min(max(instant, plan.start), heir.start)
    begun = replace(beginning(heir, start, appended, draft.account.time_zone), status="active")
    draft.place_plan(begun)
    tell_start(draft, begun)


# --- taking the place -------------------------------------------------------------------------


def is_replaced(draft: Draft, plan: Plan) -> bool:
    """Say whether a plan that is not over yet ends because another takes its place."""
    heir = draft.plan(plan.successor)
    return heir is not None and heir.follows is not None and heir.follows.how != "renewal"


def give_way(draft: Draft, plan: Plan, appended: int) -> bool:
    """End a plan in whose place another comes: what it is worth goes there, and late usage is paid there.

    False if none does.
    """
    heir = draft.plan(plan.successor)
    follows, terms = (heir.follows, heir.terms) if heir else (None, None)
    if heir is None or follows is None or terms is None or follows.how == "renewal":
        return False
    align(draft, appended)  # a plan that is cancelled now gives way now
    heir = draft.plan(heir.id) or heir
    worth = _balance(draft, plan, plan.terms) if plan.terms else 0
    _replace(draft, plan, heir, follows.how, worth)
    _fund(draft, heir, terms, follows.asked + worth, appended)
    return True


def _replace(draft: Draft, old: Plan, heir: Plan, how: Succession, worth: int) -> None:
    requests.drop_of(draft, old.id, but="statement")
    credited = old.amount - old.spent
    draft.place_plan(replace(old, status="settling", expired_by="replaced", credited=credited, end=heir.start))
    detail = f"plan {heir.id} takes the place of plan {old.id}"
    draft.event("plan_replaced", detail, plan=old.id, reason=how, amount=max(worth, 0))


def _fund(draft: Draft, plan: Plan, terms: Terms, funds: int, appended: int) -> None:
    """Pay a plan's first part and instalments of what there is; add what is left to its amount, ask for what lacks."""
    left = funds - terms.first
    if left < 0:
        due = appended + terms.pay_within_ms
        requests.ask(draft, plan.id, terms, "shortfall", -left, due, appended)
        return
    left = requests.lessen(draft, plan.id, left)
    if left:
        postpaid = terms.kind == "postpaid"
        price = terms if postpaid else replace(terms, price=terms.price + left)
        billed = plan.billed + left if postpaid else plan.billed
        add(draft, replace(plan, terms=price, billed=billed, credit_in=left), left, "credit")


def add(draft: Draft, plan: Plan, amount: int, reason: str) -> None:
    """Add to a plan's amount what it has from the plan before it; one that was used up goes on."""
    plan = replace(plan, amount=plan.amount + amount)
    used_up = plan.status == "settling" and plan.expired_by == "amount"
    if used_up:
        plan = replace(plan, status="active", expired_by="")
    draft.put_plan(plan)
    draft.event("amount_added", f"plan {plan.id} has more by a {reason}", plan=plan.id, reason=reason, amount=amount)
    if used_up:
        about = Period(plan.start, plan.end)
        draft.event("plan_resumed", f"plan {plan.id} goes on", plan=plan.id, reason="amount", about=about)


def roll_over(draft: Draft, plan: Plan, rest: int) -> int:
    """Give what is left of a plan to its renewal, if the terms say so and that is not closed; tell how much went."""
    heir = last_heir(draft, plan)
    if not rest or plan.terms is None or not plan.terms.rollover or heir is None or heir.status == "expired":
        return 0
    add(draft, replace(heir, rolled_in=rest), rest, "rollover")
    return rest


def last_heir(draft: Draft, plan: Plan) -> Plan | None:
    """Find the plan that follows a plan, or the one that has taken its place since."""
    heir = draft.plan(plan.successor)
    while heir is not None and heir.expired_by == "replaced":
        heir = draft.plan(heir.successor)
    return heir


def awaits(draft: Draft, plan: Plan) -> bool:
    """Say whether a plan may still have something from the plan before it."""
    old = draft.plan(plan.follows.plan) if plan.follows else None
    if old is None or old.status == "expired" or old.successor != plan.id:
        return False
    if is_replaced(draft, old):
        return old.expired_by != "replaced" or awaits(draft, old)
    return old.terms is not None and old.terms.rollover


def take_back(draft: Draft, plan: Plan, appended: int) -> None:
    """Cancel a plan that follows another and has not begun. The event's amount was paid for it and is to be returned.

    A plan whose place it would have taken lasts again as long as it would have, and its end is told as it comes near.
    """
    paid, follows = paid_for(draft, plan), plan.follows
    if follows is not None and plan.terms is not None and follows.how != "renewal":
        paid -= plan.terms.first - follows.asked  # the old plan's worth has not come
    requests.drop_of(draft, plan.id)
    draft.drop_plan(plan.id)
    draft.plans = tuple(replace(one, successor="") if one.successor == plan.id else one for one in draft.plans)
    draft.event("plan_cancelled", f"plan {plan.id} is cancelled", plan=plan.id, amount=paid)
    old = draft.plan(follows.plan) if follows else None
    if follows is None or old is None or old.end is None or old.cancelled or not (follows.cut is None or follows.cut):
        return
    end = None if follows.cut is None else old.end + follows.cut
    old = replace(old, end=end, reminded=max(follows.reminded, notices.reminders_past(end, appended)))
    draft.place_plan(old)
    draft.event("plan_moved", f"the end of plan {old.id} has moved", plan=old.id, about=Period(old.start, old.end))
