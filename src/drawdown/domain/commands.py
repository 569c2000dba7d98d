"""What can be asked of an account: commands, and usage that is sent again. Units as in model.py."""

import msgspec

from drawdown.domain.model import Offer, Quota, ScopeItem, Usage
from drawdown.domain.terms import Payment


class OpenAccount(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Open the account in a currency (fixed for good) and an IANA time zone."""

    account: str
    currency: str
    time_zone: str


class ActivatePlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Activate a plan from now on; `start` may be earlier and then covers what is rated after the activation.

    currency: must be the account's. end: exclusive, None for open-ended.
    """

    account: str
    plan: str
    currency: str
    book: str
    book_version: int
    amount: int
    start: int
    end: int | None
    grace_ms: int
    priority: int
    scope: tuple[ScopeItem, ...]
    quotas: tuple[Quota, ...]


class TimerFired(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Something of the account was due at `due`; sent by the shard's owner once the watermark has passed it."""

    account: str
    due: int


class RequestPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Ask sales for a plan. budget: None if none was named."""

    account: str
    request: str
    scope: tuple[ScopeItem, ...]
    expected_usage: str
    budget: int | None
    contact: str


class DraftPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Write a plan's first revision, or the next. currency: must be the account's."""

    account: str
    currency: str
    offer: Offer


class OfferPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Offer a revision to the customer; until: when the offer lapses."""

    account: str
    plan: str
    revision: int
    until: int | None


class ConfirmPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The customer agrees to a revision."""

    account: str
    plan: str
    revision: int


class RecordPayment(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Money came in."""

    account: str
    payment: Payment


class PausePlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Stop a plan's coverage and clock. until: when it resumes by itself; None for as long as it may."""

    account: str
    plan: str
    until: int | None


class ResumePlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Go on with a paused plan."""

    account: str
    plan: str


class RenewPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Renew a plan on its own terms. renewal: the new plan's name; None for one made of the old name."""

    account: str
    plan: str
    renewal: str | None


class SetRenewal(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Let a plan renew itself, or no longer."""

    account: str
    plan: str
    automatic: bool


class CancelPlan(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """End a plan, now or at its cycle's end; take back one that has not started."""

    account: str
    plan: str
    at_cycle_end: bool


PlanCommand = (
    ActivatePlan
    | RequestPlan
    | DraftPlan
    | OfferPlan
    | ConfirmPlan
    | RecordPayment
    | PausePlan
    | ResumePlan
    | RenewPlan
    | SetRenewal
    | CancelPlan
)
Command = OpenAccount | PlanCommand | TimerFired


class Replayed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A usage event that was refused before and that an operator sends again: no time is too late for it."""

    usage: Usage
