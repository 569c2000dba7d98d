"""Commands on `code-commands`, keyed by the code's hash: an operator's, and the wallet's."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from drawdown.domain.codes.model import CodeCommand, IssueCode, WithdrawCode
from drawdown.domain.errors import Reject
from drawdown.domain.limits import AMOUNT_MAX, CODE_LENGTH
from drawdown.domain.money import currency
from drawdown.domain.wallet.model import CodeTerms
from drawdown.engine.records import Record
from drawdown.wire.basics import (
    Ident,
    Instant,
    Name,
    StrictMessage,
    Version,
    reason_of,
)
from drawdown.wire.credit import CreditMessage, parts_of
from drawdown.wire.instants import optional_instant
from drawdown.wire.parsing import checked_bytes, ident, name
from drawdown.wire.redeeming import ClaimCodeMessage, CodeHash, SettleCodeMessage, claim_of

VALID_SECONDS_MAX = 10 * 366 * 86_400
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


class IssueCodeMessage(CreditMessage):
    """Load a code of a campaign. The credit expires at `expires`, or `valid_seconds` after the redemption.

    opens, closes: from when, and before when, it may be redeemed. per_account_max: codes of the campaign an account
    may redeem.
    """

    command: Literal["issue_code"]
    version: Version
    id: Ident
    code: CodeHash
    campaign: Name
    expires: Instant | None = None
    valid_seconds: Annotated[int, Field(ge=1, le=VALID_SECONDS_MAX)] | None = None
    opens: Instant | None = None
    closes: Instant | None = None
    per_account_max: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class WithdrawCodeMessage(StrictMessage):
    """Let a code be redeemed no more."""

    command: Literal["withdraw_code"]
    version: Version
    id: Ident
    code: CodeHash
    operator: Name
    reason: Annotated[str, Field(min_length=1, max_length=200)]


Message = IssueCodeMessage | WithdrawCodeMessage | ClaimCodeMessage | SettleCodeMessage
ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="command")])


def hash_of(code: str) -> str:
    """Give a code's hash, however it was typed. Raise Reject when it cannot be one; the text is never told."""
    plain = "".join(code.split()).upper()
    if len(plain) != CODE_LENGTH or not _LETTERS.issuperset(plain):
        raise Reject("invalid_value", f"a code has {CODE_LENGTH} letters A to Z and digits: check it, letter by letter")
    return hashlib.sha256(plain.encode()).hexdigest()


def decode_code_command(record: Record) -> tuple[CodeCommand, str]:
    """Read a command and its idempotency key; raise Reject with the reason."""
    try:
        message = ADAPTER.validate_json(checked_bytes(record.value))
    except ValidationError as error:
        raise reason_of(error) from error
    if record.key != message.code.encode():
        code = "missing_key" if record.key is None else "invalid_value"
        raise Reject(code, "the record's key must be the code's hash")
    ident(message.id, "id")
    if isinstance(message, IssueCodeMessage):
        return _issued(message), message.id
    if isinstance(message, WithdrawCodeMessage):
        operator, reason = name(message.operator, "operator"), ident(message.reason, "reason")
        return WithdrawCode(message.code, operator, reason), message.id
    return claim_of(message), message.id


def _issued(message: IssueCodeMessage) -> IssueCode:
    of = currency(message.currency)
    parts = parts_of(message, of)
    if not 0 < sum(part.amount for part in parts) <= AMOUNT_MAX:
        raise Reject("invalid_value", "a code's amount is above 0 and below the largest amount there can be")
    if (message.expires is None) == (message.valid_seconds is None):
        raise Reject("invalid_value", "a code's credit has expires, or valid_seconds; one of the two")
    expires = optional_instant(message.expires, "expires")
    valid_ms = None if message.valid_seconds is None else message.valid_seconds * 1000
    opens = optional_instant(message.opens, "opens")
    closes = optional_instant(message.closes, "closes")
    if opens is not None and closes is not None and closes <= opens:
        raise Reject("invalid_value", f"closes {message.closes} is not after opens {message.opens}")
    campaign = name(message.campaign, "campaign")
    terms = CodeTerms(campaign, of.code, message.priority, parts, expires, valid_ms, message.per_account_max)
    return IssueCode(message.code, terms, opens, closes)
