"""The codes ledger's nouns: frozen structs, no behaviour. A code is only known by its hash, 64 hexadecimal digits."""

import msgspec

from drawdown.domain.wallet.model import ClaimCode, CodeAnswer, CodeTerms, SettleCode


class Claim(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Who has the code. granted: the wallet has granted the credit; before that the redemption is in flight."""

    account: str
    redemption: str
    at: int
    granted: bool = False


class Code(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One code. opens, closes: the window in which it may be redeemed, [opens, closes), ms; None: no bound."""

    hash: str
    terms: CodeTerms
    opens: int | None
    closes: int | None
    claim: Claim | None = None
    withdrawn: bool = False


class IssueCode(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Load a code of a campaign."""

    code: str
    terms: CodeTerms
    opens: int | None
    closes: int | None


class WithdrawCode(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Let a code be redeemed no more; a redemption in flight still ends."""

    code: str
    operator: str
    reason: str


CodeCommand = IssueCode | WithdrawCode | ClaimCode | SettleCode


class CodeDecision(msgspec.Struct, frozen=True, gc=False):
    """What an input does. state: None leaves the code as it was. answer: for the wallet that asked."""

    state: Code | None
    answer: CodeAnswer | None = None
