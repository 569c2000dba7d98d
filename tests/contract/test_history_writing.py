"""Writing the history: each batch whole or not at all, once, and the same whatever came between."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select
from tests.support.databases import KINDS, database
from tests.support.told import HOUR, T0, charge, happening, line
from tests.support.written import Broken, Feed, Row, Said, dumped, no_commit, statements

from drawdown.history import writing
from drawdown.history.batch import Gap
from drawdown.history.charges import Payer
from drawdown.history.database import migrate, open_database
from drawdown.history.tables import accounts, events, hours
from drawdown.history.writing import Overtaken, Writer

DEBT = Payer("debt", None)
Contents = dict[str, list[Row]]


def said(number: int) -> list[Said]:
    """Give the number-th batch of some accounts, the first of them 0: old names, new ones, both ledgers' charges."""
    seq, at = 2 * number + 1, T0 + number * HOUR // 2
    overage = charge(seq, line(7, "3", None), line(0, "1", None, meter="free"), at=at, resource="drawn")
    drawn = charge(number + 1, line(7, "0", DEBT, meter=""), at=at, ledger="wallet", resource="drawn")
    new = f"new-{number}"
    plan = happening(seq, "plan_scheduled" if not number else "plan_activated", 100, plan="p", at=at)
    again = happening(seq + 1, "plan_activated", 100, plan="p", at=at, about={"period": {"start": "s", "end": None}})
    return [
        charge(seq, line(5), line(6, "0.000001", tier=number), at=at),
        charge(seq + 1, at=at, resource=new),
        (drawn, overage),
        charge(1, line(2**61, "4611686018427"), account=new, at=at),
        plan,
        again,
        happening(1, "account_opened", account=new, at=at, detail="ě 🐘"),
    ]


@contextmanager
def other(kind: str, folder: Path) -> Iterator[Engine]:
    """Give a database of the same kind as the one under test."""
    folder.mkdir(exist_ok=True)
    with database(kind, folder) as address:
        engine = open_database(address, writing=True)
        migrate(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def undisturbed(engine: Engine, tmp_path: Path) -> Callable[[int], Contents]:
    """Give what is in a database after so many batches, one after the other."""

    def written(count: int) -> Contents:
        with other(engine.dialect.name, tmp_path / "other") as there:
            feed = Feed(there)
            for number in range(count):
                feed.write(*said(number))
            return dumped(there)

    return written


def test_both_kinds_of_database_hold_the_same(tmp_path: Path) -> None:
    found = []
    for kind in KINDS:
        with other(kind, tmp_path / kind) as engine:
            feed = Feed(engine)
            for number in range(3):
                feed.write(*said(number))
            found.append(dumped(engine))
    assert found[0] == found[1]
    assert {name: len(rows) for name, rows in found[0].items()} == {
        "accounts": 4, "events": 9, "hours": 14, "places": 12, "progress": 2, "resources": 8, "series": 11,
    }  # fmt: skip


def test_amounts_and_quantities_of_an_hour_are_summed_up_over_batches(engine: Engine) -> None:
    feed = Feed(engine)
    for seq in range(1, 4):
        feed.write(charge(seq, line(2**60 + 1, "4000000000000.999999")))
    with engine.connect() as connection:
        (row,) = connection.execute(select(hours))
    assert (row.lines, row.quanta, row.millionths, row.amount) == (3, 12_000_000_000_000, 2_999_997, 3 * (2**60 + 1))


def test_a_batch_that_was_written_is_refused(engine: Engine) -> None:
    feed = Feed(engine)
    for number in range(2):
        since = dict(feed.at)
        batch = feed.write(*said(number))
        before = dumped(engine)
        with pytest.raises(Overtaken, match="another `drawdown history`"):
            feed.writer.write(batch, since)
        fresh = Feed(engine)
        fresh.at = since
        with pytest.raises(Overtaken, match="another `drawdown history`"):
            fresh.writer.write(fresh.batch([charge(1, account="strange")]), since)
        assert dumped(engine) == before


@pytest.mark.parametrize("number", [0, 1])
def test_of_two_writers_that_race_one_is_overtaken(
    address: SecretStr, engine: Engine, undisturbed: Callable[[int], Contents], number: int
) -> None:
    first = Feed(engine)
    for past in range(number):
        first.write(*said(past))
    second = Feed(open_database(address, writing=True))
    second.at = dict(first.at)
    assert second.writer.positions() == first.at
    barrier = Barrier(2)

    def work(feed: Feed) -> str:
        batch = feed.batch(said(number))
        barrier.wait(10)
        try:
            feed.writer.write(batch, feed.at)
        except Overtaken:
            return "overtaken"
        return "written"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(work, (first, second))) == ["overtaken", "written"]
    second.engine.dispose()
    assert dumped(engine) == undisturbed(number + 1)


def test_a_writer_that_forgets_goes_on_the_same(engine: Engine, undisturbed: Callable[[int], Contents]) -> None:
    feed = Feed(engine)
    for number in range(3):
        feed.write(*said(number))
        feed.writer.forget()
    assert feed.writer.positions() == feed.at
    assert dumped(engine) == undisturbed(3)


def test_a_writer_that_can_keep_few_names_goes_on_the_same(
    engine: Engine, undisturbed: Callable[[int], Contents], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = undisturbed(3)
    monkeypatch.setattr(writing, "HISTORY_ACCOUNTS_KEPT_MAX", 1)
    monkeypatch.setattr(writing, "HISTORY_SERIES_KEPT_MAX", 1)
    feed = Feed(engine)
    for number in range(3):
        feed.write(*said(number))
        assert {len(kept) for kept in (feed.writer._accounts, feed.writer._resources, feed.writer._series)} == {1}
    assert dumped(engine) == wanted


@pytest.mark.parametrize("number", [0, 2])
def test_a_write_that_fails_anywhere_leaves_nothing_and_is_written_again_the_same(
    engine: Engine, undisturbed: Callable[[int], Contents], number: int
) -> None:
    wanted = undisturbed(number + 1)
    feed = Feed(engine)
    for past in range(number):
        feed.write(*said(past))
    before, count = dumped(engine), 0
    while True:
        count += 1
        batch = feed.batch(said(number))
        with statements(engine, failing_at(count)) as sent:
            try:
                feed.writer.write(batch, feed.at)
                break
            except Broken:
                feed.writer.forget()
        assert len(sent) == count
        assert dumped(engine) == before
    assert len(sent) == count - 1 > 10
    assert dumped(engine) == wanted


def failing_at(number: int) -> Callable[[int], None]:
    def fail(count: int) -> None:
        if count == number:
            raise Broken

    return fail


def test_a_commit_that_fails_leaves_nothing(engine: Engine, undisturbed: Callable[[int], Contents]) -> None:
    feed = Feed(engine)
    feed.write(*said(0))
    before = dumped(engine)
    with no_commit(engine), pytest.raises(Broken):
        feed.writer.write(feed.batch(said(1)), feed.at)
    assert dumped(engine) == before
    feed.writer.forget()
    feed.write(*said(1))
    assert dumped(engine) == undisturbed(2)


def test_an_outcome_that_is_not_known_is_found_in_the_positions(
    engine: Engine, undisturbed: Callable[[int], Contents]
) -> None:
    feed = Feed(engine)
    feed.writer.write(feed.batch(said(0)), feed.at)  # and its answer was lost
    again = Feed(engine)
    with pytest.raises(Gap):  # the projector looks at the positions then
        again.write(*said(0))
    again.writer.forget()
    again.at = again.writer.positions()
    again.write(*said(1))
    assert dumped(engine) == undisturbed(2)


def test_a_position_moves_without_records_and_keeps_when_the_newest_was(engine: Engine) -> None:
    feed = Feed(engine)
    feed.write(charge(1))
    batch = feed.batch([])
    batch.read = {place: (offset + 2, 0) for place, offset in feed.at.items()}
    feed.writer.write(batch, feed.at)
    assert dumped(engine)["progress"] == [("account-events", 3, 2, T0), ("charges", 3, 3, T0)]


def test_a_plans_amount_comes_once_over_batches_and_within_one(engine: Engine) -> None:
    feed = Feed(engine)
    feed.write(*said(0))
    feed.write(*said(1), happening(5, "plan_activated", 100, plan="q"))
    with engine.connect() as connection:
        rows = connection.execute(select(events.c.plan, events.c.kind, events.c.change).order_by(events.c.id)).all()
    assert [tuple(row) for row in rows if row.plan] == [
        ("p", "plan_scheduled", 100),
        ("p", "plan_activated", 0),
        ("p", "plan_activated", 0),
        ("p", "plan_activated", 0),
        ("q", "plan_activated", 100),
    ]


def test_accounts_are_apart(engine: Engine) -> None:
    feed = Feed(engine)
    begun = [happening(1, "plan_activated", 9, plan="p", account=name) for name in ("a", "b")]
    feed.write(charge(1, account="a"), charge(1, account="b"), *begun)
    with engine.connect() as connection:
        assert connection.execute(select(events.c.change)).scalars().all() == [9, 9]
        assert len(connection.execute(select(hours.c.account_id).distinct()).all()) == 2


def test_what_is_known_is_not_changed_by_a_batch_that_is_not_written(engine: Engine) -> None:
    feed = Feed(engine)
    feed.write(charge(1))
    with pytest.raises(Gap):
        feed.batch([charge(2), charge(4)])
    feed.batch([charge(2)])
    feed.write(charge(2))


def test_an_account_that_is_not_whole_stays_so(engine: Engine) -> None:
    feed = Feed(engine)
    feed.write(charge(5), cut=True)
    feed.writer.forget()
    feed.write(charge(6), happening(1, "account_opened"))
    with engine.connect() as connection:
        (row,) = connection.execute(select(accounts))
    assert (row.whole, row.plans_charges, row.plans_events) == (False, 6, 1)


def test_more_names_than_are_asked_for_at_once(engine: Engine) -> None:
    names = [f"account-{number}" for number in range(2 * writing._ASKED_AT_ONCE + 1)]
    feed = Feed(engine)
    feed.write(*(charge(1, account=name) for name in names))
    feed.writer = Writer(engine)
    more = [happening(1, "plan_activated", 1, account=name, plan=name) for name in names]
    feed.write(*(charge(2, account=name) for name in names), *more)
    found = dumped(engine)
    assert {name: len(found[name]) for name in ("accounts", "resources", "series", "hours", "events")} == (
        dict.fromkeys(("accounts", "resources", "series", "hours", "events"), len(names))
    )
    assert {row[4] for row in found["hours"]} == {2}


def test_the_longest_names_and_every_kind_of_text_are_kept(engine: Engine) -> None:
    name, ident = "🐘" * 128, "'\"%:;\\ě" * 36
    feed = Feed(engine)
    voucher = Payer("voucher", ident)
    feed.write(
        charge(1, line(1, "1", voucher, unit_price="4611686018.427387903"), account=name, resource=name, model=name),
        happening(1, "voucher_granted", 1, account=name, credit=ident, command=ident, detail="d" * 5_000, reason=name),
    )
    found = dumped(engine)
    assert found["resources"][0][2:] == ("inference", name, f'{{"model":"{name}"}}')
    assert found["series"][0][4] == ident
    assert (found["events"][0][7], found["events"][0][9], found["events"][0][12]) == (ident, name, ident)
