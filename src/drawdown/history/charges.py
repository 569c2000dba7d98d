"""Charges as the history takes them: cut into lines that one payer pays, each with its meter and price.

An overage's lines have no payers, and the wallet's charge of it only amounts by payer. Put together, credit pays the
lines in their order; the quantity of a line that several pay is divided in proportion, what is left to the last.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from drawdown.domain.quantity import MILLIONTHS

NOBODY: Final = "none"  # pays what costs nothing and no plan covered
_FRACTION: Final = 6


class Payer(msgspec.Struct, frozen=True, gc=False):
    """Who pays: kind plan, voucher, top_up or debt."""

    kind: str
    id: str | None


class Event(msgspec.Struct, frozen=True, gc=False):
    """What of a rated event the history keeps. dimensions: JSON."""

    service: str
    resource: str
    dimensions: msgspec.Raw


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line of a charge or overage; the wallet's have an amount and a payer alone."""

    amount: str
    payer: Payer | None = None
    time: str = ""
    meter: str = ""
    quantity: str = "0"
    unit_price: str = ""
    per: int = 0
    book: str = ""
    book_version: int = 0
    tier: int = 0


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where the input stands."""

    topic: str
    partition: int
    offset: int


class Charge(msgspec.Struct, frozen=True, gc=False):
    """A charge of either ledger, or an overage."""

    id: str
    ledger: str
    account: str
    currency: str
    event: Event
    lines: list[Line]
    seq: int
    position: Position
    appended: str


class Paid(NamedTuple):
    """What one payer pays of one line. quantity: millionths; amount: quanta."""

    line: Line
    payer: str
    payer_id: str
    quantity: int
    amount: int


decode_charge: Final = msgspec.json.Decoder(Charge).decode


def quanta(text: str) -> int:
    """Read an amount written with all the digits of its currency's quantum."""
    return int(text.replace(".", "", 1))


def millionths(text: str) -> int:
    """Read a quantity as charges write it."""
    whole, _, rest = text.partition(".")
    return int(whole) * MILLIONTHS + (int(rest.ljust(_FRACTION, "0")) if rest else 0)


def paid_lines(charge: Charge, overage: Charge | None) -> Iterator[Paid]:
    """Cut a charge. overage: what a charge of the wallet drew; None for a plan's, or where the log has lost it."""
    if overage is not None:
        yield from _drawn(overage.lines, charge.lines)
        return
    for line in charge.lines:
        payer = line.payer
        kind, ident = (NOBODY, None) if payer is None else (payer.kind, payer.id)
        yield Paid(line, kind, ident or "", millionths(line.quantity), quanta(line.amount))


def _drawn(lines: Sequence[Line], payments: Sequence[Line]) -> Iterator[Paid]:
    left = [quanta(payment.amount) for payment in payments]
    at = 0
    for line in lines:
        cost, whole = quanta(line.amount), millionths(line.quantity)
        owed, quantity = cost, whole
        if not cost or not payments:
            yield Paid(line, NOBODY, "", whole, 0)
        while owed and payments:
            while at + 1 < len(left) and not left[at]:
                at += 1
            amount = min(owed, left[at])
            last = amount == owed or at + 1 >= len(left)
            part = quantity if last else whole * amount // cost
            payer = payments[at].payer
            kind, ident = (NOBODY, None) if payer is None else (payer.kind, payer.id)
            yield Paid(line, kind, ident or "", part, amount)
            quantity -= part
            owed -= amount
            left[at] -= amount
            if last:
                break
