"""Charges: what plans paid of an event."""

import msgspec

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.outputs import Charge
from drawdown.engine.records import Record
from drawdown.wire.identity import output_id
from drawdown.wire.instants import format_instant
from drawdown.wire.outputs import BalanceMessage, Event, PaidLine, Position, event_of, paid_line, position_of


class ChargeMessage(msgspec.Struct, frozen=True, gc=False):
    """A charge of the plans ledger. seq: gapless per account, ledger and topic; applied: the order of inputs."""

    version: int
    id: str
    ledger: str
    account: str
    currency: str
    event: Event
    lines: list[PaidLine]
    total: str
    balances: list[BalanceMessage]
    seq: int
    applied: int
    position: Position
    appended: str
    rules: int


_encode = msgspec.json.Encoder().encode


def encode_charge(charge: Charge, identity: bytes, record: Record, ledger: str, rules: int) -> bytes:
    """Write a charge."""
    of = CURRENCIES[charge.currency]
    return _encode(
        ChargeMessage(
            1,
            output_id(identity, ledger, "charge"),
            ledger,
            charge.usage.account,
            charge.currency,
            event_of(charge.usage),
            [paid_line(line, of) for line in charge.lines],
            format_amount(charge.total, of),
            [
                BalanceMessage("plan", b.plan, format_amount(b.before, of), format_amount(b.after, of))
                for b in charge.balances
            ],
            charge.seq,
            charge.applied,
            position_of(record),
            format_instant(record.timestamp),
            rules,
        )
    )
