"""What an input comes to: charges, overages and account events, and the state after it. Units as in model.py."""

import msgspec

from drawdown.domain.commands import RequestPlan
from drawdown.domain.model import Account, Offer, ScopeItem
from drawdown.domain.rated import Charge, Overage
from drawdown.domain.terms import Payment, PaymentRequest


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
