"""What stands behind the credit that usage is drawn from: what plans cost, and which credit was given for nothing.

It is known from an account's events alone, of whatever time: an export of one month needs them from the beginning.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from drawdown.domain.money import divide_half_up
from drawdown.history.charges import quanta
from drawdown.history.rows import EventRow

# The kinds of event that `funding_of` reads; it needs all of an account's, in the order of their ledger and number.
FUNDING_KINDS: Final = (
    "plan_offered",
    "renewal_open",
    "payment_requested",
    "plan_scheduled",
    "plan_activated",
    "amount_added",
    "adjusted",
    "debt_paid",
)
_POSTPAID: Final = "postpaid"
_NAMED: Final = ("payment_requested", "plan_scheduled", "plan_activated")


@dataclass(frozen=True, slots=True)
class PlanPrice:
    """What can be drawn of a plan, and what is paid for it; price None: nobody said. follows: the plan before it."""

    amount: int
    price: int | None
    postpaid: bool = False
    follows: str = ""


@dataclass(frozen=True, slots=True)
class Funding:
    """The plans of an account by their names, and what its adjustments gave and took back, by theirs.

    free: those that gave credit for nothing. returned: of those that took credit back, how much of it had been bought;
    what was given and has not paid debt is taken back first.
    """

    plans: dict[str, PlanPrice]
    free: frozenset[str]
    returned: dict[str, int]

    def postpaid(self, plan: str | None) -> bool:
        """Say whether a plan is paid by statements of its usage."""
        found = self.plans.get(plan or "")
        return found is not None and found.postpaid

    def cost(self, plan: str | None, amount: int) -> int:
        """Give what an amount drawn from a plan cost: its share of the plan's price, rounded half up to a quantum.

        The amount itself where no price is known (a plan that was activated without terms), or usage is the price.
        """
        found = self.plans.get(plan or "")
        if found is None or found.price is None or found.postpaid or not found.amount:
            return amount
        return divide_half_up(amount * found.price, found.amount)

    def prepaid(self, plan: str | None, amount: int) -> int:
        """Give what was paid for an amount that nobody has drawn from a plan: nothing where no price is known."""
        found = self.plans.get(plan or "")
        return 0 if found is None or found.price is None or found.postpaid else self.cost(plan, amount)


def funding_of(events: Iterable[EventRow]) -> Funding:
    """Gather it from an account's events of FUNDING_KINDS; others are passed over."""
    plans: dict[str, PlanPrice] = {}
    adjusted: list[EventRow] = []
    offered: dict[str, Any] | None = None
    renewal: tuple[int, PlanPrice] | None = None  # open, on the old plan's own terms: only the next event says its name
    for event in events:
        offer = event.about.get("offer")
        plan = event.plan or ""
        if event.kind == "plan_offered" and offer:
            offered = offer
            plans[plan] = _price(offer)
        elif event.kind == "renewal_open" and offer:
            renewal = None if offer == offered else (event.seq + 1, _price(offer))
        elif event.kind in _NAMED and plan not in plans:
            is_renewal = renewal is not None and renewal[0] == event.seq
            plans[plan] = renewal[1] if renewal and is_renewal else PlanPrice(event.amount, None)
        elif event.kind == "amount_added" and event.reason == "credit" and plan in plans:
            plans[plan] = _more(plans[plan], event.amount)
        elif event.kind == "debt_paid" or (event.kind == "adjusted" and event.reason != "write_off"):
            adjusted.append(event)
    return Funding(plans, *_adjustments(adjusted))


def _adjustments(events: Iterable[EventRow]) -> tuple[frozenset[str], dict[str, int]]:
    free: set[str] = set()
    returned: dict[str, int] = {}
    given = 0
    for event in events:
        name = event.credit or ""
        if event.kind == "debt_paid":
            given -= event.amount if name in free else 0
        elif event.amount > 0:
            free.add(name)
            given += event.amount
        else:
            of_given = min(given, -event.amount)
            given -= of_given
            returned[name] = -event.amount - of_given
    return frozenset(free), returned


def _price(offer: dict[str, Any]) -> PlanPrice:
    follows = offer.get("follows") or {}
    postpaid = offer["terms"] == _POSTPAID
    return PlanPrice(quanta(offer["amount"]), quanta(offer["price"]), postpaid, follows.get("plan", ""))


def _more(plan: PlanPrice, worth: int) -> PlanPrice:
    """Add what the plan before was worth beyond the price: so much more was paid, and can be drawn."""
    price = plan.price if plan.postpaid or plan.price is None else plan.price + worth
    return PlanPrice(plan.amount + worth, price, plan.postpaid, plan.follows)
