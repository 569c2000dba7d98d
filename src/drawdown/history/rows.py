"""What a history is made of, as it is read: rows of usage by the hour, and what happened beside them.

Instants are ms since 1970 UTC, amounts quanta of the account's currency, quantities millionths of a meter's quantum.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Owner:
    """The account that a history is of. whole: nothing from before its first record is missing."""

    id: int
    name: str
    currency: str
    partition: int
    whole: bool


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one series of a resource came to in an hour. amount: what was charged, never negative.

    charged: when the hour began in which it was charged; used: that of the beginning of the usage.
    payer: plan, voucher, top_up, debt, or none for what costs nothing; payer_id: "" where it has none.
    meter "" (and no price): a charge whose overage is no longer on the log. tier 0: the price has none.
    unit_price: a decimal, for `per` of the meter's quanta.
    """

    series: int
    charged: int
    used: int
    service: str
    resource: str
    dimensions: dict[str, str]
    meter: str
    payer: str
    payer_id: str
    book: str
    book_version: int
    tier: int
    unit_price: str
    per: int
    lines: int
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """An account event. balance, change: which kind of balance it changed, and by how much, signed; see happenings.py.

    credit: the voucher, top-up or adjustment that it is about. about: what else it says, as on the log.
    """

    id: int
    ledger: str
    seq: int
    appended: int
    kind: str
    plan: str | None
    credit: str | None
    code: str | None
    reason: str | None
    amount: int
    detail: str
    command: str | None
    about: dict[str, Any]
    balance: str
    change: int
    status: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """How far the history of an account is: the next offsets of its partition, and its newest record's append time."""

    partition: int
    charges: int
    account_events: int
    appended: str | None
