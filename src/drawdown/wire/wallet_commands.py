"""Commands on `wallet-commands`, where people and other services write: pydantic says what is wrong."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from drawdown.domain.money import currency, parse_amount
from drawdown.domain.wallet.model import (
    AddCredit,
    Adjust,
    GrantVoucher,
    OpenWallet,
    SetDebtLimit,
    WalletCommand,
    WalletTimer,
)
from drawdown.engine.records import Record
from drawdown.wire.basics import (
    CurrencyCode,
    Decimal,
    Ident,
    Instant,
    Name,
    StrictMessage,
    Version,
    keyed,
    reason_of,
)
from drawdown.wire.commands import OpenAccountMessage, TimerMessage
from drawdown.wire.credit import CreditMessage, parts_of
from drawdown.wire.instants import parse_instant
from drawdown.wire.parsing import checked_bytes, ident, name
from drawdown.wire.redeeming import CodeAnswerMessage, RedeemCodeMessage, redemption_of

Signed = Annotated[str, Field(pattern=r"^-?[0-9]{1,19}(\.[0-9]{1,18})?$", examples=["-12.50"])]


class GrantVoucherMessage(CreditMessage):
    """Grant credit that expires: for a scope, or split into parts for a service or product each."""

    command: Literal["grant_voucher"]
    version: Version
    id: Ident
    account: Name
    voucher: Name
    expires: Instant


class TopUpMessage(StrictMessage):
    """Credit a payment. reference: the payment's own, credited once."""

    command: Literal["top_up"]
    version: Version
    id: Ident
    account: Name
    reference: Name
    currency: CurrencyCode
    amount: Decimal


class AdjustMessage(StrictMessage):
    """An operator grants credit, corrects it (an amount below zero takes it back), or writes debt off."""

    command: Literal["adjust"]
    version: Version
    id: Ident
    account: Name
    adjustment: Name
    currency: CurrencyCode
    amount: Signed
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    operator: Name
    kind: Literal["grant", "correction", "write_off"] = "correction"


class SetDebtLimitMessage(StrictMessage):
    """An operator sets from what debt on the account is told and denied more; null takes the limit away."""

    command: Literal["set_debt_limit"]
    version: Version
    id: Ident
    account: Name
    currency: CurrencyCode
    limit: Decimal | None
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    operator: Name


Message = (
    OpenAccountMessage
    | GrantVoucherMessage
    | TopUpMessage
    | AdjustMessage
    | SetDebtLimitMessage
    | RedeemCodeMessage
    | CodeAnswerMessage
    | TimerMessage
)
ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="command")])


def decode_wallet_command(record: Record) -> tuple[WalletCommand, str]:
    """Read a command and its idempotency key; raise Reject with the reason."""
    value = checked_bytes(record.value)
    try:
        message = ADAPTER.validate_json(value)
    except ValidationError as error:
        raise reason_of(error) from error
    account = keyed(record, message.account)
    return _command(message, account), ident(message.id, "id")


def _command(message: Message, account: str) -> WalletCommand:
    if isinstance(message, OpenAccountMessage):
        return OpenWallet(account, message.currency)
    if isinstance(message, TimerMessage):
        return WalletTimer(account, parse_instant(message.due, "due"))
    if isinstance(message, RedeemCodeMessage | CodeAnswerMessage):
        return redemption_of(message, account)
    of = currency(message.currency)
    if isinstance(message, GrantVoucherMessage):
        expires = parse_instant(message.expires, "expires")
        voucher = name(message.voucher, "voucher")
        return GrantVoucher(account, voucher, of.code, message.priority, expires, parts_of(message, of))
    if isinstance(message, TopUpMessage):
        return AddCredit(account, name(message.reference, "reference"), of.code, parse_amount(message.amount, of))
    operator, reason = name(message.operator, "operator"), ident(message.reason, "reason")
    if isinstance(message, SetDebtLimitMessage):
        limit = None if message.limit is None else parse_amount(message.limit, of)
        return SetDebtLimit(account, of.code, limit, reason, operator)
    digits = message.amount.removeprefix("-")
    amount = parse_amount(digits, of) * (1 if digits == message.amount else -1)
    return Adjust(account, name(message.adjustment, "adjustment"), of.code, amount, reason, operator, message.kind)
