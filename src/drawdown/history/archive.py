"""The history as its readers ask for it: a page, sums, an entry's charges, a statement, all rows of a period."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from drawdown.domain.money import CURRENCIES, Currency, format_amount
from drawdown.errors import UserError
from drawdown.history import reading
from drawdown.history.database import check_migrated, open_database, told
from drawdown.history.entries import Entry, PaymentEntry, event_entry, payment_entry, usage_entry
from drawdown.history.filters import HOUR_MS, Filters, Period, Place
from drawdown.history.focus_columns import Provider
from drawdown.history.focus_funding import FUNDING_KINDS, Funding, funding_of
from drawdown.history.rows import AsOf, EventRow, Owner, UsageRow
from drawdown.history.statement import Statement, Used, statement_of
from drawdown.history.tables import resources, series
from drawdown.history.wishes import STATUSES, Wish, answers_of, wish_of
from drawdown.settings import Settings

T = TypeVar("T")
_ANY: Final = Filters()


class NoHistory(UserError):
    """Nothing of such an account was read yet."""


@dataclass(frozen=True)
class Totals:
    """Sums of what fits, signed as entries are. spent: by service, then by who paid; changed: by events."""

    spent: dict[str, dict[str, str]]
    spent_by_balance: dict[str, str]
    changed_by_balance: dict[str, str]


@dataclass(frozen=True)
class Page:
    """A page of Credit History. totals: on the first page. after: where the next one begins, None at the end."""

    account: str
    currency: str
    whole: bool
    as_of: AsOf
    entries: list[Entry]
    totals: Totals | None
    after: Place | None


@dataclass(frozen=True)
class PaymentsPage:
    """A page of Payment History."""

    account: str
    currency: str
    as_of: AsOf
    payments: list[PaymentEntry]
    after: Place | None


@dataclass(frozen=True)
class WishesPage:
    """A page of requests for a plan. as_of: of the account's partition, or of all."""

    as_of: list[AsOf]
    requests: list[Wish]
    after: Place | None


@dataclass(frozen=True)
class Located:
    """An entry of usage, and where its resource's charges of that hour stand in the account's partition."""

    owner: Owner
    row: UsageRow
    entry: Entry
    offsets: list[int]
    as_of: AsOf


@dataclass(frozen=True)
class Spent:
    """What was used, in quanta, by service, payer and its id."""

    as_of: AsOf
    by: Mapping[tuple[str, str, str], int]


@dataclass(frozen=True)
class Rows:
    """All of a period, to be read once. funding: asks what plans cost and which credit was given, since the start."""

    owner: Owner
    usage: Iterator[UsageRow]
    events: Iterator[EventRow]
    funding: Callable[[], Funding]
    provider: Provider


class Archive:
    """Reads one database; safe to be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet. Raise BadInput for an address of no known kind."""
        self._engine = open_database(settings.history, writing=False)
        self._provider = Provider(*[settings.provider] * 3)
        self._checked = False

    def __enter__(self) -> Self:
        """Give it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of connections."""
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _asking(self) -> Iterator[Connection]:
        if not self._checked:
            check_migrated(self._engine)
            self._checked = True
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            self._checked = False
            raise UserError(f"the history cannot be read now: {told(error)}") from error

    @contextlib.contextmanager
    def _asking_of(self, account: str) -> Iterator[tuple[Connection, Owner]]:
        with self._asking() as connection:
            owner = reading.owner_of(connection, account)
            if owner is None:
                raise NoHistory(f"nothing of account {account} is in the history yet")
            yield connection, owner

    def page(self, account: str, filters: Filters, before: Place | None, limit: int) -> Page:
        """Give the newest entries that fit. Raise NoHistory, UserError."""
        with self._asking_of(account) as (connection, owner):
            usage = reading.usage_page(connection, owner, filters, before, limit + 1)
            happened = reading.credit_events(connection, owner, filters, before, limit + 1)
            placed = [(Place(row.charged, 0, row.series), usage_entry(owner, row)) for row in usage]
            placed += [(Place(row.appended, 1, row.id), event_entry(owner, row)) for row in happened]
            placed.sort(key=lambda one: (one[0].at, one[0].rank, one[0].ident), reverse=True)
            shown = placed[:limit]
            return Page(
                owner.name,
                owner.currency,
                owner.whole,
                reading.as_of(connection, owner),
                [entry for _, entry in shown],
                None if before else _totals(connection, owner, filters),
                shown[-1][0] if len(placed) > limit else None,
            )

    def payments(self, account: str, filters: Filters, before: Place | None, limit: int) -> PaymentsPage:
        """Give the newest events about payments that fit. Raise NoHistory, UserError."""
        with self._asking_of(account) as (connection, owner):
            rows = reading.payment_events(connection, owner, filters, before, limit + 1)
            after = Place(rows[limit - 1].appended, 1, rows[limit - 1].id) if len(rows) > limit else None
            shown = [payment_entry(owner, row) for row in rows[:limit]]
            return PaymentsPage(owner.name, owner.currency, reading.as_of(connection, owner), shown, after)

    def wishes(self, account: str | None, before: Place | None, limit: int) -> WishesPage:
        """Give the newest requests for a plan, of an account or of all, and what sales made of each.

        Raise NoHistory, UserError.
        """
        with self._asking() as connection:
            owner = None if account is None else reading.owner_of(connection, account)
            if account is not None and owner is None:
                raise NoHistory(f"nothing of account {account} is in the history yet")
            found = reading.wishes(connection, owner, before, limit + 1)
            answers = answers_of(reading.plan_events(connection, (name for name, *_ in found), STATUSES))
            after = Place(found[limit - 1][2].appended, 1, found[limit - 1][2].id) if len(found) > limit else None
            told = [wish_of(*wished, answers) for wished in found[:limit]]
            at = reading.progress_of(connection, None if owner is None else owner.partition)
            return WishesPage(at, told, after)

    def located(self, account: str, hour: int, number: int, since: int, limit: int) -> Located | None:
        """Find an entry of usage and its resource's charges, from an offset on. Raise NoHistory, UserError."""
        with self._asking_of(account) as (connection, owner):
            row = reading.one_hour(connection, owner, hour, number)
            if row is None:
                return None
            resource = reading.resource_of(connection, number)
            entry = usage_entry(owner, row)
            offsets = reading.offsets_of(connection, owner, hour, resource, since, limit)
            return Located(owner, row, entry, offsets, reading.as_of(connection, owner))

    def owner(self, account: str) -> Owner:
        """Find an account. Raise NoHistory, UserError."""
        with self._asking_of(account) as (_, owner):
            return owner

    def statement(self, account: str, period: Period) -> Statement:
        """Make a period's statement. Raise NoHistory, UserError."""
        with self._asking_of(account) as (connection, owner):
            until = Filters(until=period.end)
            by = resources.c.service, series.c.payer, series.c.payer_id
            sums = reading.sums_by(connection, owner, until, *by, split_at=period.start // HOUR_MS)
            used = [Used(row.service, row.payer, row.payer_id, row.part, int(row.amount)) for row in sums]
            happened = reading.events_of(connection, owner, until)
            return statement_of(owner, period, used, happened, reading.as_of(connection, owner))

    def rows(self, account: str, period: Period, take: Callable[[Rows], T]) -> T:
        """Have all rows of a period taken, as of one moment. Raise NoHistory, UserError."""
        filters = Filters(since=period.start, until=period.end)
        with self._asking_of(account) as (connection, owner):
            rows = Rows(
                owner,
                reading.usage_of(connection, owner, period),
                reading.events_of(connection, owner, filters),
                lambda: funding_of(reading.funding_events(connection, owner, FUNDING_KINDS)),
                self._provider,
            )
            return take(rows)

    def spent_since(self, account: str, since: int) -> Spent:
        """Sum up what was used from an hour on. Raise NoHistory, UserError."""
        with self._asking_of(account) as (connection, owner):
            by = resources.c.service, series.c.payer, series.c.payer_id
            sums = reading.sums_by(connection, owner, Filters(since=since), *by)
            told = {(row.service, row.payer, row.payer_id): int(row.amount) for row in sums}
            return Spent(reading.as_of(connection, owner), told)

    def standing(self, account: str) -> AsOf:
        """Say how far the history of an account is. Raise NoHistory, UserError."""
        with self._asking_of(account) as (connection, owner):
            return reading.as_of(connection, owner)


def _totals(connection: Connection, owner: Owner, filters: Filters) -> Totals:
    of = CURRENCIES[owner.currency]
    spent: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    by_balance: dict[str, int] = defaultdict(int)
    if filters.status in {None, "processed"}:
        for row in reading.sums_by(connection, owner, filters, resources.c.service, series.c.payer):
            spent[row.service][row.payer] -= int(row.amount)
            by_balance[row.payer] -= int(row.amount)
    changed = reading.changes_by_balance(connection, owner, filters)
    written = {service: _written(sums, of) for service, sums in sorted(spent.items())}
    return Totals(written, _written(by_balance, of), _written(changed, of))


def _written(sums: Mapping[str, int], of: Currency) -> dict[str, str]:
    return {name: format_amount(amount, of) for name, amount in sorted(sums.items())}
