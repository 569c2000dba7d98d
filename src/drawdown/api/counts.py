"""What an API process counts of itself; `drawdown.api.monitor` shows it."""

from collections import Counter
from typing import Final

from drawdown.engine.counts import DURATION_BOUNDS_NS, Spread
from drawdown.metrics import LABELS

NO_ROUTE: Final = "none"  # of what was answered before a route was found
_CLASS: Final = 100


class ApiCounts:
    """Counters of one process; all but `waiting` only rise.

    requests: (route, method, class of status) → requests. spent_ns: route → how long they took. decisions: how the
    wait for a ledger's decision ended → writes. waiting: writes that wait now.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.requests: Counter[tuple[str, ...]] = Counter()
        self.spent_ns: dict[str, Spread] = {}
        self.decisions: dict[str, int] = dict.fromkeys(LABELS["decision"], 0)
        self.waiting = 0

    def answered(self, route: str | None, method: str, status: int, spent_ns: int) -> None:
        """Count a request. route: its template, which names no account; None where there was none."""
        told = route or NO_ROUTE
        kind = method if method in LABELS["method"] else "other"
        self.requests[told, kind, f"{status // _CLASS}xx" if status else "none"] += 1
        self.spent_ns.setdefault(told, Spread(DURATION_BOUNDS_NS)).add(spent_ns)
