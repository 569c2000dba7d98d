"""What an input comes to: charges, overages and account events, and the state after it. Units as in model.py."""

import msgspec

from drawdown.domain.commands import RequestPlan
from drawdown.domain.model import Account, Offer, ScopeItem, Usage
from drawdown.domain.terms import Payment, PaymentRequest


class Line(msgspec.Struct, frozen=True, gc=False):
    """The rated part of a piece that one payer pays.

    time: the piece's instant. unit_price: amount per `per` whole quanta of the meter.
    plan: who pays; None on demand (an overage's lines). tier: of a graduated price, from 1, else None.
    packages: how many the line opened, of a package price, else None; one that uses up open packages has unit_price 0.
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
    tier: int | None = None
    packages: int | None = None


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
    plan_suspended, plan_resumed, plan_cancelled, plan_lapsed, plan_expired, plan_settled, plan_scheduled, plan_moved,
    plan_replaced, amount_added, renewal_open, renewal_not_opened, renewal_set, payment_requested, payment_changed,
    payment_due, payment_overdue, payment_recorded, statement, amount_used, quota_used, plan_ending, job_closed,
    job_not_closed, command_refused; of the wallet: wallet_opened, voucher_granted, voucher_used_up, voucher_forfeited,
    voucher_expiring, topped_up, adjusted, debt_begun, debt_paid, debt_written_off, debt_limit_set, debt_limit_removed,
    debt_limit_reached, low_balance, overage_refused. credit: the voucher, top-up or adjustment that it is about.
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
    """What an input does: the account's next state and the records to emit, in order.

    grew: the state took up a counter, so that its size must be checked.
    """

    state: Account
    outputs: tuple[Output, ...]
    grew: bool = False
