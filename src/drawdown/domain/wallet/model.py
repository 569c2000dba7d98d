"""The wallet's nouns: frozen structs, no behaviour. Units as in domain/model.py."""

from typing import Literal

import msgspec

from drawdown.domain.model import Dimensions, ScopeItem
from drawdown.domain.outputs import AccountEvent


class Part(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A share of a voucher's credit for a scope.

    scope: () means all services but those of `others_than`, which the voucher's other parts name.
    """

    scope: tuple[ScopeItem, ...]
    others_than: tuple[str, ...]
    amount: int
    spent: int = 0


class Voucher(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Granted credit. expires: the last instant at which usage may end to be paid by it. granted: its `applied`.

    reminded: how many of the reminders before its expiry are behind it.
    """

    id: str
    priority: int
    expires: int
    granted: int
    parts: tuple[Part, ...]
    reminded: int = 0


class TopUp(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Bought credit, or credit that an operator added. spent: on usage, on debt, or taken back by a correction."""

    id: str
    amount: int
    spent: int = 0


class Redemption(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A code that was asked for and not answered yet. code: its hash, hexadecimal. asked: append time, ms."""

    id: str
    code: str
    asked: int


class Spending(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a service's overages came to in the wallet's hour so far, and in the whole hour before it."""

    service: str
    now: int
    before: int


class Wallet(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The wallet ledger's whole state of one account.

    overage_seq: of the newest overage taken. vouchers: with something left and not forfeited. top_ups: with something
    left, first in first out. debt: what was used and nothing has paid for. past: digests of the ids of vouchers,
    top-ups, adjustments and redemptions, newest last, so that none counts twice. tries: append times of the newest
    codes tried, ms. redemptions: in flight. campaigns: how many codes of each were redeemed, by a digest of its name.
    debt_limit: from what debt on the account is told and to be denied more (nothing is refused for it); None: no limit.
    hour: when the hour of the newest overage began, append time, ms. spending: of that hour and the one before it.
    low_told: low balance was told, and no credit has lifted it since.
    """

    id: str
    currency: str
    opened: int
    applied: int = 0
    seq_charges: int = 0
    seq_events: int = 0
    overage_seq: int = 0
    debt: int = 0
    vouchers: tuple[Voucher, ...] = ()
    top_ups: tuple[TopUp, ...] = ()
    past: tuple[bytes, ...] = ()
    tries: tuple[int, ...] = ()
    redemptions: tuple[Redemption, ...] = ()
    campaigns: tuple[tuple[bytes, int], ...] = ()
    debt_limit: int | None = None
    hour: int = 0
    spending: tuple[Spending, ...] = ()
    low_told: bool = False


class CodeTerms(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a code is worth. expires: of the credit, an instant, ms; valid_ms: or so long after the redemption.

    per_account_max: codes of its campaign that one account may redeem.
    """

    campaign: str
    currency: str
    priority: int
    parts: tuple[Part, ...]
    expires: int | None
    valid_ms: int | None
    per_account_max: int


# --- inputs -----------------------------------------------------------------------------------


class OverageDue(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An overage to draw, as the plans ledger priced it. time: the end of the usage."""

    account: str
    currency: str
    source: str
    event: str
    service: str
    resource: str
    dimensions: Dimensions
    time: int
    start: int | None
    overage: str
    seq: int
    total: int


class OpenWallet(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Open the account's wallet in its currency."""

    account: str
    currency: str


class GrantVoucher(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Grant credit. parts: at least one; their amounts are the voucher's."""

    account: str
    voucher: str
    currency: str
    priority: int
    expires: int
    parts: tuple[Part, ...]


class AddCredit(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A top-up was paid. reference: of the payment, unique to it."""

    account: str
    reference: str
    currency: str
    amount: int


AdjustmentKind = Literal["grant", "correction", "write_off"]


class Adjust(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An operator grants credit, corrects it (taken back with an amount below 0), or writes debt off.

    adjustment: its id.
    """

    account: str
    adjustment: str
    currency: str
    amount: int
    reason: str
    operator: str
    kind: AdjustmentKind = "correction"


class SetDebtLimit(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An operator sets from what debt on the account is told and denied more; None takes the limit away."""

    account: str
    currency: str
    limit: int | None
    reason: str
    operator: str


class RedeemCode(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A customer tries a code. redemption: the id of this attempt, and of the voucher if it is granted. code: hash."""

    account: str
    redemption: str
    code: str


class CodeAnswer(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The codes ledger's answer to a claim. refused: why, or "" and then `terms` say what the code is worth."""

    account: str
    redemption: str
    code: str
    refused: str
    terms: CodeTerms | None


class WalletTimer(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Something of the wallet was due at `due`; sent by the shard's owner once the watermark has passed it."""

    account: str
    due: int


WalletCommand = OpenWallet | GrantVoucher | AddCredit | Adjust | SetDebtLimit | RedeemCode | CodeAnswer | WalletTimer


# --- outputs ----------------------------------------------------------------------------------

PayerKind = Literal["voucher", "top_up", "debt"]


class Payment(msgspec.Struct, frozen=True, gc=False):
    """What one source paid of an overage, and what was left of it before and after; for debt, what was owed."""

    kind: PayerKind
    id: str | None
    amount: int
    before: int
    after: int


class WalletCharge(msgspec.Struct, frozen=True, gc=False):
    """Who paid an overage."""

    due: OverageDue
    payments: tuple[Payment, ...]
    seq: int
    applied: int


class ClaimCode(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The wallet asks the codes ledger for a code. at: append time of the customer's attempt, ms."""

    code: str
    account: str
    redemption: str
    at: int


class SettleCode(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The wallet tells the codes ledger what became of a claim: the credit is granted, or the code given back."""

    code: str
    account: str
    redemption: str
    granted: bool


WalletOutput = WalletCharge | AccountEvent | ClaimCode | SettleCode


class WalletDecision(msgspec.Struct, frozen=True, gc=False):
    """What an input does: the wallet's next state and the records to emit, in order."""

    state: Wallet
    outputs: tuple[WalletOutput, ...]
