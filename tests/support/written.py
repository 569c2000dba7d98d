"""A history brought into a database batch by batch, as the projector does it, and what is then in its tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from sqlalchemy import Engine, event, select
from tests.support.told import CHARGES, EVENTS, T0

from drawdown.history.batch import Batch, Place
from drawdown.history.charges import Charge
from drawdown.history.happenings import Happening
from drawdown.history.tables import metadata
from drawdown.history.writing import Writer

Row = tuple[Any, ...]
Said = Charge | Happening | tuple[Charge, Charge]  # a charge of the wallet with what it drew

NOWHERE: Mapping[Place, int] = MappingProxyType({})


class Broken(Exception):
    """The database fails here."""


class Feed:
    """Writes what is said from its offsets on. writer: another one may take its place."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writer = Writer(engine)
        self.at: dict[Place, int] = {}

    def batch(self, said: Sequence[Said], *, cut: bool = False) -> Batch:
        """Make the next batch, of which nothing is written yet."""
        self.writer.look_up([(one[0] if isinstance(one, tuple) else one).account for one in said])
        batch = Batch(self.writer.known)
        take(batch, said, self.at, cut=cut)
        return batch

    def write(self, *said: Said, cut: bool = False) -> Batch:
        """Write the next batch."""
        batch = self.batch(said, cut=cut)
        self.writer.write(batch, self.at)
        self.at = {place: offset for place, (offset, _) in batch.read.items()}
        return batch


def take(batch: Batch, said: Sequence[Said], at: Mapping[Place, int] = NOWHERE, *, cut: bool = False) -> None:
    """Let a batch take what is said, from where both topics stand on."""
    charges = [one if isinstance(one, tuple) else (one, None) for one in said if not isinstance(one, Happening)]
    happenings = [one for one in said if isinstance(one, Happening)]
    for offset, (charge, overage) in enumerate(charges, at.get(CHARGES, 0)):
        batch.charge(charge, overage, CHARGES, offset, cut=cut)
    for offset, one in enumerate(happenings, at.get(EVENTS, 0)):
        batch.happening(one, EVENTS, offset, cut=cut)
    for place, count in ((CHARGES, len(charges)), (EVENTS, len(happenings))):
        batch.read[place] = at.get(place, 0) + count, T0


def dumped(engine: Engine) -> dict[str, list[Row]]:
    """Give all rows of all tables."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


@contextmanager
def statements(engine: Engine, then: Callable[[int], None] = lambda _: None) -> Iterator[list[str]]:
    """Collect the statements of a block; `then` gets the number of each before it is sent, and may raise."""
    told: list[str] = []

    def look(_: object, __: object, statement: str, *___: object) -> None:
        told.append(statement)
        then(len(told))

    event.listen(engine, "before_cursor_execute", look)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", look)


@contextmanager
def no_commit(engine: Engine) -> Iterator[None]:
    """Let every commit of a block fail."""

    def fail(_: object) -> None:
        raise Broken

    event.listen(engine, "commit", fail)
    try:
        yield
    finally:
        event.remove(engine, "commit", fail)
