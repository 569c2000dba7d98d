"""What of a history is asked for, and from where on."""

from dataclasses import dataclass
from typing import Final, Literal

from drawdown.errors import BadInput

Balance = Literal["plan", "voucher", "top_up", "debt"]
Status = Literal["success", "failed", "processed"]
BALANCES: Final = ("plan", "voucher", "top_up", "debt")
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Filters:
    """All that is given must fit. since, until: ms, the second exclusive; an hour is in them if its beginning is.

    With a service or resource there is nothing but usage.
    """

    balance: Balance | None = None
    service: str | None = None
    resource: str | None = None
    status: Status | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to before `end`, ms, both on a whole hour: charges are rolled up by it."""

    start: int
    end: int


def period_of(start: int, end: int) -> Period:
    """Give a period. Raise BadInput when it is none, or not of whole hours."""
    if start >= end:
        raise BadInput("a period begins before it ends")
    if start % HOUR_MS or end % HOUR_MS:
        raise BadInput("a period begins and ends on a whole hour, for charges are kept by the hour")
    return Period(start, end)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of Credit History ends: the instant of its last entry, and which one of that instant it was."""

    at: int
    rank: int  # 0: usage, by its series; 1: an event, by its id
    ident: int
