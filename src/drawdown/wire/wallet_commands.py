"""Commands on `wallet-commands`, where people and other services write: pydantic says what is wrong."""

from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from drawdown.domain.catalogue import service
from drawdown.domain.errors import Reject
from drawdown.domain.limits import SCOPE_ITEMS_MAX, VOUCHER_PARTS_MAX
from drawdown.domain.money import Currency, currency, parse_amount
from drawdown.domain.wallet.model import (
    AddCredit,
    Adjust,
    GrantVoucher,
    OpenWallet,
    Part,
    WalletCommand,
    WalletTimer,
)
from drawdown.engine.records import Record
from drawdown.wire.basics import (
    MESSAGE,
    CurrencyCode,
    Decimal,
    Ident,
    Instant,
    Name,
    QuotaMessage,
    ScopeItemMessage,
    Version,
    keyed,
    reason_of,
    scope_item,
)
from drawdown.wire.commands import OpenAccountMessage, TimerMessage
from drawdown.wire.instants import parse_instant
from drawdown.wire.parsing import checked_bytes, ident, name
from drawdown.wire.redeeming import CodeAnswerMessage, RedeemCodeMessage, redemption_of

Signed = Annotated[str, Field(pattern=r"^-?[0-9]{1,19}(\.[0-9]{1,18})?$", examples=["-12.50"])]


class OtherServicesMessage(BaseModel):
    """The part of a split voucher for every service that its other parts do not name."""

    model_config = MESSAGE

    others: Literal[True]
    amount: Decimal


Split = Annotated[list[QuotaMessage | OtherServicesMessage], Field(min_length=2, max_length=VOUCHER_PARTS_MAX)]


class GrantVoucherMessage(BaseModel):
    """Grant credit that expires: for a scope, or split into parts for a service or product each."""

    model_config = MESSAGE

    command: Literal["grant_voucher"]
    version: Version
    id: Ident
    account: Name
    voucher: Name
    currency: CurrencyCode
    expires: Instant
    priority: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    amount: Decimal | None = None
    scope: Literal["all"] | Annotated[list[ScopeItemMessage], Field(min_length=1, max_length=SCOPE_ITEMS_MAX)] = "all"
    split: Split | None = None


class Credit(Protocol):
    """How a message says what its credit is for."""

    @property
    def amount(self) -> str | None:
        """The whole amount."""

    @property
    def scope(self) -> Literal["all"] | list[ScopeItemMessage]:
        """What it is for."""

    @property
    def split(self) -> list[QuotaMessage | OtherServicesMessage] | None:
        """Its parts, instead of amount and scope."""


class TopUpMessage(BaseModel):
    """Credit a payment. reference: the payment's own, credited once."""

    model_config = MESSAGE

    command: Literal["top_up"]
    version: Version
    id: Ident
    account: Name
    reference: Name
    currency: CurrencyCode
    amount: Decimal


class AdjustMessage(BaseModel):
    """An operator adds credit, or takes it back with an amount below zero."""

    model_config = MESSAGE

    command: Literal["adjust"]
    version: Version
    id: Ident
    account: Name
    adjustment: Name
    currency: CurrencyCode
    amount: Signed
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    operator: Name


Message = (
    OpenAccountMessage
    | GrantVoucherMessage
    | TopUpMessage
    | AdjustMessage
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
    digits = message.amount.removeprefix("-")
    amount = parse_amount(digits, of) * (1 if digits == message.amount else -1)
    adjustment, operator = name(message.adjustment, "adjustment"), name(message.operator, "operator")
    return Adjust(account, adjustment, of.code, amount, ident(message.reason, "reason"), operator)


def parts_of(message: Credit, of: Currency) -> tuple[Part, ...]:
    """Give a credit's parts; raise Reject when it has both ways of saying them, or none."""
    if message.split is None:
        if message.amount is None:
            raise Reject("missing_field", "a voucher has an amount, or a split with an amount in each part")
        scope = () if message.scope == "all" else tuple(scope_item(item) for item in message.scope)
        return (Part(scope, (), parse_amount(message.amount, of)),)
    if message.amount is not None or message.scope != "all":
        raise Reject("invalid_value", "a voucher has a split, or an amount and a scope; not both")
    named = [part for part in message.split if isinstance(part, QuotaMessage)]
    others = [part for part in message.split if isinstance(part, OtherServicesMessage)]
    if len(others) > 1:
        raise Reject("invalid_value", "a split has at most one part for other services")
    services = tuple(sorted({service(part.service).name for part in named if not part.dimensions}))
    parts = [Part((scope_item(part),), (), parse_amount(part.amount, of)) for part in named]
    parts += [Part((), services, parse_amount(part.amount, of)) for part in others]
    return tuple(parts)
