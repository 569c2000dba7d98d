"""Overages: what no plan covered of an event, priced on demand, for the wallet or a platform's credit service."""

import msgspec

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.outputs import Overage
from drawdown.engine.records import Record
from drawdown.wire.identity import output_id
from drawdown.wire.instants import format_instant
from drawdown.wire.outputs import Event, OpenLine, Position, event_of, open_line, position_of


class OverageMessage(msgspec.Struct, frozen=True, gc=False):
    """An overage. seq: gapless per account and topic; applied: the order of the account's inputs."""

    version: int
    id: str
    ledger: str
    account: str
    currency: str
    event: Event
    lines: list[OpenLine]
    total: str
    seq: int
    applied: int
    position: Position
    appended: str
    rules: int


_encode = msgspec.json.Encoder().encode


def encode_overage(overage: Overage, identity: bytes, record: Record, ledger: str, rules: int) -> bytes:
    """Write an overage."""
    of = CURRENCIES[overage.currency]
    return _encode(
        OverageMessage(
            1,
            output_id(identity, ledger, "overage"),
            ledger,
            overage.usage.account,
            overage.currency,
            event_of(overage.usage),
            [open_line(line, of) for line in overage.lines],
            format_amount(overage.total, of),
            overage.seq,
            overage.applied,
            position_of(record),
            format_instant(record.timestamp),
            rules,
        )
    )
