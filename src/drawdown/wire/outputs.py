"""What every output shares: the event it rates, its lines, its position."""

import msgspec
from msgspec import UNSET, UnsetType

from drawdown.domain.model import Usage
from drawdown.domain.money import Currency, format_amount
from drawdown.domain.outputs import Line
from drawdown.domain.quantity import format_quantity
from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where the input stands on the log."""

    topic: str
    partition: int
    offset: int


class Event(msgspec.Struct, frozen=True, gc=False):
    """The usage event that was rated. start: null without an interval."""

    source: str
    id: str
    service: str
    resource: str
    dimensions: dict[str, str]
    time: str
    start: str | None


class Payer(msgspec.Struct, frozen=True, gc=False):
    """Who pays a line. kind: plan, voucher, top_up or debt. id: of the plan, voucher or top-up; null for debt."""

    kind: str
    id: str | None


class BalanceMessage(msgspec.Struct, frozen=True, gc=False):
    """What was left in a source before and after a charge; for debt, what was owed. kind, id: as a payer's."""

    kind: str
    id: str | None
    before: str
    after: str


class PaidLine(msgspec.Struct, frozen=True, gc=False):
    """A rated part of the event: quantity of a meter, price, amount, the book's version, who pays.

    tier: of a graduated price, from 1. packages: how many were opened, of a package price. Others have neither.
    """

    time: str
    meter: str
    quantity: str
    unit_price: str
    per: int
    amount: str
    book: str
    book_version: int
    payer: Payer
    tier: int | UnsetType = UNSET
    packages: int | UnsetType = UNSET


class OpenLine(msgspec.Struct, frozen=True, gc=False):
    """A rated part of the event that no plan covered, priced on demand. tier, packages: as a paid line's."""

    time: str
    meter: str
    quantity: str
    unit_price: str
    per: int
    amount: str
    book: str
    book_version: int
    tier: int | UnsetType = UNSET
    packages: int | UnsetType = UNSET


def position_of(record: Record) -> Position:
    """Give an input's position."""
    return Position(record.topic, record.partition, record.offset)


def event_of(usage: Usage) -> Event:
    """Give the event that an output rates."""
    return Event(
        usage.source,
        usage.id,
        usage.service,
        usage.resource,
        dict(usage.dimensions),
        format_instant(usage.time),
        None if usage.start is None else format_instant(usage.start),
    )


def open_line(line: Line, of: Currency) -> OpenLine:
    """Give an overage's line."""
    return OpenLine(
        format_instant(line.time),
        line.meter,
        format_quantity(line.quantity),
        format_amount(line.unit_price, of),
        line.per,
        format_amount(line.amount, of),
        line.book,
        line.book_version,
        UNSET if line.tier is None else line.tier,
        UNSET if line.packages is None else line.packages,
    )


def paid_line(line: Line, of: Currency) -> PaidLine:
    """Give a charge's line."""
    return PaidLine(
        format_instant(line.time),
        line.meter,
        format_quantity(line.quantity),
        format_amount(line.unit_price, of),
        line.per,
        format_amount(line.amount, of),
        line.book,
        line.book_version,
        Payer("plan", line.plan),
        UNSET if line.tier is None else line.tier,
        UNSET if line.packages is None else line.packages,
    )
