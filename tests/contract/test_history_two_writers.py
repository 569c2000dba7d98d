"""Two writers of one history: neither overwrites what the other has counted, on whichever topic."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine
from tests.support import told
from tests.support.databases import KINDS, database
from tests.support.domain import T0

from drawdown.engine.records import Record
from drawdown.history.batch import Batch, Gap, Known, Place
from drawdown.history.counting import Counts
from drawdown.history.database import migrate, open_database
from drawdown.history.projector import _Reader
from drawdown.history.writing import Overtaken, Writer
from drawdown.topics import ACCOUNT_EVENTS, CHARGES

ACCOUNT = "acc-a"
CHARGED, HAPPENED = (CHARGES, 0), (ACCOUNT_EVENTS, 0)
SEQ_OF = {CHARGED: 0, HAPPENED: 1}
EACH, TRIES_MAX = 20, 2_000


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with database(request.param, tmp_path) as address:
        made = open_database(address, writing=True)
        migrate(made)
        first = Batch(lambda _: None)
        first.accounts[ACCOUNT] = Known(None, "USD", 0, True, [0, 0, 0, 0])
        first.read = {CHARGED: (0, 0), HAPPENED: (0, 0)}
        Writer(made).write(first, {})
        yield made
        made.dispose()


def one_more(writer: Writer, place: Place, since: dict[Place, int]) -> None:
    """Count a record of a topic, as of these positions."""
    writer.look_up([ACCOUNT])
    known = writer.known(ACCOUNT)
    assert known is not None
    batch = Batch(writer.known)
    batch.accounts[ACCOUNT] = known._replace(seqs=list(known.seqs))
    batch.accounts[ACCOUNT].seqs[SEQ_OF[place]] += 1
    batch.read = {place: (since[place] + 1, 1)}
    writer.write(batch, since)


def counted(engine: Engine) -> tuple[dict[Place, int], list[int]]:
    writer = Writer(engine)
    writer.look_up([ACCOUNT])
    known = writer.known(ACCOUNT)
    assert known is not None
    return writer.positions(), known.seqs


def test_a_writer_whose_account_another_has_counted_on_by_the_other_topic_writes_nothing(engine: Engine) -> None:
    first, second = Writer(engine), Writer(engine)
    since = first.positions()
    second.look_up([ACCOUNT])
    one_more(first, CHARGED, since)
    with pytest.raises(Overtaken, match="charges partition 0"):
        one_more(second, HAPPENED, since)
    assert counted(engine) == ({CHARGED: 1, HAPPENED: 0}, [1, 0, 0, 0])


def test_at_once_they_count_what_both_brought(engine: Engine) -> None:
    def work(place: Place) -> None:
        writer, done, since = Writer(engine), 0, Writer(engine).positions()
        for _ in range(TRIES_MAX):
            if done == EACH:
                break
            try:
                one_more(writer, place, since)
            except Overtaken:
                writer.forget()
                since = writer.positions()
            else:
                since[place] += 1
                done += 1

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, (CHARGED, HAPPENED)))
    assert counted(engine) == ({CHARGED: EACH, HAPPENED: EACH}, [EACH, EACH, 0, 0])


def reader(engine: Engine, stored: dict[Place, int]) -> _Reader:
    return _Reader(Writer(engine), cast(Any, None), set(), stored, Counts())


def brought(reader: _Reader, seq: int, offset: int) -> None:
    """Have a projector write a charge of its own."""
    charge = told.charge(seq, told.line(), account=ACCOUNT)
    record = Record(*CHARGED, offset, T0, b"", b"")
    reader._write([(charge, record)], [], {}, {CHARGED: (offset + 1, T0)})


def test_a_projector_that_was_overtaken_on_the_same_topic_begins_again_instead_of_giving_up(engine: Engine) -> None:
    stale = reader(engine, Writer(engine).positions())
    brought(reader(engine, Writer(engine).positions()), 1, 0)
    with pytest.raises(Overtaken, match="another"):
        brought(stale, 1, 0)
    brought(reader(engine, Writer(engine).positions()), 2, 1)
    assert counted(engine) == ({CHARGED: 2, HAPPENED: 0}, [2, 0, 0, 0])


def test_a_log_that_tells_other_numbers_stops_it(engine: Engine) -> None:
    brought(reader(engine, Writer(engine).positions()), 1, 0)
    for seq in (1, 3):
        with pytest.raises(Gap, match=f"number {seq} after 1"):
            brought(reader(engine, Writer(engine).positions()), seq, 1)
    assert counted(engine) == ({CHARGED: 1, HAPPENED: 0}, [1, 0, 0, 0])
