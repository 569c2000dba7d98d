"""The domain's nouns: frozen structs, no behaviour.

Units everywhere below: an *instant* is an int, milliseconds since 1970-01-01 UTC; an *amount* is an int,
quanta of the account's currency (10^-9 USD, 10^-6 VND or JPY); a *quantity* is an int, millionths of the
meter's quantum (one GPU-second, one GB-second, one token, ...). `Dimensions` are sorted (name, value) pairs.
"""

from typing import Literal

import msgspec

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


PlanStatus = Literal["active", "settling", "expired"]


class Plan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a customer bought and what is left of it.

    scope: () means all services. end: None means open-ended. grace_ms: late usage draws until end + grace.
    activated: the account's `applied` number at its activation, which orders plans at last.
    spent + remaining + forfeited = amount, always.
    expired_by: "amount" or "time" once it is used up; at: when that was noticed (append time).
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


Command = OpenAccount | ActivatePlan | TimerFired


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


class AccountEvent(msgspec.Struct, frozen=True, gc=False):
    """Something happened to the account.

    kind: account_opened, plan_activated, plan_expired, plan_settled, job_closed, job_not_closed, command_refused; of
    the wallet: wallet_opened, voucher_granted, voucher_used_up, voucher_forfeited, topped_up, debt_paid, adjusted,
    overage_refused. credit: the voucher, top-up or adjustment that it is about.
    code: a refusal's code, else "". amount: see kind (expired: 0; settled: forfeited). detail: for people.
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


Output = Charge | Overage | AccountEvent


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What an input does: the account's next state and the records to emit, in order."""

    state: Account
    outputs: tuple[Output, ...]
