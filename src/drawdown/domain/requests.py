"""Payment requests: planned, asked for, told due, told overdue. Design section 6, "Payment".

A request is planned (number 0), asked for, told due, told overdue; at due + grace its plan is suspended, or lapses if
it has not started (payments.py). `told` counts: 0 nothing, 1 due soon, 2 overdue.
"""

from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from drawdown.domain.events import Draft
from drawdown.domain.limits import PAYMENT_DUE_NOTICE_MS, REQUEST_LEAD_MS
from drawdown.domain.model import Account
from drawdown.domain.money import CURRENCIES, divide_half_up
from drawdown.domain.terms import PaymentRequest, RequestReason, Terms

_DUE, _OVERDUE = 1, 2
_STARTED = ("active", "paused")
_RUNNING = (*_STARTED, "suspended")


def in_own_digits(amount: int, currency: str) -> int:
    """Round an amount half up to the digits that documents of its currency have."""
    unit = document_unit(currency)
    return divide_half_up(amount, unit) * unit


def document_unit(currency: str) -> int:
    """Give the smallest amount of a document, in quanta."""
    of = CURRENCIES[currency]
    return int(10 ** (of.quantum_digits - of.digits))


def ask(draft: Draft, plan: str, terms: Terms, reason: RequestReason, exact: int, due: int, appended: int) -> None:
    """Ask for an amount now; nothing is asked for when it rounds to nothing."""
    amount = in_own_digits(exact, draft.account.currency)
    if amount:
        planned = PaymentRequest(0, plan, reason, amount, exact, due, terms.overdue_grace_ms)
        draft.requests = (*draft.requests, planned)
        _ask(draft, planned, appended)


def plan_instalments(draft: Draft, plan: str, terms: Terms) -> None:
    """Put a plan's instalments among the requests."""
    grace = terms.overdue_grace_ms
    draft.requests += tuple(
        PaymentRequest(0, plan, "instalment", one.amount, one.amount, one.due, grace) for one in terms.instalments
    )


def ask_soon(draft: Draft, plan: str, appended: int) -> None:
    """Ask for a plan's instalments that are due soon."""
    for one in draft.requests:
        if one.plan == plan and not one.number and one.due - REQUEST_LEAD_MS <= appended:
            _ask(draft, one, appended)


def lessen(draft: Draft, plan: str, funds: int) -> int:
    """Pay a plan's instalments, the first due first, of what its predecessor was worth; give what is left of it."""
    for one in sorted((one for one in draft.requests if one.plan == plan), key=lambda one: one.due):
        part = min(funds, one.exact - one.paid) if one.reason == "instalment" else 0
        if part > 0:
            funds -= part
            amount = in_own_digits(one.exact - part, draft.account.currency)
            less = replace(one, exact=one.exact - part, amount=max(amount, one.paid))
            draft.put_request(one, less if less.amount > less.paid else None)
            if one.number:
                _tell(draft, "payment_changed", f"payment {one.number} for plan {plan} is less now", less)
    return funds


def _ask(draft: Draft, planned: PaymentRequest, appended: int) -> None:
    draft.requests_made += 1
    told = _DUE if planned.due - PAYMENT_DUE_NOTICE_MS <= appended else 0
    request = replace(planned, number=draft.requests_made, told=told)
    draft.put_request(planned, request)
    detail = f"payment {request.number} for plan {request.plan} is asked for"
    _tell(draft, "payment_requested", detail, request)


def threatened(state: Account | Draft) -> set[str]:
    """Name the plans that an unpaid request would still end or suspend: those not started, active or paused.

    Not one whose predecessor has yet to give way to it: what that is worth may pay the request.
    """
    followed = {plan.successor for plan in state.plans if plan.status in _RUNNING}
    started = (plan for plan in state.plans if plan.status in _STARTED)
    return {offer.plan for offer in state.offers} | {
        plan.id
        for plan in started
        if plan.follows is None or plan.follows.how != "cycle_end" or plan.id not in followed
    }


def due_of(request: PaymentRequest, plans: AbstractSet[str]) -> int | None:
    """Give when time next does something to a request, ms; None if it never does. plans: see threatened."""
    if not request.number:
        return request.due - REQUEST_LEAD_MS
    if not request.told:
        return request.due - PAYMENT_DUE_NOTICE_MS
    if request.told == _DUE:
        return request.due
    return request.due + request.grace_ms if request.plan in plans else None


def tell_due(draft: Draft, request: PaymentRequest, appended: int) -> bool:
    """Ask, say that it is due soon, or overdue, whichever is next; False when all of that is told."""
    if not request.number:
        _ask(draft, request, appended)
        return True
    if request.told >= _OVERDUE:
        return False
    changed = replace(request, told=request.told + 1)
    draft.put_request(request, changed)
    kind = "payment_overdue" if changed.told == _OVERDUE else "payment_due"
    words = "was not paid in time" if changed.told == _OVERDUE else "is due soon"
    _tell(draft, kind, f"payment {request.number} for plan {request.plan} {words}", changed)
    return True


def drop_of(draft: Draft, plan: str, but: str = "") -> int:
    """Ask for nothing more for a plan, but for one reason; give what was paid in part for requests that are dropped."""
    dropped = [one for one in draft.requests if one.plan == plan and one.reason != but]
    draft.requests = tuple(one for one in draft.requests if one.plan != plan or one.reason == but)
    return sum(one.paid for one in dropped)


def _tell(draft: Draft, kind: str, detail: str, request: PaymentRequest) -> None:
    amount = request.amount - request.paid
    draft.event(kind, detail, plan=request.plan, reason=request.reason, amount=amount, about=request)
