"""Counters: how much of a graduated or package price's quantity a plan's cycle, or on demand a month, has had so far.

Decision 0016. Quantities are millionths of the meter's quantum, instants ms since 1970 UTC.
"""

from bisect import bisect_left
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from drawdown.domain.calendar import month_end, month_number
from drawdown.domain.cycles import cycle_end, cycle_number
from drawdown.domain.errors import Reject
from drawdown.domain.events import Draft
from drawdown.domain.limits import COUNTERS_KEPT_MS, COUNTERS_MAX, QUANTITY_MAX
from drawdown.domain.model import Counter, Dimensions, Plan
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Price

Key = tuple[int, str, str, Dimensions]


class Periods(Protocol):
    """What counters begin anew with."""

    def number(self, instant: int) -> int:
        """Give the number of the period that an instant lies in."""

    def end(self, number: int) -> int:
        """Give the instant at which a period is over."""


class Cycles(NamedTuple):
    """The cycles of a plan, moved by its pauses."""

    plan: Plan
    time_zone: str

    def number(self, instant: int) -> int:
        """Count the cycles that were over by an instant."""
        return cycle_number(self.plan, instant, self.time_zone)

    def end(self, number: int) -> int:
        """Give the end of a cycle."""
        return cycle_end(self.plan, number, self.time_zone)


class Months(NamedTuple):
    """The calendar months of a time zone: those of prices on demand."""

    time_zone: str

    def number(self, instant: int) -> int:
        """Count the months since the year 0."""
        return month_number(instant, self.time_zone)

    def end(self, number: int) -> int:
        """Give the end of a month."""
        return month_end(number, self.time_zone)


class Tally:
    """The counters of one plan, or of the account on demand, while one event is rated."""

    __slots__ = ("_closed", "_closed_before", "_kept", "_periods", "_standing")

    def __init__(self, kept: tuple[Counter, ...], periods: Periods, closed_before: int) -> None:
        """Take up the counters, which are sorted. Periods that ended before `closed_before` (ms) are closed."""
        self._kept = kept
        self._periods = periods
        self._closed_before = closed_before
        self._closed: set[int] = set()
        self._standing: dict[Key, int] = {}

    def key(self, price: Price, instant: int) -> Key:
        """Name the counter of a price at an instant."""
        number = self._periods.number(instant)
        if instant < self._closed_before and self._periods.end(number) < self._closed_before:
            self._closed.add(number)
        return number, price.service, price.meter, price.dimensions

    def at(self, key: Key) -> int:
        """Say what a counter stands at; one of a closed period has counted this event alone."""
        if key in self._standing or key[0] in self._closed:
            return self._standing.get(key, 0)
        place = bisect_left(self._kept, key, key=_key_of)
        found = self._kept[place : place + 1]
        return found[0].quantity if found and _key_of(found[0]) == key else 0

    def add(self, key: Key, quantity: int) -> None:
        """Count a quantity; raise Reject(state_too_large) past what a counter can hold."""
        standing = self.at(key) + quantity
        if standing > QUANTITY_MAX:
            detail = f"the counter of {key[1]} {key[2]} would stand at {standing} millionths; at most {QUANTITY_MAX}"
            raise Reject("state_too_large", detail)
        if quantity:
            self._standing[key] = standing

    def counters(self) -> tuple[Counter, ...]:
        """Give the counters after the event, sorted; those of closed periods are not kept."""
        changed = {key: quantity for key, quantity in self._standing.items() if key[0] not in self._closed}
        if not changed:
            return self._kept
        others = [counter for counter in self._kept if _key_of(counter) not in changed]
        counted = [Counter(*key, quantity) for key, quantity in changed.items()]
        return tuple(sorted([*others, *counted], key=_key_of))


class Tallies:
    """All counters of an account while one event is rated."""

    __slots__ = ("_after", "_closed_before", "_draft", "_grown", "_tallies")

    def __init__(self, draft: Draft, appended: int, policy: Policy) -> None:
        """Begin with the counters as they are. appended: the event's append time, ms."""
        self._draft = draft
        self._closed_before = appended - policy.longest_window_ms - COUNTERS_KEPT_MS
        self._tallies: dict[str | None, Tally] = {}
        self._after: dict[str | None, tuple[Counter, ...]] = {}
        self._grown = False

    def of(self, plan: Plan | None) -> Tally:
        """Give the counters of a plan, or of the prices on demand."""
        name = None if plan is None else plan.id
        if name not in self._tallies:
            kept = self._draft.counters if plan is None else plan.counters
            self._tallies[name] = Tally(kept, self._periods(plan), self._closed_before)
        return self._tallies[name]

    def close(self) -> None:
        """End the counting: an event that adds a counter drops all of closed periods. Raise Reject(state_too_large)."""
        draft = self._draft
        before = {plan.id: plan.counters for plan in draft.plans} | {None: draft.counters}
        self._after = {name: tally.counters() for name, tally in self._tallies.items()}
        self._grown = any(len(counters) > len(before[name]) for name, counters in self._after.items())
        if not self._grown:
            return
        for plan in (None, *draft.plans):
            name, ends = (None if plan is None else plan.id), self._periods(plan).end
            counters = self._after.get(name, before[name])
            self._after[name] = tuple([one for one in counters if ends(one.period) >= self._closed_before])
        total = sum([len(counters) for counters in self._after.values()])
        if total > COUNTERS_MAX:
            detail = f"the account would have {total} counters of prices, at most {COUNTERS_MAX}; send it again later"
            raise Reject("state_too_large", detail)

    def store(self) -> None:
        """Put the counters into the draft once the event is paid; a plan that is closed by then has none."""
        draft = self._draft
        draft.counts = draft.counts or self._grown
        draft.counters = self._after.get(None, draft.counters)
        for plan in draft.plans:
            counters = self._after.get(plan.id, plan.counters)
            if plan.status != "expired" and counters is not plan.counters:
                draft.put_plan(replace(plan, counters=counters))

    def _periods(self, plan: Plan | None) -> Periods:
        zone = self._draft.account.time_zone
        return Months(zone) if plan is None else Cycles(plan, zone)


def _key_of(counter: Counter) -> Key:
    """Give what tells a counter from all others of its owner."""
    return counter.period, counter.service, counter.meter, counter.dimensions
