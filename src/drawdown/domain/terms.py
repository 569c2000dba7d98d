"""What is paid for a plan and when: terms, instalments, payment requests, payments. Frozen structs, no behaviour.

Instants are ms since 1970 UTC, amounts quanta of the account's currency, as in model.py.
"""

from typing import Literal

import msgspec

TermsKind = Literal["upfront", "partial", "postpaid"]
Method = Literal["card", "e-wallet", "bank-transfer"]
RequestReason = Literal["plan", "first_part", "instalment", "statement", "shortfall"]
Succession = Literal["renewal", "now", "cycle_end"]


class Instalment(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A dated part of a plan's price."""

    due: int
    amount: int


class Terms(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How a plan is paid.

    upfront: the whole price, then it starts. partial: `first`, then it starts; the rest by instalments, whose sum and
    `first` are the price. postpaid: it starts at once; actual usage is asked for at each cycle's end; price and first
    are 0. pay_within_ms: from a request to its due instant. overdue_grace_ms: from there to suspension, or to the lapse
    of a plan that has not started. automatic: the plan renews itself. rollover: at settlement what is left goes to its
    renewal instead of being forfeited.
    """

    kind: TermsKind
    price: int
    first: int
    instalments: tuple[Instalment, ...]
    pay_within_ms: int
    overdue_grace_ms: int
    automatic: bool = False
    rollover: bool = False


class Follows(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Which plan another one follows, and how: as its renewal, or in its place, now or at its cycle's end.

    asked: what was asked for at its confirmation, before rounding to the digits of documents. Of a change that
    waits for the cycle's end, cut: by how much it has shortened the other plan, ms, None if that had no end; reminded:
    that plan's before.
    """

    plan: str
    how: Succession
    asked: int = 0
    cut: int | None = 0
    reminded: int = 0


class PaymentRequest(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Money asked for, until it is paid.

    number: counts the account's requests; 0 while it is only planned (an instalment before its time). amount: in the
    currency's own digits; exact: what it was rounded from. told: how many of its notices are out, see requests.py.
    """

    number: int
    plan: str
    reason: RequestReason
    amount: int
    exact: int
    due: int
    grace_ms: int
    paid: int = 0
    told: int = 0


class Payment(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Money that came in for a request. reference: the payment's own, taken once."""

    number: int
    method: Method
    reference: str
    amount: int
    currency: str
