"""Counters of tiers and packages: what a plan's cycle, or a calendar month on demand, has had of a price so far."""

from collections import defaultdict
from fractions import Fraction
from itertools import islice, takewhile
from typing import Any

from drawdown.oracle.life import boundaries
from drawdown.oracle.reading import DAY
from drawdown.oracle.rules import months
from drawdown.oracle.state import Account, Key, Plan

KEPT = 30 * DAY  # after the longest window


class Counting:
    """What one event adds to the counters of an account and its plans."""

    def __init__(self, account: Account, now: int, window: int) -> None:
        """Add nothing yet. window: the longest of all services, ms."""
        self.account = account
        self._oldest = now - window - KEPT
        self._added: dict[str | None, dict[Key, Fraction]] = defaultdict(lambda: defaultdict(Fraction))

    def key(self, plan: Plan | None, price: dict[str, Any], at: int) -> Key | None:
        """Name the counter of a price at an instant; one per unit has none."""
        if price.get("model", "per_unit") == "per_unit":
            return None
        zone = self.account.zone
        if plan is None:
            period = max(start for start in months(at - 62 * DAY, at, zone) if start <= at)
        else:
            period = sum(1 for _ in takewhile(lambda end: end <= at, boundaries(plan, zone)))
        return period, price["service"], price["meter"], tuple(sorted(price.get("dimensions", {}).items()))

    def before(self, plan: Plan | None, key: Key | None) -> Fraction:
        """Give what was counted before the next unit; a period that is closed counts no earlier event."""
        if key is None:
            return Fraction(0)
        kept = self.account.counters if plan is None else plan.counters
        earlier = Fraction(0) if self._closed(plan, key[0]) else kept.get(key, Fraction(0))
        return earlier + self._added[_name(plan)][key]

    def count(self, plan: Plan | None, key: Key | None, quantity: Fraction) -> None:
        """Count a quantity."""
        if key is not None:
            self._added[_name(plan)][key] += quantity

    def keep(self, plans: list[Plan]) -> None:
        """Write the counters down, now that the event is accepted; a new one makes all of closed periods forgotten."""
        owners: list[Plan | None] = [None, *plans]
        fresh = False
        for plan in owners:
            kept = self.account.counters if plan is None else plan.counters
            for key, quantity in self._added[_name(plan)].items():
                if quantity and not self._closed(plan, key[0]):
                    fresh = fresh or key not in kept
                    kept[key] = kept.get(key, Fraction(0)) + quantity
        for plan in owners if fresh else []:
            kept = self.account.counters if plan is None else plan.counters
            for key in [key for key in kept if self._closed(plan, key[0])]:
                del kept[key]

    def _closed(self, plan: Plan | None, period: int) -> bool:
        zone = self.account.zone
        end = months(period, period, zone)[0] if plan is None else next(islice(boundaries(plan, zone), period, None))
        return end < self._oldest


def _name(plan: Plan | None) -> str | None:
    return None if plan is None else plan.name
