"""Reading the history: pages without gaps or repeats under each filter, exact sums, statements, places of charges."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise, product

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from tests.support.random_histories import RESOURCES, SERVICES, Lives
from tests.support.rolled_up import statement
from tests.support.told import HOUR, T0, charge, happening, line
from tests.support.written import Feed, Said, take

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.history import reading
from drawdown.history.archive import Archive, NoHistory
from drawdown.history.batch import Batch, hour_of
from drawdown.history.entries import Entry, PaymentEntry
from drawdown.history.exporting import cells_of
from drawdown.history.filters import BALANCES, Filters, Period, Place
from drawdown.settings import Settings
from drawdown.wire.instants import parse_instant

USD = CURRENCIES["USD"]
ALL, MANY = Filters(), 10_000
PAGES_MAX = 500
FILTERS = (
    ALL,
    *(Filters(balance=balance) for balance in BALANCES),
    Filters(status="success"),
    Filters(status="failed"),
    Filters(status="processed"),
    Filters(service=SERVICES[0]),
    Filters(resource=RESOURCES[1]),
    Filters(since=T0 + HOUR),
    Filters(since=T0 + HOUR + 1, until=T0 + 3 * HOUR),
    Filters(until=T0 + 2 * HOUR + 1),
    Filters("plan", SERVICES[1], RESOURCES[0], "processed", T0 + 1, T0 + 4 * HOUR),
    Filters("voucher", None, None, "success"),
)


@pytest.fixture
def lives() -> Lives:
    return Lives(1)


@pytest.fixture
def feed(engine: Engine, lives: Lives) -> Feed:
    """A database in which random lives are told, in three batches."""
    made = Feed(engine)
    for _ in range(3):
        made.write(*lives.said(35))
    return made


@pytest.fixture
def archive(address: SecretStr, feed: Feed) -> Iterator[Archive]:
    with Archive(Settings(history=address)) as found:
        yield found


def entries_of(archive: Archive, filters: Filters, limit: int) -> list[Entry]:
    """Read page by page."""
    found: list[Entry] = []
    after: Place | None = None
    for _ in range(PAGES_MAX):
        page = archive.page("acc", filters, after, limit)
        assert len(page.entries) == limit or page.after is None
        found += page.entries
        after = page.after
        if after is None:
            return found
    pytest.fail("pages come without an end")


def fits(entry: Entry, filters: Filters) -> bool:
    at = parse_instant(entry.date)
    return (
        filters.balance in {None, entry.balance}
        and filters.service in {None, entry.service}
        and (filters.resource is None or (entry.kind == "usage" and filters.resource == entry.source))
        and filters.status in {None, entry.status}
        and (filters.since is None or at >= filters.since)
        and (filters.until is None or at < filters.until)
    )


def key(entry: Entry) -> tuple[object, ...]:
    return entry.kind, entry.entry or entry.description


def test_pages_under_each_filter_hold_each_entry_that_fits_once_and_the_newest_first(archive: Archive) -> None:
    whole = archive.page("acc", ALL, None, MANY).entries
    assert len(whole) > 40
    assert [one.date for one in whole] == sorted((one.date for one in whole), reverse=True)
    assert len({one.entry for one in whole if one.entry}) == sum(one.entry is not None for one in whole)
    sizes = Counter[bool]()
    for filters in FILTERS:
        wanted = [one for one in whole if fits(one, filters)]
        sizes[bool(wanted)] += 1
        for limit in {1 if filters == ALL else 9, len(wanted) or 1, MANY}:
            assert entries_of(archive, filters, limit) == wanted
    assert sizes[True] > 10


def test_totals_are_the_sums_of_all_entries_that_fit(archive: Archive) -> None:
    for filters in FILTERS:
        page = archive.page("acc", filters, None, 2)
        spent: Counter[str] = Counter()
        changed: Counter[str] = Counter()
        by_service: Counter[tuple[str, str]] = Counter()
        for one in entries_of(archive, filters, MANY):
            amount = int(Decimal(one.amount).scaleb(9))
            if one.kind == "usage":
                spent[one.balance or "none"] += amount
                by_service[one.service or "", one.balance or "none"] += amount
            elif amount:
                changed[one.balance] += amount
        assert page.totals is not None
        assert page.totals.spent_by_balance == {name: format_amount(sums, USD) for name, sums in spent.items()}
        assert page.totals.changed_by_balance == {name: format_amount(sums, USD) for name, sums in changed.items()}
        told = {(name, payer): text for name, sums in page.totals.spent.items() for payer, text in sums.items()}
        assert told == {name: format_amount(sums, USD) for name, sums in by_service.items()}


@pytest.mark.parametrize("filters", [ALL, Filters(balance="plan"), Filters(service=SERVICES[0])])
def test_pages_miss_and_repeat_nothing_while_more_is_written(
    archive: Archive, feed: Feed, lives: Lives, filters: Filters
) -> None:
    before = [key(one) for one in archive.page("acc", filters, None, MANY).entries]
    page = archive.page("acc", filters, None, 5)
    found = list(page.entries)
    while page.after is not None:
        feed.write(*lives.said(4), *lives.said(6, hours=(5, 6)))
        page = archive.page("acc", filters, page.after, 5)
        assert len(found) < 10 * len(before)
        found += page.entries
    keys = [key(one) for one in found]
    assert [one for one in keys if one in set(before)] == before
    assert len({one.entry for one in found if one.entry}) == sum(one.entry is not None for one in found)
    assert [one.date for one in found] == sorted((one.date for one in found), reverse=True)


def test_payments_come_in_pages_too(archive: Archive) -> None:
    whole = archive.payments("acc", ALL, None, MANY).payments
    assert {one.status for one in whole} == {"requested", "paid"}
    assert [one.date for one in whole] == sorted((one.date for one in whole), reverse=True)
    for filters in (ALL, Filters(since=T0 + HOUR + 1, until=T0 + 3 * HOUR), Filters(status="success")):
        found: list[PaymentEntry] = []
        page = archive.payments("acc", filters, None, 3)
        while page.after is not None and len(found) < MANY:
            found += page.payments
            page = archive.payments("acc", filters, page.after, 3)
        found += page.payments
        assert found == [
            one
            for one in whole
            if (filters.since or 0) <= parse_instant(one.date) < (filters.until or T0 * 2)
            and (filters.status is None or one.status == "paid")
        ]


def test_a_page_says_how_far_the_history_is(archive: Archive, feed: Feed) -> None:
    at = archive.page("acc", ALL, None, 1).as_of
    assert (at.partition, at.charges, at.account_events) == (3, *feed.at.values())
    assert at.appended == "2026-01-01T00:00:00.000Z"


def test_an_account_of_which_nothing_was_read_has_no_history(archive: Archive) -> None:
    with pytest.raises(NoHistory, match="nothing of account nobody"):
        archive.page("nobody", ALL, None, 1)


def test_a_statement_says_what_was_written(archive: Archive) -> None:
    said = [one for one in Lives(1).said(105) if not isinstance(one, tuple) and one.account == "acc"]
    batch = Batch(lambda _: None)
    take(batch, said)
    for start, end in ((0, 5), (0, 1), (1, 3), (3, 9), (-5, 0), (7, 8)):
        period = Period(T0 + start * HOUR, T0 + end * HOUR)
        made, wanted = archive.statement("acc", period), statement(batch, "USD", period)
        assert (made.plans, made.vouchers, made.services) == (wanted.plans, wanted.vouchers, wanted.services)
        assert (made.top_ups_less_debt, made.paid) == (wanted.top_ups_less_debt, wanted.paid)


def test_all_rows_of_a_period_come_to_what_its_pages_do(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "HISTORY_EXPORT_ROWS", 3)
    period = Period(T0 + HOUR, T0 + 4 * HOUR)
    rows = archive.rows("acc", period, lambda told: list(cells_of(told)))
    pages = archive.page("acc", Filters(since=period.start, until=period.end), None, MANY).entries
    for kind in (True, False):
        of_rows = [row for row in rows if bool(row.get("used")) is kind]
        of_pages = [one for one in pages if bool(one.entry) is kind]
        assert [row["date"] for row in of_rows] == sorted(row["date"] or "" for row in of_rows)
        sums = [sum(Decimal(one["amount"] or "0") for one in of_rows), sum(Decimal(one.amount) for one in of_pages)]
        assert sums[0] == sums[1] != 0
    assert len(rows) > len(pages), "exports tell the hours of late usage apart"


def test_sums_that_no_float_holds_are_exact(address: SecretStr, engine: Engine) -> None:
    feed = Feed(engine)
    seqs = range(1, 6)
    feed.write(*(charge(seq, line(2**60 + seq, f"{2**40 + seq}.999999")) for seq in seqs))
    feed.write(*(happening(seq, "topped_up", 2**60 + seq, ledger="wallet", credit=f"t-{seq}") for seq in seqs))
    spent = 5 * 2**60 + 15
    with Archive(Settings(history=address)) as archive:
        page = archive.page("acc", ALL, None, MANY)
        made = archive.statement("acc", Period(T0, T0 + HOUR))
        assert archive.spent_since("acc", 0).by == {("inference", "plan", "p"): spent}
        ((row, *_),) = [archive.rows("acc", Period(T0, T0 + HOUR), lambda told: list(told.usage))]
    assert page.totals is not None
    assert page.totals.spent_by_balance == {"plan": format_amount(-spent, USD)}
    assert page.totals.changed_by_balance == {"top_up": format_amount(spent, USD)}
    assert page.entries[-1].amount == format_amount(-spent, USD)
    assert made.top_ups_less_debt.closing == format_amount(spent, USD)
    assert made.services[0].total == format_amount(spent, USD)
    assert (row.amount, row.quantity) == (spent, (5 * 2**40 + 15) * 10**6 + 5 * 999_999)


def test_charges_are_found_by_where_they_stand(address: SecretStr, engine: Engine) -> None:
    feed = Feed(engine)
    said = [
        charge(seq, at=T0 + (seq - 1) // 45 * HOUR, resource=f"r-{seq % 3}", model=f"m-{seq % 2}")
        for seq in range(1, 91)
    ]
    for first, behind in pairwise((0, 1, 2, 40, 41, 88, 90)):
        feed.write(*said[first:behind])
    told = {(one.appended, one.event.resource, bytes(one.event.dimensions)) for one in said}
    found: list[int] = []
    with Archive(Settings(history=address)) as archive:
        entries = archive.page("acc", ALL, None, MANY).entries
        assert len(entries) == len(told) == 12
        for entry in entries:
            hour, series = map(int, (entry.entry or "").split("-"))
            located = archive.located("acc", hour, series, 0, MANY)
            assert located is not None
            offsets = located.offsets
            assert {(one.event.resource, hour_of(one.appended[:13])) for one in map(said.__getitem__, offsets)} == {
                (entry.source, hour)
            }
            assert (len(offsets), offsets) == (located.row.lines, sorted(offsets))
            for since, limit in product((offsets[0] + 1, offsets[-1]), (1, MANY)):
                part = archive.located("acc", hour, series, since, limit)
                assert part is not None
                assert part.offsets == [offset for offset in offsets if offset >= since][:limit]
            found += offsets
        assert sorted(found) == list(range(90))
        assert archive.located("acc", 0, series, 0, 1) is None
        assert archive.located("acc", hour, 99, 0, 1) is None
        feed.write(charge(1, account="other"))
        with pytest.raises(NoHistory):
            archive.located("nobody", hour, series, 0, 1)
        assert archive.located("other", hour, series, 0, 1) is None


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ([charge(1), happening(1, "account_opened")], True),
        ([happening(4, "plan_paused")], False),
        ([charge(1)], False),
        ([charge(1), happening(1, "wallet_opened", ledger="wallet")], False),
        ([charge(1, ledger="wallet"), happening(1, "account_opened")], False),
    ],
)
def test_an_account_with_charges_and_none_of_the_events_before_them_is_not_whole(
    address: SecretStr, engine: Engine, said: list[Said], whole: bool
) -> None:
    Feed(engine).write(*said, cut=True)
    with Archive(Settings(history=address)) as archive:
        assert archive.owner("acc").whole is whole
