"""What holds of every account whatever happened: nothing of a plan's amount, or of what was paid for it, is lost."""

from drawdown.domain import requests, successions
from drawdown.domain.events import Draft
from drawdown.domain.model import Account, Plan


def amounts_lost(account: Account) -> list[str]:
    """Name the plans whose amount is not what became of it; each has its parts, none below 0."""
    found = []
    for plan in account.plans:
        gone = plan.forfeited + plan.rolled_over + plan.credited
        left = plan.amount - plan.spent - gone
        parts = plan.spent, plan.forfeited, plan.rolled_over, plan.credited, left
        closed = plan.status == "expired" or plan.expired_by == "replaced"
        by_service = sum(amount for _, amount in plan.spent_by_service)
        if min(parts) < 0 or (closed and left) or (gone and not closed) or by_service != plan.spent:
            found.append(f"{plan.id}: {plan.amount} became {parts}, by service {by_service}, {plan.status}")
    return found


def rolled_over_lost(account: Account) -> list[str]:
    """Name the plans whose rest did not come to the plan that follows them, or to one that took that one's place."""
    plans = {plan.id: plan for plan in account.plans}
    found = []
    for old in account.plans:
        came, heir = 0, plans.get(old.successor)
        while heir is not None:
            came += heir.rolled_in
            heir = plans.get(heir.successor) if heir.expired_by == "replaced" else None
        if old.expired_by != "replaced" and old.successor in plans and came != old.rolled_over:
            found.append(f"{old.id} gave {old.rolled_over}, of which {came} came to those after it")
    return found


def payments_lost(before: Account, after: Account) -> list[str]:
    """Name the plans that took another's place in this step and have not what was asked for and what that was worth.

    Less than a unit of documents may be gained in rounding: what lacks, or is open of an instalment, is asked for in
    units.
    A plan that took one's place and gave way to another in the same step is left out.
    """
    known = {plan.id: plan for plan in before.plans}
    plans = {plan.id: plan for plan in after.plans}
    now = {plan.id for plan in after.plans if plan.expired_by == "replaced" and known[plan.id].expired_by != "replaced"}
    found = []
    for old in [plans[name] for name in sorted(now)]:
        heir = plans[old.successor]
        if heir.id in now or (old.follows and old.follows.plan in now):
            continue
        due = _worth(before, old) + (heir.follows.asked if heir.follows else 0)
        if heir.id in known and heir.terms is not None:
            due += successions.paid_for(Draft(before), known[heir.id]) - heir.terms.first  # of its instalments
        has = successions.paid_for(Draft(after), heir)
        if heir.terms is not None and heir.terms.kind == "postpaid":
            has += heir.credit_in
        if not 0 <= has - due < requests.document_unit(after.currency):
            found.append(f"{heir.id} is paid {has}; what was asked for and plan {old.id} come to {due}")
    return found


def _worth(before: Account, old: Plan) -> int:
    """Give what was paid for the part of a plan that was not used at its end, rounded down."""
    terms = old.terms
    if terms is None:
        return 0
    if terms.kind == "postpaid":
        return max(old.billed - old.spent, 0)
    asked = [one for one in before.requests if one.plan == old.id and one.reason != "statement"]
    paid = terms.price - sum(max(one.exact - one.paid, 0) for one in asked)
    return paid - -(-terms.price * old.spent // old.amount) if old.amount else paid
