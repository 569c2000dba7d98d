"""What an account event says beyond its kind: a period, an offer, a payment request, a payment, a scope, a wish."""

import msgspec
from msgspec import UNSET, UnsetType

from drawdown.domain.commands import RequestPlan
from drawdown.domain.model import Offer, ScopeItem
from drawdown.domain.money import CURRENCIES, Currency, format_amount
from drawdown.domain.outputs import AccountEvent, Period
from drawdown.domain.terms import Payment, PaymentRequest
from drawdown.wire.instants import format_instant


class PeriodMessage(msgspec.Struct, frozen=True, gc=False):
    """From `start` (inclusive) to `end` (exclusive); null: open-ended."""

    start: str
    end: str | None


class ItemMessage(msgspec.Struct, frozen=True, gc=False):
    """A service, or a product: the service narrowed by dimensions."""

    service: str
    dimensions: dict[str, str]


class QuotaOffered(msgspec.Struct, frozen=True, gc=False):
    """At most so much of the plan for a service or product."""

    service: str
    dimensions: dict[str, str]
    amount: str


class InstalmentOffered(msgspec.Struct, frozen=True, gc=False):
    """A dated part of the price."""

    due: str
    amount: str


class FollowsMessage(msgspec.Struct, frozen=True, gc=False):
    """Which plan it follows, and how: renewal, or in its place, now or at the cycle_end."""

    plan: str
    how: str


class OfferMessage(msgspec.Struct, frozen=True, gc=False):
    """All terms of one revision of a plan. scope: empty for all services. months, end: both null for open-ended.

    follows, renewal ("automatic"), rollover (true): left out if it follows none, renews by request, forfeits its rest.
    """

    revision: int
    status: str
    book: str
    book_version: int
    amount: str
    start: str | None
    end: str | None
    months: int | None
    grace_seconds: int
    priority: int
    scope: list[ItemMessage]
    quotas: list[QuotaOffered]
    terms: str
    price: str
    first: str
    instalments: list[InstalmentOffered]
    pay_within_seconds: int
    overdue_grace_seconds: int
    until: str | None
    request: str | None
    follows: FollowsMessage | UnsetType = UNSET
    renewal: str | UnsetType = UNSET
    rollover: bool | UnsetType = UNSET


class PaymentRequestMessage(msgspec.Struct, frozen=True, gc=False):
    """Money asked for. amount: in the digits of the currency's documents; rounding: amount - what it is for."""

    number: int
    reason: str
    amount: str
    rounding: str
    paid: str
    due: str


class PaymentMessage(msgspec.Struct, frozen=True, gc=False):
    """Money that came in for a payment request."""

    number: int
    method: str
    reference: str


class WishMessage(msgspec.Struct, frozen=True, gc=False):
    """What a customer asked sales for. scope: empty for all services."""

    request: str
    scope: list[ItemMessage]
    expected_usage: str
    budget: str | None
    contact: str


class About(msgspec.Struct, frozen=True, gc=False):
    """The parts that an event has; those it has not are left out."""

    period: PeriodMessage | UnsetType = UNSET
    offer: OfferMessage | UnsetType = UNSET
    payment_request: PaymentRequestMessage | UnsetType = UNSET
    payment: PaymentMessage | UnsetType = UNSET
    item: ItemMessage | UnsetType = UNSET
    wish: WishMessage | UnsetType = UNSET


_NOTHING = About()


def about_of(event: AccountEvent) -> About:
    """Give what an event is about."""
    about, of = event.about, CURRENCIES[event.currency]
    if about is None:
        return _NOTHING
    if isinstance(about, Period):
        return About(period=PeriodMessage(format_instant(about.start), _instant(about.end)))
    if isinstance(about, Offer):
        return About(offer=_offer(about, of))
    if isinstance(about, PaymentRequest):
        return About(payment_request=_request(about, of))
    if isinstance(about, Payment):
        return About(payment=PaymentMessage(about.number, about.method, about.reference))
    if isinstance(about, ScopeItem):
        return About(item=_item(about))
    return About(wish=_wish(about, of))


def _offer(offer: Offer, of: Currency) -> OfferMessage:
    terms = offer.terms
    return OfferMessage(
        offer.revision,
        offer.status,
        offer.book,
        offer.book_version,
        format_amount(offer.amount, of),
        _instant(offer.start),
        _instant(offer.end),
        offer.months,
        offer.grace_ms // 1000,
        offer.priority,
        [_item(item) for item in offer.scope],
        [
            QuotaOffered(quota.item.service, dict(quota.item.dimensions), format_amount(quota.amount, of))
            for quota in offer.quotas
        ],
        terms.kind,
        format_amount(terms.price, of),
        format_amount(terms.first, of),
        [InstalmentOffered(format_instant(one.due), format_amount(one.amount, of)) for one in terms.instalments],
        terms.pay_within_ms // 1000,
        terms.overdue_grace_ms // 1000,
        _instant(offer.until),
        offer.request,
        FollowsMessage(offer.follows.plan, offer.follows.how) if offer.follows else UNSET,
        "automatic" if terms.automatic else UNSET,
        True if terms.rollover else UNSET,
    )


def _request(request: PaymentRequest, of: Currency) -> PaymentRequestMessage:
    return PaymentRequestMessage(
        request.number,
        request.reason,
        format_amount(request.amount, of),
        format_amount(request.amount - request.exact, of),
        format_amount(request.paid, of),
        format_instant(request.due),
    )


def _wish(command: RequestPlan, of: Currency) -> WishMessage:
    budget = None if command.budget is None else format_amount(command.budget, of)
    scope = [_item(item) for item in command.scope]
    return WishMessage(command.request, scope, command.expected_usage, budget, command.contact)


def _item(item: ScopeItem) -> ItemMessage:
    return ItemMessage(item.service, dict(item.dimensions))


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)
