"""What the oracle keeps of wallets, and what it expects of their outputs, in plain fractions."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


@dataclass
class Part:
    """A share of a voucher."""

    scope: list[dict[str, Any]] | None
    others_than: set[str]
    left: Fraction


@dataclass
class Voucher:
    """A voucher as the oracle keeps it, from its grant on."""

    name: str
    priority: int
    expires: int
    granted: int
    parts: list[Part]
    amount: Fraction
    forfeited: Fraction = Fraction(0)
    closed: bool = False
    reminded: int = 0

    @property
    def left(self) -> Fraction:
        """What is left over all parts."""
        return sum((part.left for part in self.parts), Fraction(0))


@dataclass
class TopUp:
    """Bought credit, or an operator's. on_debt, taken_back: what went there instead of paying usage."""

    name: str
    amount: Fraction
    left: Fraction
    on_debt: Fraction = Fraction(0)
    taken_back: Fraction = Fraction(0)


@dataclass
class Wallet:
    """A wallet as the oracle keeps it."""

    currency: str
    applied: int = 0
    overage_seq: int = 0
    vouchers: list[Voucher] = field(default_factory=list)
    top_ups: list[TopUp] = field(default_factory=list)
    debt: Fraction = Fraction(0)
    debt_made: Fraction = Fraction(0)
    debt_paid: Fraction = Fraction(0)
    written_off: Fraction = Fraction(0)
    debt_limit: Fraction | None = None
    low_told: bool = False
    used: dict[str, dict[int, Fraction]] = field(default_factory=dict)  # service → hour since 1970 → what it came to
    hour: int = 0  # the newest
    uses: int = 0
    known: set[str] = field(default_factory=set)
    tries: list[int] = field(default_factory=list)
    in_flight: dict[str, tuple[str, int]] = field(default_factory=dict)  # redemption → code's hash, when it was tried
    redeemed: dict[str, int] = field(default_factory=dict)  # campaign → codes

    def open_vouchers(self) -> list[Voucher]:
        """List the vouchers that have something left."""
        return [voucher for voucher in self.vouchers if voucher.left and not voucher.closed]


@dataclass(frozen=True)
class Paid:
    """What one source paid, and what was left of it (owed, for debt) before and after."""

    kind: str
    name: str | None
    amount: Fraction
    before: Fraction
    after: Fraction


@dataclass(frozen=True)
class Drawn:
    """One record that must be among the wallet's outputs. reason: a number where the kind has one."""

    topic: str
    kind: str = ""
    event: str = ""
    paid: tuple[Paid, ...] = ()
    credit: str | None = None
    code: str | None = None
    amount: Fraction = Fraction(0)
    reason: str | Fraction = ""


@dataclass(frozen=True)
class ToCodes:
    """What the wallet must have told the codes ledger. said: tried at (ms), or whether the credit was granted."""

    kind: str
    account: str
    redemption: str
    code: str
    said: int | bool


def said(kind: str, **values: Any) -> Drawn:
    """Give an account event that must be told."""
    return Drawn("account-events", kind, **values)
