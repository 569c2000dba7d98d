"""The scenarios as logs of the plans ledger, a timer at every instant at which one is due and a millisecond before.

The logs are written once by the rules as they are: a mistake that is planted afterwards meets the same records.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
from tests.support import messages
from tests.support.raters import Raters

from drawdown.domain.decide import due
from drawdown.domain.model import Account
from drawdown.engine.records import Record
from drawdown.scenario.run import Plan, load, opening, standard_books
from drawdown.topics import PLAN_COMMANDS, USAGE

COARSER = "unknown-things"  # the oracle has one reason for all that it cannot read
FILES = [file for file in sorted((Path(__file__).parents[1] / "scenarios").rglob("*.yaml")) if file.stem != COARSER]


@dataclass(frozen=True)
class Log:
    """A scenario's price books and records, in order."""

    name: str
    books: list[bytes]
    records: list[Record]


@cache
def logs() -> tuple[Log, ...]:
    return tuple(_log(file.stem, load(str(file))) for file in FILES)


def _log(name: str, plan: Plan) -> Log:
    scenario = plan.scenario
    books = [*(standard_books() if scenario.standard_prices else ()), *scenario.prices]
    written = [msgspec.json.encode(book) for book in books]
    return Log(name, written, list(_records(plan, Raters(written))))


def _records(plan: Plan, raters: Raters) -> Iterator[Record]:
    """Give what the ledger takes; an input that comes again is left out, as the engine does."""
    moments = [(plan.begins, opening(plan)), *((moment.at, moment.sent) for moment in plan.moments)]
    seen = set()
    for at, sent in moments:
        while (record := _timer(raters, at)) is not None:
            yield msgspec.structs.replace(record, timestamp=record.timestamp - 1)
            raters.apply(record)
            yield record
        for topic, account, value in sent:
            if topic in {PLAN_COMMANDS, *USAGE} and (account, value) not in seen:
                seen.add((account, value))
                record = Record(topic, 0, len(seen), at, account.encode(), value)
                raters.apply(record)
                yield record


def _timer(raters: Raters, until: int) -> Record | None:
    """Give the next timer that is due by an instant, ms."""
    states = [state for state in raters.states.values() if isinstance(state, Account)]
    found = [(at, state.id) for state in states if (at := due(state)) is not None and at <= until]
    if not found:
        return None
    at, account = min(found)
    return messages.command(messages.timer(at, account), at)
