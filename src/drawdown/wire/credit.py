"""What credit that expires is for: an amount for a scope, or a split into parts. Vouchers and voucher codes have it."""

from typing import Annotated, Literal

from pydantic import Field

from drawdown.domain.catalogue import service
from drawdown.domain.errors import Reject
from drawdown.domain.limits import VOUCHER_PARTS_MAX
from drawdown.domain.money import Currency, parse_amount
from drawdown.domain.wallet.model import Part
from drawdown.wire.basics import CurrencyCode, Decimal, QuotaMessage, Scope, StrictMessage, scope_item, scope_of


class OtherServicesMessage(StrictMessage):
    """The part of a split voucher for every service that its other parts do not name."""

    others: Literal[True]
    amount: Decimal


Split = Annotated[list[QuotaMessage | OtherServicesMessage], Field(min_length=2, max_length=VOUCHER_PARTS_MAX)]


class CreditMessage(StrictMessage):
    """Credit for a scope, or split into parts for a service or product each."""

    currency: CurrencyCode
    priority: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    amount: Decimal | None = None
    scope: Scope = "all"
    split: Split | None = None


def parts_of(message: CreditMessage, of: Currency) -> tuple[Part, ...]:
    """Give a credit's parts; raise Reject when it has both ways of saying them, or none."""
    if message.split is None:
        if message.amount is None:
            raise Reject("missing_field", "a voucher has an amount, or a split with an amount in each part")
        return (Part(scope_of(message.scope), (), parse_amount(message.amount, of)),)
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
