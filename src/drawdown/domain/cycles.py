"""A plan's cycles: a month each, counted from its start, moved by its pauses."""

from drawdown.domain.calendar import MONTHS_A_YEAR, add_months, cycle_starts_between, to_local
from drawdown.domain.model import Plan


def paused_before(plan: Plan, instant: int) -> int:
    """Give how long the plan's clock stood still before an instant, ms."""
    return sum(
        min(gap.end, instant) - gap.start
        for gap in plan.gaps
        if gap.pause and gap.end is not None and gap.start < instant
    )


def cycle_starts(plan: Plan, start: int, end: int, time_zone: str) -> list[int]:
    """List the starts of the plan's cycles but the first strictly inside (start, end), both ms.

    A cycle begins when the plan's clock, which stands still in pauses, reaches its month.
    """
    if not plan.gaps:
        return cycle_starts_between(plan.start, start, end, time_zone)
    first, last = start - paused_before(plan, start), end - paused_before(plan, end)
    clock = cycle_starts_between(plan.start, first - 1, last + 1, time_zone)
    return [at for reached in clock if start < (at := _at_clock(plan, reached)) < end]


def next_cycle_start(plan: Plan, instant: int, time_zone: str) -> int:
    """Give the first cycle start after an instant, ms."""
    at = max(instant, plan.start)
    clock = at - paused_before(plan, at)
    months = 1
    while (reached := add_months(plan.start, months, time_zone)) <= clock:
        months += 1
    return _at_clock(plan, reached)


def cycle_number(plan: Plan, instant: int, time_zone: str) -> int:
    """Count the plan's cycles that were over by an instant at or after its start: 0 in the first."""
    clock = instant - paused_before(plan, instant)
    first, last = to_local(plan.start, time_zone), to_local(clock, time_zone)
    number = (last.year - first.year) * MONTHS_A_YEAR + last.month - first.month + 1
    while add_months(plan.start, number, time_zone) > clock:
        number -= 1
    return number


def cycle_end(plan: Plan, number: int, time_zone: str) -> int:
    """Give the instant at which the plan's cycle of that number is over."""
    return _at_clock(plan, add_months(plan.start, number + 1, time_zone))


def _at_clock(plan: Plan, clock: int) -> int:
    """Give the instant at which the plan's clock reads `clock`: the end of a pause, when it stands there."""
    at = clock
    for gap in plan.gaps:
        if gap.pause and gap.end is not None and gap.start <= at:
            at += gap.end - gap.start
    return at
