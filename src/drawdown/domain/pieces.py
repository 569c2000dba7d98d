"""Cut an event into pieces: one meter, one time segment. Design section 5, "Split in time"."""

from itertools import pairwise
from typing import NamedTuple

from drawdown.domain.calendar import month_starts_between
from drawdown.domain.catalogue import rounded_up
from drawdown.domain.coverage import in_scope
from drawdown.domain.cycles import cycle_starts
from drawdown.domain.errors import Reject
from drawdown.domain.limits import PIECES_MAX
from drawdown.domain.model import Account, Usage
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices


class Piece(NamedTuple):
    """The smallest rated part of an event. time: its segment's start, ms; quantity: millionths."""

    time: int
    meter: str
    quantity: int


def pieces_of(usage: Usage, account: Account, prices: Prices, policy: Policy) -> list[Piece]:
    """Cut a usage into pieces, in the order in which they are paid. Raise Reject(too_many_pieces)."""
    increments = policy.increments.get(usage.service)
    quantities = _pairs(usage)
    if increments:
        quantities = [(meter, rounded_up(increments, meter, quantity)) for meter, quantity in quantities]
    if usage.start is None:
        return [Piece(usage.time, meter, quantity) for meter, quantity in quantities]
    cuts = cuts_of(usage, usage.start, account, prices)
    if len(cuts) * max(len(quantities), 1) >= PIECES_MAX:
        raise Reject("too_many_pieces", f"{len(cuts)} cuts in one event; at most {PIECES_MAX} pieces")
    if not cuts:
        return [Piece(usage.start, meter, quantity) for meter, quantity in quantities]
    bounds = [usage.start, *cuts, usage.time]
    parts = {meter: divide_in_time(quantity, bounds) for meter, quantity in quantities}
    return [
        Piece(start, meter, parts[meter][segment])
        for segment, start in enumerate(bounds[:-1])
        for meter, _ in quantities
        if parts[meter][segment]
    ]


def divide_in_time(quantity: int, bounds: list[int]) -> list[int]:
    """Divide a quantity in proportion to time: each part but the last rounds down, the last takes the remainder."""
    length = bounds[-1] - bounds[0]
    parts = [quantity * (end - start) // length for start, end in pairwise(bounds[:-1])]
    return [*parts, quantity - sum(parts)]


def cuts_of(usage: Usage, start: int, account: Account, prices: Prices) -> list[int]:
    """List where an interval is cut, ascending: plans' starts, ends and gaps, price changes, month and cycle starts."""
    end = usage.time
    cuts = {at for at in prices.change_points(account.currency) if start < at < end}
    cuts.update(month_starts_between(start, end, account.time_zone))
    for plan in account.plans:
        if plan.status == "expired" or not in_scope(plan.scope, usage.service, usage.dimensions):
            continue
        if start < plan.start < end:
            cuts.add(plan.start)
        if plan.end is not None and start < plan.end < end:
            cuts.add(plan.end)
        for gap in plan.gaps:
            cuts.update(at for at in (gap.start, gap.end) if at is not None and start < at < end)
        if plan.start < end:
            cuts.update(cycle_starts(plan, start, end, account.time_zone))
    return sorted(cuts)


def _pairs(usage: Usage) -> list[tuple[str, int]]:
    return [(measure.meter, measure.quantity) for measure in usage.measures]
