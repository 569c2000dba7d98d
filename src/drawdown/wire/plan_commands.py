"""Commands of a plan's life: asked for, drafted, offered, confirmed, paid, paused, resumed, renewed, cancelled."""

from typing import Annotated, Literal

from msgspec.structs import replace
from pydantic import Field

from drawdown.domain.calendar import MONTHS_A_YEAR
from drawdown.domain.commands import (
    CancelPlan,
    ConfirmPlan,
    DraftPlan,
    OfferPlan,
    PausePlan,
    RecordPayment,
    RenewPlan,
    RequestPlan,
    ResumePlan,
    SetRenewal,
)
from drawdown.domain.errors import Reject
from drawdown.domain.limits import DAY_MS, INSTALMENTS_MAX, PAY_WITHIN_DAYS_MAX, PLAN_YEARS_MAX
from drawdown.domain.model import Offer
from drawdown.domain.money import Currency, currency, parse_amount
from drawdown.domain.requests import in_own_digits
from drawdown.domain.terms import Follows, Instalment, Payment, Terms
from drawdown.wire.basics import (
    CurrencyCode,
    Decimal,
    Ident,
    Instant,
    Name,
    PlanMessage,
    Scope,
    StrictMessage,
    Version,
    quotas_of,
    scope_of,
)
from drawdown.wire.instants import optional_instant, parse_instant
from drawdown.wire.parsing import name

Days = Annotated[int, Field(ge=0, le=PAY_WITHIN_DAYS_MAX)]
Renewed = Literal["by_request", "automatic"]
Text = Annotated[str, Field(min_length=1, max_length=2_000)]


class RequestPlanMessage(StrictMessage):
    """Ask sales for a plan: for what, how much is expected, for how much, and who is to be called."""

    command: Literal["request_plan"]
    version: Version
    id: Ident
    account: Name
    request: Name
    scope: Scope = "all"
    expected_usage: Text
    budget: Decimal | None = None
    currency: CurrencyCode
    contact: Text


class UpfrontMessage(StrictMessage):
    """The whole price, then the plan starts."""

    terms: Literal["upfront"]
    price: Decimal
    pay_within_days: Days = 14
    overdue_grace_days: Days = 7


class InstalmentMessage(StrictMessage):
    """A dated part of the price."""

    due: Instant
    amount: Decimal


class PartialMessage(StrictMessage):
    """A first part, by amount or by percent of the price, then the plan starts; the rest by instalments."""

    terms: Literal["partial"]
    price: Decimal
    first: Decimal | None = None
    first_percent: Annotated[int, Field(ge=1, le=99)] | None = None
    instalments: Annotated[list[InstalmentMessage], Field(min_length=1, max_length=INSTALMENTS_MAX)]
    pay_within_days: Days = 14
    overdue_grace_days: Days = 7


class PostpaidMessage(StrictMessage):
    """The plan starts at once; what was used is asked for at each cycle's end."""

    terms: Literal["postpaid"]
    pay_within_days: Days = 14
    overdue_grace_days: Days = 7


PaymentTerms = Annotated[UpfrontMessage | PartialMessage | PostpaidMessage, Field(discriminator="terms")]


class DraftPlanMessage(PlanMessage):
    """Write a plan: its first revision, or the next in its place.

    It lasts `months` or `years` from its start, or until `end`, or, with none of them, until its amount is used up.
    start: none for the moment of its activation; one that is past by then moves there. renews: a plan that it follows
    once that ends or runs out. replaces: a plan whose place it takes, and `when`. Either leaves it no dates of its own.
    renewal: whether it renews itself. rollover: whether what is left of it at settlement goes to its renewal.
    """

    command: Literal["draft_plan"]
    version: Version
    id: Ident
    revision: Annotated[int, Field(ge=1, le=10**6)]
    request: Name | None = None
    start: Instant | None = None
    end: Instant | None = None
    months: Annotated[int, Field(ge=1, le=PLAN_YEARS_MAX * MONTHS_A_YEAR)] | None = None
    years: Annotated[int, Field(ge=1, le=PLAN_YEARS_MAX)] | None = None
    payment: PaymentTerms
    renews: Name | None = None
    replaces: Name | None = None
    when: Literal["now", "cycle_end"] | None = None
    renewal: Renewed = "by_request"
    rollover: bool = False


class _StepMessage(StrictMessage):
    version: Version
    id: Ident
    account: Name
    plan: Name


class OfferPlanMessage(_StepMessage):
    """Offer a revision to the customer; until: when the offer lapses, 30 days on if not said."""

    command: Literal["offer_plan"]
    revision: Annotated[int, Field(ge=1, le=10**6)]
    until: Instant | None = None


class ConfirmPlanMessage(_StepMessage):
    """The customer agrees to exactly this revision."""

    command: Literal["confirm_plan"]
    revision: Annotated[int, Field(ge=1, le=10**6)]


class PausePlanMessage(_StepMessage):
    """Stop coverage and clock, until an instant or for as long as a pause may last."""

    command: Literal["pause_plan"]
    until: Instant | None = None


class ResumePlanMessage(_StepMessage):
    """Go on with a paused plan."""

    command: Literal["resume_plan"]


class CancelPlanMessage(_StepMessage):
    """End a plan now or at its cycle's end, or take back one that has not started."""

    command: Literal["cancel_plan"]
    when: Literal["now", "cycle_end"] = "now"


class RenewPlanMessage(_StepMessage):
    """Renew a plan on its own terms; renewal: the new plan's name, one made of the old name if not said."""

    command: Literal["renew_plan"]
    renewal: Name | None = None


class SetRenewalMessage(_StepMessage):
    """Let a plan renew itself, or only by request."""

    command: Literal["set_renewal"]
    renewal: Renewed


class RecordPaymentMessage(StrictMessage):
    """Money came in for a payment request. reference: the payment's own, taken once."""

    command: Literal["record_payment"]
    version: Version
    id: Ident
    account: Name
    number: Annotated[int, Field(ge=1, le=10**9)]
    method: Literal["card", "e-wallet", "bank-transfer"]
    reference: Ident
    amount: Decimal
    currency: CurrencyCode


LifeMessage = (
    RequestPlanMessage
    | DraftPlanMessage
    | OfferPlanMessage
    | ConfirmPlanMessage
    | PausePlanMessage
    | ResumePlanMessage
    | CancelPlanMessage
    | RenewPlanMessage
    | SetRenewalMessage
    | RecordPaymentMessage
)
LifeCommand = (
    RequestPlan
    | DraftPlan
    | OfferPlan
    | ConfirmPlan
    | PausePlan
    | ResumePlan
    | CancelPlan
    | RenewPlan
    | SetRenewal
    | RecordPayment
)


def life_command_of(message: LifeMessage) -> LifeCommand:
    """Read a message as the domain's command; raise Reject with the reason."""
    account = message.account
    if isinstance(message, DraftPlanMessage):
        return DraftPlan(account, message.currency, _offer_of(message))
    if isinstance(message, RequestPlanMessage):
        return _request_of(message)
    if isinstance(message, RecordPaymentMessage):
        amount = parse_amount(message.amount, currency(message.currency))
        paid = Payment(message.number, message.method, message.reference, amount, message.currency)
        return RecordPayment(account, paid)
    if isinstance(message, OfferPlanMessage):
        plan, until = name(message.plan, "plan"), optional_instant(message.until, "until")
        return OfferPlan(account, plan, message.revision, until)
    if isinstance(message, ConfirmPlanMessage):
        return ConfirmPlan(account, name(message.plan, "plan"), message.revision)
    return _running(message, account, name(message.plan, "plan"))


def _running(
    message: PausePlanMessage | ResumePlanMessage | RenewPlanMessage | SetRenewalMessage | CancelPlanMessage,
    account: str,
    plan: str,
) -> PausePlan | ResumePlan | RenewPlan | SetRenewal | CancelPlan:
    if isinstance(message, PausePlanMessage):
        return PausePlan(account, plan, optional_instant(message.until, "until"))
    if isinstance(message, ResumePlanMessage):
        return ResumePlan(account, plan)
    if isinstance(message, RenewPlanMessage):
        return RenewPlan(account, plan, name(message.renewal, "renewal") if message.renewal else None)
    if isinstance(message, SetRenewalMessage):
        return SetRenewal(account, plan, automatic=message.renewal == "automatic")
    return CancelPlan(account, plan, at_cycle_end=message.when == "cycle_end")


def _request_of(message: RequestPlanMessage) -> RequestPlan:
    budget = None if message.budget is None else parse_amount(message.budget, currency(message.currency))
    scope = scope_of(message.scope)
    request = name(message.request, "request")
    return RequestPlan(message.account, request, scope, message.expected_usage, budget, message.contact)


def _offer_of(message: DraftPlanMessage) -> Offer:
    of = currency(message.currency)
    given = [field for field in ("end", "months", "years") if getattr(message, field) is not None]
    if len(given) > 1:
        raise Reject("invalid_value", f"a plan has one of end, months and years, not {' and '.join(given)}")
    return Offer(
        plan=name(message.plan, "plan"),
        revision=message.revision,
        book=name(message.book, "book"),
        book_version=message.book_version,
        amount=parse_amount(message.amount, of),
        start=optional_instant(message.start, "start"),
        end=optional_instant(message.end, "end"),
        months=message.months or (message.years * MONTHS_A_YEAR if message.years else None),
        grace_ms=message.grace_seconds * 1000,
        priority=message.priority,
        scope=scope_of(message.scope),
        quotas=quotas_of(message.quotas, of),
        terms=replace(
            _terms_of(message.payment, of), automatic=message.renewal == "automatic", rollover=message.rollover
        ),
        request=message.request,
        follows=_follows(message),
    )


def _follows(message: DraftPlanMessage) -> Follows | None:
    if message.renews and message.replaces:
        raise Reject("invalid_value", "a plan renews another or replaces it, not both")
    if message.when and not message.replaces:
        raise Reject("invalid_value", "when: it says when a plan that is replaced gives way; this one replaces none")
    if message.renews:
        return Follows(name(message.renews, "renews"), "renewal")
    if message.replaces:
        return Follows(name(message.replaces, "replaces"), message.when or "now")
    return None


def _terms_of(message: UpfrontMessage | PartialMessage | PostpaidMessage, of: Currency) -> Terms:
    within, grace = message.pay_within_days * DAY_MS, message.overdue_grace_days * DAY_MS
    if isinstance(message, PostpaidMessage):
        return Terms("postpaid", 0, 0, (), within, grace)
    price = parse_amount(message.price, of)
    if isinstance(message, UpfrontMessage):
        return Terms("upfront", price, price, (), within, grace)
    if (message.first is None) == (message.first_percent is None):
        raise Reject("invalid_value", "payment.first: the first part is given by amount or by percent, one of them")
    if message.first is None:
        first = in_own_digits(price * (message.first_percent or 0) // 100, of.code)
    else:
        first = parse_amount(message.first, of)
    instalments = tuple(
        Instalment(parse_instant(one.due, "payment.instalments.due"), parse_amount(one.amount, of))
        for one in message.instalments
    )
    return Terms("partial", price, first, instalments, within, grace)
