"""Messages of a redemption: the customer's, and those between the wallet and the codes ledger."""

from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field

from drawdown.domain.errors import Reject
from drawdown.domain.limits import SCOPE_ITEMS_MAX, VOUCHER_PARTS_MAX
from drawdown.domain.money import CURRENCIES, currency, format_amount, parse_amount
from drawdown.domain.wallet.model import ClaimCode, CodeAnswer, CodeTerms, Part, RedeemCode, SettleCode
from drawdown.wire.basics import (
    CurrencyCode,
    Decimal,
    Ident,
    Instant,
    Name,
    ScopeItemMessage,
    StrictMessage,
    Version,
    scope_item,
)
from drawdown.wire.instants import format_instant, optional_instant, parse_instant
from drawdown.wire.parsing import name

CodeHash = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the code in capitals without spaces", examples=["0" * 64]),
]
_encode = msgspec.json.Encoder().encode


class RedeemCodeMessage(StrictMessage):
    """A customer tries a voucher code. redemption: the name of this attempt, and of the voucher that it grants."""

    command: Literal["redeem_code"]
    version: Version
    id: Ident
    account: Name
    redemption: Name
    code: CodeHash


class PartMessage(StrictMessage):
    """A share of the credit. scope: empty for all services but those of others_than."""

    scope: Annotated[list[ScopeItemMessage], Field(max_length=SCOPE_ITEMS_MAX)]
    others_than: Annotated[list[Name], Field(max_length=SCOPE_ITEMS_MAX)]
    amount: Decimal


class TermsMessage(StrictMessage):
    """What a code is worth: credit that expires at an instant, or so long after the redemption."""

    campaign: Name
    currency: CurrencyCode
    priority: Annotated[int, Field(ge=0, le=1_000_000)]
    parts: Annotated[list[PartMessage], Field(min_length=1, max_length=VOUCHER_PARTS_MAX)]
    expires: Instant | None
    valid_ms: Annotated[int, Field(ge=1)] | None
    per_account_max: Annotated[int, Field(ge=1)]


class CodeAnswerMessage(StrictMessage):
    """The codes ledger answers a claim: why it is refused, or the terms of the credit to grant."""

    command: Literal["code_answer"]
    version: Version
    id: Ident
    account: Name
    redemption: Name
    code: CodeHash
    refused: Literal["wrong_code", "code_not_yet_valid", "code_expired", "code_used", "code_withdrawn"] | None = None
    terms: TermsMessage | None = None


class ClaimCodeMessage(StrictMessage):
    """The wallet asks for a code. at: when the customer tried it."""

    command: Literal["claim_code"]
    version: Version
    id: Ident
    account: Name
    redemption: Name
    code: CodeHash
    at: Instant


class SettleCodeMessage(StrictMessage):
    """The wallet says what became of a claim: the credit is granted, or the code is given back."""

    command: Literal["settle_code"]
    version: Version
    id: Ident
    account: Name
    redemption: Name
    code: CodeHash
    granted: bool


def redemption_of(message: RedeemCodeMessage | CodeAnswerMessage, account: str) -> RedeemCode | CodeAnswer:
    """Give what the wallet reads; raise Reject with the reason."""
    redemption = name(message.redemption, "redemption")
    if isinstance(message, RedeemCodeMessage):
        return RedeemCode(account, redemption, message.code)
    if (message.refused is None) == (message.terms is None):
        raise Reject("invalid_value", "an answer is refused, or has terms; one of the two")
    terms = None if message.terms is None else _terms(message.terms)
    return CodeAnswer(account, redemption, message.code, message.refused or "", terms)


def claim_of(message: ClaimCodeMessage | SettleCodeMessage) -> ClaimCode | SettleCode:
    """Give what the codes ledger reads; raise Reject with the reason."""
    account, redemption = name(message.account, "account"), name(message.redemption, "redemption")
    if isinstance(message, ClaimCodeMessage):
        return ClaimCode(message.code, account, redemption, parse_instant(message.at, "at"))
    return SettleCode(message.code, account, redemption, message.granted)


def _terms(message: TermsMessage) -> CodeTerms:
    of = currency(message.currency)
    parts = [
        Part(tuple(scope_item(item) for item in part.scope), tuple(part.others_than), parse_amount(part.amount, of))
        for part in message.parts
    ]
    expires = optional_instant(message.expires, "expires")
    return CodeTerms(
        name(message.campaign, "campaign"),
        of.code,
        message.priority,
        tuple(parts),
        expires,
        message.valid_ms,
        message.per_account_max,
    )


def encode_to_codes(message: ClaimCode | SettleCode, ident: str) -> bytes:
    """Write what the wallet says to the codes ledger."""
    told: dict[str, Any] = {"version": 1, "id": ident, "account": message.account, "redemption": message.redemption}
    told["code"] = message.code
    if isinstance(message, ClaimCode):
        return _encode({"command": "claim_code", **told, "at": format_instant(message.at)})
    return _encode({"command": "settle_code", **told, "granted": message.granted})


def encode_answer(answer: CodeAnswer, ident: str) -> bytes:
    """Write what the codes ledger answers."""
    told: dict[str, Any] = {"command": "code_answer", "version": 1, "id": ident, "account": answer.account}
    told |= {"redemption": answer.redemption, "code": answer.code}
    if answer.terms is None:
        return _encode(told | {"refused": answer.refused})
    terms = answer.terms
    of = CURRENCIES[terms.currency]
    parts = [
        {
            "scope": [{"service": item.service, "dimensions": dict(item.dimensions)} for item in part.scope],
            "others_than": part.others_than,
            "amount": format_amount(part.amount, of),
        }
        for part in terms.parts
    ]
    said = {"campaign": terms.campaign, "currency": terms.currency, "priority": terms.priority, "parts": parts}
    said["expires"] = None if terms.expires is None else format_instant(terms.expires)
    said |= {"valid_ms": terms.valid_ms, "per_account_max": terms.per_account_max}
    return _encode(told | {"terms": said})
