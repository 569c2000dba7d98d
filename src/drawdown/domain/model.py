"""The domain's nouns: frozen structs, no behaviour.

Units everywhere below: an *instant* is an int, milliseconds since 1970-01-01 UTC; an *amount* is an int,
quanta of the account's currency (10^-9 USD, 10^-6 VND or JPY); a *quantity* is an int, millionths of the
meter's quantum (one GPU-second, one GB-second, one token, ...). `Dimensions` are sorted (name, value) pairs.
"""

from typing import Literal

import msgspec

from drawdown.domain.terms import Payment, PaymentRequest, Terms

Dimensions = tuple[tuple[str, str], ...]


class Measure(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A billable quantity of an event, before any cut."""

    meter: str
    quantity: int


class Usage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One usage event, derived quantities included.

    start: None when the usage has no interval (inference); then `time` alone places it.
    Otherwise the usage is [start, time). measures: in the catalogue's meter order, none negative; zero ones left out.
    gpu_thousandths: the event's GPUs, for fine-tuning's extra; 0 elsewhere.
    job: the fine-tuning job, None elsewhere; final: it has ended.
    """

    account: str
    source: str
    id: str
    service: str
    resource: str
    dimensions: Dimensions
    time: int
    start: int | None
    measures: tuple[Measure, ...]
    gpu_thousandths: int = 0
    job: str | None = None
    final: bool = False


class ScopeItem(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A service, or a product: the service narrowed by dimensions that must all match."""

    service: str
    dimensions: Dimensions = ()


class Quota(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """At most `amount` of a plan may be drawn by what `item` includes."""

    item: ScopeItem
    amount: int
    spent: int = 0
    noticed: int = 0  # how many of the thresholds are told


class Gap(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A time [start, end) in which a plan covers nothing; end: None while it lasts.

    pause: the clock stands still, so that the plan's end and later cycles move; else it is a suspension.
    """

    start: int
    end: int | None
    pause: bool


PlanStatus = Literal["active", "paused", "suspended", "settling", "expired"]


class Plan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a customer bought and what is left of it.

    scope: () means all services. end: None means open-ended. grace_ms: late usage draws until end + grace.
    activated: the account's `applied` number at its activation, which orders plans at last.
    spent + remaining + forfeited = amount, always.
    expired_by: "amount", "time" or "cancelled" once it is over. cancelled: it ends early, at `end`.
    noticed, reminded: how many thresholds of the amount, and days before the end, are told.
    resume_at: when a pause ends by itself. billed: what statements asked for; statement_at: when the next is due.
    """

    id: str
    book: str
    book_version: int
    amount: int
    start: int
    end: int | None
    grace_ms: int
    priority: int
    scope: tuple[ScopeItem, ...]
    quotas: tuple[Quota, ...]
    activated: int
    status: PlanStatus = "active"
    spent: int = 0
    forfeited: int = 0
    spent_by_service: tuple[tuple[str, int], ...] = ()
    expired_by: str = ""
    noticed: int = 0
    reminded: int = 0
    gaps: tuple[Gap, ...] = ()
    resume_at: int | None = None
    cancelled: bool = False
    terms: Terms | None = None
    billed: int = 0
    statement_at: int | None = None


OfferStatus = Literal["draft", "awaiting_confirmation", "awaiting_payment"]


class Offer(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A plan before it starts. Its terms are those of one revision; a new one takes the old one's place.

    months: how long from its start; None with an end of its own, or open-ended. start: None for its activation; an
    earlier one is moved there. until: when it lapses if it is not confirmed by then.
    """

    plan: str
    revision: int
    book: str
    book_version: int
    amount: int
    start: int | None
    end: int | None
    months: int | None
    grace_ms: int
    priority: int
    scope: tuple[ScopeItem, ...]
    quotas: tuple[Quota, ...]
    terms: Terms
    request: str | None = None
    status: OfferStatus = "draft"
    until: int | None = None


class Job(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A fine-tuning job of the account: its total duration so far, and what a closing timer needs.

    forget_at: instant past which a closed job needs no remembering (its late usage would be too late anyway).
    """

    id: str
    total_ms: int
    last_end: int
    last_append: int
    gpu_thousandths: int
    dimensions: Dimensions
    closed: bool = False
    forget_at: int = 0


class Account(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The plans ledger's whole state of one account.

    past_plans: digests of the ids of closed plans that are kept no more, so that no id is given twice.
    applied: inputs applied so far. seq_*: records emitted so far per output topic; the next carries seq + 1.
    """

    id: str
    currency: str
    time_zone: str
    opened: int
    applied: int = 0
    seq_charges: int = 0
    seq_overages: int = 0
    seq_events: int = 0
    plans: tuple[Plan, ...] = ()
    jobs: tuple[Job, ...] = ()
    past_plans: tuple[bytes, ...] = ()
    offers: tuple[Offer, ...] = ()
    requests: tuple[PaymentRequest, ...] = ()
    requests_made: int = 0
    payments: tuple[bytes, ...] = ()  # digests of the newest payments' references


# --- commands ---------------------------------------------------------------------------------


class OpenAccount(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Open the account in a currency (fixed for good) and an IANA time zone."""

    account: str
    currency: str
    time_zone: str


class ActivatePlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Activate a plan from now on; `start` may be earlier and then covers what is rated after the activation.

    currency: must be the account's. end: exclusive, None for open-ended.
    """

    account: str
    plan: str
    currency: str
    book: str
    book_version: int
    amount: int
    start: int
    end: int | None
    grace_ms: int
    priority: int
    scope: tuple[ScopeItem, ...]
    quotas: tuple[Quota, ...]


class TimerFired(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Something of the account was due at `due`; sent by the shard's owner once the watermark has passed it."""

    account: str
    due: int


class RequestPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Ask sales for a plan. budget: None if none was named."""

    account: str
    request: str
    scope: tuple[ScopeItem, ...]
    expected_usage: str
    budget: int | None
    contact: str


class DraftPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Write a plan's first revision, or the next. currency: must be the account's."""

    account: str
    currency: str
    offer: Offer


class OfferPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Offer a revision to the customer; until: when the offer lapses."""

    account: str
    plan: str
    revision: int
    until: int | None


class ConfirmPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The customer agrees to a revision."""

    account: str
    plan: str
    revision: int


class RecordPayment(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Money came in."""

    account: str
    payment: Payment


class PausePlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Stop a plan's coverage and clock. until: when it resumes by itself; None for as long as it may."""

    account: str
    plan: str
    until: int | None


class ResumePlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Go on with a paused plan."""

    account: str
    plan: str


class CancelPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """End a plan, now or at its cycle's end; take back one that has not started."""

    account: str
    plan: str
    at_cycle_end: bool


Command = (
    OpenAccount
    | ActivatePlan
    | RequestPlan
    | DraftPlan
    | OfferPlan
    | ConfirmPlan
    | RecordPayment
    | PausePlan
    | ResumePlan
    | CancelPlan
    | TimerFired
)


class Replayed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A usage event that was refused before and that an operator sends again: no time is too late for it."""

    usage: Usage


# --- outputs ----------------------------------------------------------------------------------


class Line(msgspec.Struct, frozen=True, gc=False):
    """The rated part of a piece that one payer pays.

    time: the piece's instant. unit_price: amount per `per` whole quanta of the meter.
    plan: who pays; None on demand (an overage's lines).
    """

    time: int
    meter: str
    quantity: int
    unit_price: int
    per: int
    amount: int
    book: str
    book_version: int
    plan: str | None


class Balance(msgspec.Struct, frozen=True, gc=False):
    """A plan's remaining amount before and after a charge."""

    plan: str
    before: int
    after: int


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What plans paid of one event."""

    usage: Usage
    currency: str
    lines: tuple[Line, ...]
    total: int
    balances: tuple[Balance, ...]
    seq: int
    applied: int


class Overage(msgspec.Struct, frozen=True, gc=False):
    """What no plan covered of one event, priced on demand."""

    usage: Usage
    currency: str
    lines: tuple[Line, ...]
    total: int
    seq: int
    applied: int


class Period(msgspec.Struct, frozen=True, gc=False):
    """From when, and until when (None: open-ended), something holds."""

    start: int
    end: int | None


class AccountEvent(msgspec.Struct, frozen=True, gc=False):
    """Something happened to the account.

    kind: account_opened, plan_requested, plan_drafted, plan_offered, plan_confirmed, plan_activated, plan_paused,
    plan_suspended, plan_resumed, plan_cancelled, plan_lapsed, plan_expired, plan_settled, payment_requested,
    payment_due, payment_overdue, payment_recorded, statement, amount_used, quota_used, plan_ending, job_closed,
    job_not_closed, command_refused; of the wallet: wallet_opened, voucher_granted, voucher_used_up, voucher_forfeited,
    topped_up, debt_paid, adjusted, overage_refused. credit: the voucher, top-up or adjustment that it is about.
    code: a refusal's code, else "". amount: see kind (expired: 0; settled: forfeited). detail: for people.
    about: what else there is to say, see the kind's writer.
    """

    account: str
    kind: str
    plan: str | None
    code: str
    detail: str
    reason: str
    amount: int
    currency: str
    seq: int
    applied: int
    credit: str | None = None
    about: Offer | PaymentRequest | Payment | Period | ScopeItem | RequestPlan | None = None


Output = Charge | Overage | AccountEvent


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What an input does: the account's next state and the records to emit, in order."""

    state: Account
    outputs: tuple[Output, ...]
