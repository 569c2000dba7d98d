"""When plans and credit will be used up, if what was spent lately goes on. Pure; amounts in quanta, instants ms.

What a service spent by the hour is paid on: by the plan that pays it now; once that is empty or over, by the next that
covers the service, in draw order; then by credit. Prices are taken to be the same for all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

HOUR_MS: Final = 3_600_000
CREDIT: Final = ""
_BEGINS, _OVER, _EMPTY = range(3)  # in this order where they fall together: what is over pays nothing any more


@dataclass(frozen=True, slots=True)
class Source:
    """What can pay. name: a plan's, or CREDIT. services: all if empty. end: of its time, None if it is open.

    start: before it, it pays nothing.
    """

    name: str
    remaining: int
    end: int | None
    services: frozenset[str]
    start: int = 0

    def pays(self, service: str, at: int) -> bool:
        """Say whether it covers a service at an instant."""
        return self.start <= at and (not self.services or service in self.services)


@dataclass(frozen=True, slots=True)
class Outlook:
    """A source's future. hourly: drawn from it once its turn comes. empty, over: its amount, its time is used up.

    Of empty and over, only the first to come is told; both are None where neither comes at this rate.
    """

    name: str
    hourly: int
    empty: int | None
    over: int | None


def forecast(sources: Sequence[Source], rates: Mapping[str, int], now: int) -> list[Outlook]:
    """Follow the sources, in draw order, credit last. rates: what each service spends by the hour."""
    left = {source.name: source.remaining for source in sources}
    first: dict[str, int] = {}
    ended: dict[str, Outlook] = {}
    at = now
    while True:
        standing = [source for source in sources if source.name not in ended]
        drawn = _drawn(standing, rates, at)
        first = drawn | first
        turns = [(turn, source) for source in standing if (turn := _turn(source, left, drawn, at)) is not None]
        if not turns:
            break
        (until, why), source = min(turns, key=lambda one: one[0])
        for name, hourly in drawn.items():
            left[name] = max(left[name] - hourly * (until - at) // HOUR_MS, 0)
        at = until
        if why != _BEGINS:
            empty, over = (until, None) if why == _EMPTY else (None, until)
            ended[source.name] = Outlook(source.name, first.get(source.name, 0), empty, over)
    still = {one.name: Outlook(one.name, first.get(one.name, 0), None, None) for one in sources}
    return [ended.get(source.name, still[source.name]) for source in sources]


def _drawn(standing: Sequence[Source], rates: Mapping[str, int], at: int) -> dict[str, int]:
    """Give what each source pays by the hour."""
    drawn: dict[str, int] = {}
    for service, hourly in rates.items():
        payer = next((source for source in standing if source.pays(service, at)), None)
        if payer is not None and hourly:
            drawn[payer.name] = drawn.get(payer.name, 0) + hourly
    return drawn


def _turn(source: Source, left: Mapping[str, int], drawn: Mapping[str, int], at: int) -> tuple[int, int] | None:
    """Say when a source begins, is empty, or is over, whichever comes first, and which; None if nothing does."""
    if source.start > at:
        return source.start, _BEGINS
    hourly = drawn.get(source.name, 0)
    empty = None if not hourly else at + -(-left[source.name] * HOUR_MS // hourly)
    over = None if source.end is None else max(source.end, at)
    if empty is not None and (over is None or empty <= over):
        return empty, _EMPTY
    return None if over is None else (over, _OVER)
