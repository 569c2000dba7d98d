"""What the oracle keeps of accounts, and what it expects to come out."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

# of a counter: cycles over before, or the month's start; service, meter and dimensions of the price
Key = tuple[int, str, str, tuple[tuple[str, str], ...]]


@dataclass
class Plan:
    """A plan as the oracle keeps it."""

    name: str
    book: dict[str, Any]
    amount: Fraction
    start: int
    end: int | None
    grace: int
    priority: int
    scope: list[dict[str, Any]] | None
    quotas: list[tuple[dict[str, Any], Fraction]]
    order: int
    spent: Fraction = Fraction(0)
    spent_by: dict[str, Fraction] = field(default_factory=dict)
    quota_spent: list[Fraction] = field(default_factory=list)
    status: str = "active"
    expired_by: str = ""
    forfeited: Fraction = Fraction(0)
    told: set[int] = field(default_factory=set)
    quota_told: set[tuple[int, int]] = field(default_factory=set)
    reminded: set[int] = field(default_factory=set)
    gaps: list["Gap"] = field(default_factory=list)
    cancelled: bool = False
    payment: dict[str, Any] | None = None
    billed: Fraction = Fraction(0)
    stated_to: int = 0
    counters: dict[Key, Fraction] = field(default_factory=dict)

    def copied(self) -> "Plan":
        """Give a copy that usage may change without changing this one."""
        own = {"quota_spent": list(self.quota_spent), "told": set(self.told), "quota_told": set(self.quota_told)}
        return replace(self, **own)  # type: ignore[arg-type]

    @property
    def paused_until(self) -> int | None:
        """When the pause that lasts is over, None without one."""
        return self.gaps[-1].end if self.status == "paused" else None


@dataclass
class Gap:
    """A time in which a plan covers nothing."""

    start: int
    end: int | None
    pause: bool


@dataclass
class Offer:
    """A plan that has not started, as its newest draft says it."""

    command: dict[str, Any]
    book: dict[str, Any]
    status: str = "draft"
    until: int | None = None


@dataclass
class Request:
    """Money to be asked for, or asked for. told: which of its notices are out."""

    plan: str
    reason: str
    amount: Fraction
    exact: Fraction
    due: int
    grace: int
    number: int = 0
    paid: Fraction = Fraction(0)
    told: set[str] = field(default_factory=set)


@dataclass
class Job:
    """A fine-tuning job as the oracle keeps it."""

    total: int = 0
    last_end: int = 0
    last_append: int = 0
    gpus: Fraction = Fraction(0)
    dimensions: dict[str, str] = field(default_factory=dict)
    closed: bool = False
    forget_at: int = 0


@dataclass
class Account:
    """An account as the oracle keeps it."""

    currency: str
    zone: ZoneInfo
    applied: int = 0
    plans: list[Plan] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)
    made: int = 0
    references: list[str] = field(default_factory=list)
    counters: dict[Key, Fraction] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """What one payer pays for one piece; plan None is on demand."""

    time: int
    meter: str
    quantity: Fraction
    amount: Fraction
    book: str
    plan: str | None
    tier: int | None = None
    packages: int | None = None


@dataclass(frozen=True)
class Expected:
    """One record that must be among the outputs."""

    topic: str
    kind: str = ""
    event: str = ""
    lines: tuple[Line, ...] = ()
    balances: tuple[tuple[str, Fraction, Fraction], ...] = ()
    plan: str | None = None
    code: str | None = None
    reason: str | None = None
    amount: Fraction = Fraction(0)
    facts: tuple[Any, ...] = ()


def event(kind: str, **values: Any) -> Expected:
    """Expect an account event."""
    return Expected("account-events", kind, **values)
