"""Payment requests and payments. Design section 6, "Payment".

A request is planned (number 0), asked for, told due, told overdue; at due + grace its plan is suspended, or lapses if
it has not started. `told` counts: 0 nothing, 1 due soon, 2 overdue.
"""

from msgspec.structs import replace

from drawdown.domain import offers, pauses
from drawdown.domain.events import Draft, digest_of
from drawdown.domain.limits import PAYMENT_DUE_NOTICE_MS, PAYMENTS_PAST_MAX, REQUEST_LEAD_MS
from drawdown.domain.model import Account, RecordPayment
from drawdown.domain.money import CURRENCIES, divide_half_up, format_amount
from drawdown.domain.terms import PaymentRequest, RequestReason, Terms

_DUE, _OVERDUE = 1, 2
_STARTED = ("active", "paused")
Refusal = tuple[str, str]


def in_own_digits(amount: int, currency: str) -> int:
    """Round an amount half up to the digits that documents of its currency have."""
    unit = document_unit(currency)
    return divide_half_up(amount, unit) * unit


def document_unit(currency: str) -> int:
    """Give the smallest amount of a document, in quanta."""
    of = CURRENCIES[currency]
    return int(10 ** (of.quantum_digits - of.digits))


def ask(
    draft: Draft, plan: str, terms: Terms, reason: RequestReason, exact: int, due: int, appended: int
) -> PaymentRequest | None:
    """Ask for an amount now; nothing is asked for when it rounds to nothing. Give the request."""
    amount = in_own_digits(exact, draft.account.currency)
    if not amount:
        return None
    planned = PaymentRequest(0, plan, reason, amount, exact, due, terms.overdue_grace_ms)
    draft.requests = (*draft.requests, planned)
    return _ask(draft, planned, appended)


def plan_instalments(draft: Draft, plan: str, terms: Terms, appended: int) -> None:
    """Put a plan's instalments among the requests; those that are due soon are asked for at once."""
    for one in terms.instalments:
        planned = PaymentRequest(0, plan, "instalment", one.amount, one.amount, one.due, terms.overdue_grace_ms)
        draft.requests = (*draft.requests, planned)
        if one.due - REQUEST_LEAD_MS <= appended:
            _ask(draft, planned, appended)


def _ask(draft: Draft, planned: PaymentRequest, appended: int) -> PaymentRequest:
    draft.requests_made += 1
    told = _DUE if planned.due - PAYMENT_DUE_NOTICE_MS <= appended else 0
    request = replace(planned, number=draft.requests_made, told=told)
    draft.put_request(planned, request)
    detail = f"payment {request.number} for plan {request.plan} is asked for"
    _tell(draft, "payment_requested", detail, request)
    return request


def due_of(request: PaymentRequest, account: Account | Draft) -> int | None:
    """Give when time next does something to a request, ms; None if it never does."""
    if not request.number:
        return request.due - REQUEST_LEAD_MS
    if not request.told:
        return request.due - PAYMENT_DUE_NOTICE_MS
    if request.told == _DUE:
        return request.due
    waiting = any(offer.plan == request.plan for offer in account.offers)
    started = any(plan.id == request.plan and plan.status in _STARTED for plan in account.plans)
    return request.due + request.grace_ms if waiting or started else None


def on_due(draft: Draft, request: PaymentRequest, appended: int) -> None:
    """Do what is due: ask, remind, call it overdue, and in the end suspend the plan or let the offer lapse."""
    if not request.number:
        _ask(draft, request, appended)
    elif request.told < _OVERDUE:
        changed = replace(request, told=request.told + 1)
        draft.put_request(request, changed)
        kind = "payment_overdue" if changed.told == _OVERDUE else "payment_due"
        words = "was not paid in time" if changed.told == _OVERDUE else "is due soon"
        _tell(draft, kind, f"payment {request.number} for plan {request.plan} {words}", changed)
    else:
        offer = draft.offer(request.plan)
        if offer is not None:
            offers.lapse(draft, offer, "payment")
        else:
            pauses.suspend(draft, request.plan, appended)


def record(draft: Draft, command: RecordPayment, appended: int) -> None:
    """Take a payment for an open request, or refuse it."""
    payment = command.payment
    request = next((one for one in draft.requests if one.number and one.number == payment.number), None)
    refusal = _refusal(draft, command, request, appended)
    if refusal is not None or request is None:
        draft.refuse(request.plan if request else None, refusal or ("nothing_due", ""))
        return
    draft.payments = (*draft.payments, digest_of(payment.reference))[-PAYMENTS_PAST_MAX:]
    paid = replace(request, paid=request.paid + payment.amount)
    draft.put_request(request, None if paid.paid == paid.amount else paid)
    detail = f"{payment.reference} pays payment {payment.number}"
    if paid.paid < paid.amount:
        left = format_amount(paid.amount - paid.paid, CURRENCIES[payment.currency])
        detail += f" in part; {left} {payment.currency} is open"
    draft.event("payment_recorded", detail, plan=paid.plan, amount=payment.amount, about=payment)
    if paid.paid == paid.amount:
        _settled(draft, paid, appended)


def _refusal(draft: Draft, command: RecordPayment, request: PaymentRequest | None, appended: int) -> Refusal | None:
    payment, currency = command.payment, draft.account.currency
    if payment.currency != currency:
        return "wrong_currency", f"the payment is in {payment.currency}, the account in {currency}"
    if digest_of(payment.reference) in draft.payments:
        return "payment_exists", f"a payment with the reference {payment.reference} was recorded before"
    if request is None:
        return "nothing_due", f"the account has no open payment request {payment.number}"
    offer = draft.offer(request.plan)
    if offer is not None and offer.end is not None and offer.end <= appended:
        return "nothing_due", f"plan {offer.plan} would be over before it starts"
    if not payment.amount or payment.amount % document_unit(currency):
        return "bad_amount", f"a payment is above 0, in {CURRENCIES[currency].digits} decimals of {currency}"
    if payment.amount > request.amount - request.paid:
        open_amount = format_amount(request.amount - request.paid, CURRENCIES[currency])
        return "overpaid", f"only {open_amount} {currency} of payment {request.number} is open"
    return None


def _settled(draft: Draft, request: PaymentRequest, appended: int) -> None:
    """Let a plan start that waited for this payment, or go on that was suspended for want of it."""
    offer = draft.offer(request.plan)
    if offer is not None:
        offers.start(draft, offer, appended)
        return
    plan = draft.plan(request.plan)
    if plan is not None and plan.status == "suspended" and not _hindered(draft, plan.id, appended):
        pauses.resume(draft, plan, appended, "payment")


def _hindered(draft: Draft, plan: str, appended: int) -> bool:
    return any(one.plan == plan and one.number and one.due + one.grace_ms <= appended for one in draft.requests)


def drop_of(draft: Draft, plan: str) -> int:
    """Ask for nothing more for a plan; give what was paid in part for requests that are dropped."""
    paid = sum(one.paid for one in draft.requests if one.plan == plan)
    draft.requests = tuple(one for one in draft.requests if one.plan != plan)
    return paid


def _tell(draft: Draft, kind: str, detail: str, request: PaymentRequest) -> None:
    amount = request.amount - request.paid
    draft.event(kind, detail, plan=request.plan, reason=request.reason, amount=amount, about=request)
