"""The wallet's charges: who paid an overage."""

import msgspec

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.wallet.model import OverageDue, WalletCharge
from drawdown.engine.records import Record
from drawdown.wire.identity import output_id
from drawdown.wire.instants import format_instant
from drawdown.wire.outputs import BalanceMessage, Event, Payer, Position, position_of


class DrawnLine(msgspec.Struct, frozen=True, gc=False):
    """What one source paid of the overage."""

    amount: str
    payer: Payer


class DrawnOverage(msgspec.Struct, frozen=True, gc=False):
    """The overage that was drawn; its own record on `credit-charging` holds its priced lines."""

    id: str
    seq: int


class WalletChargeMessage(msgspec.Struct, frozen=True, gc=False):
    """A charge of the wallet ledger. seq: gapless per account, ledger and topic; applied: the order of inputs."""

    version: int
    id: str
    ledger: str
    account: str
    currency: str
    event: Event
    overage: DrawnOverage
    lines: list[DrawnLine]
    total: str
    balances: list[BalanceMessage]
    seq: int
    applied: int
    position: Position
    appended: str
    rules: int


_encode = msgspec.json.Encoder().encode


def encode_wallet_charge(charge: WalletCharge, identity: bytes, record: Record, ledger: str, rules: int) -> bytes:
    """Write a charge of the wallet."""
    due = charge.due
    of = CURRENCIES[due.currency]
    return _encode(
        WalletChargeMessage(
            1,
            output_id(identity, ledger, "charge"),
            ledger,
            due.account,
            due.currency,
            _event_of(due),
            DrawnOverage(due.overage, due.seq),
            [DrawnLine(format_amount(paid.amount, of), Payer(paid.kind, paid.id)) for paid in charge.payments],
            format_amount(due.total, of),
            [
                BalanceMessage(paid.kind, paid.id, format_amount(paid.before, of), format_amount(paid.after, of))
                for paid in charge.payments
            ],
            charge.seq,
            charge.applied,
            position_of(record),
            format_instant(record.timestamp),
            rules,
        )
    )


def _event_of(due: OverageDue) -> Event:
    return Event(
        due.source,
        due.event,
        due.service,
        due.resource,
        dict(due.dimensions),
        format_instant(due.time),
        None if due.start is None else format_instant(due.start),
    )
