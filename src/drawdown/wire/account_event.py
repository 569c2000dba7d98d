"""Account events: what happened to an account, and which commands were applied or refused."""

import msgspec
from msgspec import UNSET, UnsetType

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.outputs import AccountEvent
from drawdown.engine.records import Record
from drawdown.wire.about import About, about_of
from drawdown.wire.identity import output_id
from drawdown.wire.instants import format_instant
from drawdown.wire.outputs import Position


class AccountEventMessage(msgspec.Struct, frozen=True, gc=False):
    """An account event. code: why a command was refused; reason: why a plan expired; command: its idempotency key.

    credit: the voucher, top-up or adjustment that it is about. about: what else there is to say, left out if nothing.
    """

    version: int
    id: str
    ledger: str
    account: str
    kind: str
    plan: str | None
    credit: str | None
    code: str | None
    reason: str | None
    amount: str
    currency: str
    detail: str
    seq: int
    applied: int
    command: str | None
    position: Position
    appended: str
    rules: int
    about: About | UnsetType = UNSET


_encode = msgspec.json.Encoder().encode


def encode_account_event(
    event: AccountEvent, identity: bytes, record: Record, ledger: str, rules: int, *, command: str | None
) -> bytes:
    """Write an account event."""
    return _encode(
        AccountEventMessage(
            1,
            output_id(identity, ledger, "event", event.seq),
            ledger,
            event.account,
            event.kind,
            event.plan,
            event.credit,
            event.code or None,
            event.reason or None,
            format_amount(event.amount, CURRENCIES[event.currency]),
            event.currency,
            event.detail,
            event.seq,
            event.applied,
            command,
            Position(record.topic, record.partition, record.offset),
            format_instant(record.timestamp),
            rules,
            UNSET if event.about is None else about_of(event),
        )
    )
