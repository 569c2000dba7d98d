"""Credit History and Payment History, as people read them: one entry a row of usage or event, amounts signed."""

from dataclasses import dataclass
from typing import Final

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.quantity import format_quantity
from drawdown.history.filters import HOUR_MS
from drawdown.history.rows import EventRow, Owner, UsageRow
from drawdown.wire.instants import format_instant

_SOURCES: Final = {
    "topped_up": "top-up",
    "adjusted": "adjustment",
    "voucher_granted": "voucher",
    "voucher_forfeited": "voucher",
    "redemption_refused": "redemption",
}


@dataclass(frozen=True)
class Entry:
    """An entry. date: of usage the beginning of the hour in which it was charged. amount: below 0 if it was spent.

    source: the resource that spent, or what the money or credit came from. code: of vouchers alone.
    balance: the kind of balance that it changed, "" if none; paid_by: which plan, voucher or top-up.
    status: processed, success or failed. entry: names an entry of usage, whose charges can be asked for; else null.
    """

    date: str
    service: str | None
    source: str
    description: str
    code: str | None
    status: str
    amount: str
    currency: str
    balance: str
    paid_by: str | None
    kind: str
    entry: str | None


@dataclass(frozen=True)
class PaymentEntry:
    """Money asked for or paid. number: of the payment request, null for a top-up. method, reference: of a payment.

    status: requested, changed, due, overdue or paid.
    """

    date: str
    source: str
    amount: str
    currency: str
    status: str
    number: int | None
    reason: str | None
    due: str | None
    method: str | None
    reference: str | None
    description: str


def usage_entry(owner: Owner, row: UsageRow) -> Entry:
    """Write a row of usage."""
    of = CURRENCIES[owner.currency]
    return Entry(
        date=format_instant(row.charged),
        service=row.service,
        source=row.resource,
        description=description_of(owner, row),
        code=row.payer_id if row.payer == "voucher" else None,
        status="processed",
        amount=format_amount(-row.amount, of),
        currency=of.code,
        balance="" if row.payer == "none" else row.payer,
        paid_by=row.payer_id or None,
        kind="usage",
        entry=f"{row.charged // HOUR_MS}-{row.series}",
    )


def description_of(owner: Owner, row: UsageRow) -> str:
    """Say how much of what was used, at which price."""
    narrowed = ", ".join(f"{name} {value}" for name, value in sorted(row.dimensions.items()))
    what = row.meter.replace("_", " ") if row.meter else row.service
    much = f"{format_quantity(row.quantity)} {what}" if row.meter else what
    price = f" at {_short(row.unit_price)} {owner.currency}" if row.meter else ""
    per = f" per {row.per}" if row.per > 1 else ""
    tier = f", tier {row.tier}" if row.tier else ""
    return f"{much}{f' of {narrowed}' if narrowed else ''}{price}{per}{tier}"


def event_entry(owner: Owner, event: EventRow) -> Entry:
    """Write an event that changed a balance, or failed to."""
    of = CURRENCIES[owner.currency]
    ident = event.plan or event.credit
    source = _SOURCES.get(event.kind, "plan" if event.plan else event.ledger)
    return Entry(
        date=format_instant(event.appended),
        service=None,
        source=f"{source} {ident}" if ident else source,
        description=event.detail,
        code=event.credit if event.balance == "voucher" else None,
        status=event.status,
        amount=format_amount(event.change, of),
        currency=of.code,
        balance=event.balance,
        paid_by=ident,
        kind=event.kind,
        entry=None,
    )


def payment_entry(owner: Owner, event: EventRow) -> PaymentEntry:
    """Write an event about a payment."""
    asked = event.about.get("payment_request") or {}
    paid = event.about.get("payment") or {}
    status = {"payment_recorded": "paid", "topped_up": "paid"}.get(event.kind, event.kind.removeprefix("payment_"))
    return PaymentEntry(
        date=format_instant(event.appended),
        source=f"plan {event.plan}" if event.plan else f"top-up {event.credit}",
        amount=format_amount(event.amount, CURRENCIES[owner.currency]),
        currency=owner.currency,
        status=status,
        number=asked.get("number") or paid.get("number"),
        reason=asked.get("reason") or (None if event.plan else "top_up"),
        due=asked.get("due"),
        method=paid.get("method"),
        reference=paid.get("reference") or (None if event.plan else event.credit),
        description=event.detail,
    )


def _short(decimal: str) -> str:
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal
