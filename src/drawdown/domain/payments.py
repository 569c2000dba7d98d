"""Payments, and what becomes of a plan that is not paid. Design section 6, "Payment"."""

from msgspec.structs import replace

from drawdown.domain import offers, pauses, requests
from drawdown.domain.commands import RecordPayment
from drawdown.domain.events import Draft, digest_of
from drawdown.domain.limits import PAYMENTS_PAST_MAX
from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.terms import PaymentRequest

Refusal = tuple[str, str]


def on_due(draft: Draft, request: PaymentRequest, appended: int) -> None:
    """Do what is due: tell it, and in the end suspend the plan or let the offer lapse."""
    if requests.tell_due(draft, request, appended):
        return
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
    if not payment.amount or payment.amount % requests.document_unit(currency):
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
