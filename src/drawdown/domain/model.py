"""The domain's nouns: frozen structs, no behaviour.

Units everywhere below: an *instant* is an int, milliseconds since 1970-01-01 UTC; an *amount* is an int,
quanta of the account's currency (10^-9 USD, 10^-6 VND or JPY); a *quantity* is an int, millionths of the
meter's quantum (one GPU-second, one GB-second, one token, ...). `Dimensions` are sorted (name, value) pairs.
"""

from typing import Literal

import msgspec

from drawdown.domain.terms import PaymentRequest, Terms

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


class Counter(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a graduated or package price has rated so far in one period.

    period: number of the plan's cycle, from 0; on demand, of the calendar month since the year 0 in the account's zone.
    service, meter, dimensions: the price's own, whatever the version of its book.
    """

    period: int
    service: str
    meter: str
    dimensions: Dimensions
    quantity: int


PlanStatus = Literal["active", "paused", "suspended", "settling", "expired"]


class Plan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a customer bought and what is left of it.

    scope: () means all services. end: None means open-ended. grace_ms: late usage draws until end + grace.
    activated: the account's `applied` number at its activation, which orders plans at last.
    spent + remaining + forfeited = amount, always.
    expired_by: "amount", "time" or "cancelled" once it is over. cancelled: it ends early, at `end`.
    noticed, reminded: how many thresholds of the amount, and days before the end, are told.
    resume_at: when a pause ends by itself. billed: what statements asked for; statement_at: when the next is due.
    counters: of its cycles, sorted by what they count.
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
    counters: tuple[Counter, ...] = ()


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
    counters: of prices on demand, sorted by what they count.
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
    counters: tuple[Counter, ...] = ()
