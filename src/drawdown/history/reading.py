"""Reads an account's history. One transaction answers one question, so that rows and their position fit together."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Row, Select, and_, case, func, or_, select

from drawdown.domain.limits import HISTORY_EXPORT_ROWS
from drawdown.domain.quantity import MILLIONTHS
from drawdown.history.filters import HOUR_MS, Filters, Period, Place
from drawdown.history.rows import AsOf, EventRow, Owner, UsageRow
from drawdown.history.tables import accounts, events, hours, places, progress, resources, series
from drawdown.topics import ACCOUNT_EVENTS, CHARGES
from drawdown.wire.instants import format_instant

_ATTEMPTS: Final = "wallet"  # whose refusals are shown: of top-ups, vouchers, codes
_PAYMENTS: Final = (
    "payment_requested", "payment_changed", "payment_due", "payment_overdue", "payment_recorded", "topped_up",
)  # fmt: skip
_offsets: Final = msgspec.msgpack.Decoder(list[int]).decode
_NAMES: Final = (
    series.c.id.label("series"),
    resources.c.service,
    resources.c.resource,
    resources.c.dimensions,
    *(series.c[name] for name in ("meter", "payer", "payer_id", "book", "book_version", "tier", "unit_price", "per")),
)
_SUMS: Final = tuple(func.sum(hours.c[name]).label(name) for name in ("lines", "quanta", "millionths", "amount"))


def owner_of(connection: Connection, account: str) -> Owner | None:
    """Find an account; None if nothing of it was read yet."""
    row = connection.execute(select(accounts).where(accounts.c.name == account)).one_or_none()
    if row is None:
        return None
    # an account's first event comes before its first charge; where the log has lost all its events, no gap shows it
    begun = (row.plans_events or not row.plans_charges) and (row.wallet_events or not row.wallet_charges)
    return Owner(row.id, row.name, row.currency, row.partition, row.whole and bool(begun))


def as_of(connection: Connection, owner: Owner) -> AsOf:
    """Say how far the history of an account is."""
    return progress_of(connection, owner.partition)[0]


def progress_of(connection: Connection, partition: int | None = None) -> list[AsOf]:
    """Say how far the history of a partition is, of each without one."""
    asked = select(progress)
    if partition is not None:
        asked = asked.where(progress.c.partition == partition)
    rows: dict[int, list[Row[Any]]] = {} if partition is None else {partition: []}
    for row in connection.execute(asked.order_by(progress.c.partition)):
        rows.setdefault(row.partition, []).append(row)
    return [_as_of(number, some) for number, some in rows.items()]


def _as_of(partition: int, rows: Sequence[Row[Any]]) -> AsOf:
    at = {row.topic: row.next_offset for row in rows}
    newest = max((row.appended for row in rows), default=0)
    appended = format_instant(newest) if newest else None
    return AsOf(partition, at.get(CHARGES, 0), at.get(ACCOUNT_EVENTS, 0), appended)


# --- usage ------------------------------------------------------------------------------------


def usage_page(
    connection: Connection, owner: Owner, filters: Filters, before: Place | None, limit: int
) -> list[UsageRow]:
    """Give the newest rows that fit, by hour and series; used hours are summed up, `used` is the earliest."""
    asked = (
        select(hours.c.charged_hour, func.min(hours.c.used_hour).label("used_hour"), *_NAMES, *_SUMS)
        .select_from(_joined())
        .where(*_fitting(owner, filters))
        .group_by(hours.c.charged_hour, hours.c.series_id, *_NAMES)
        .order_by(hours.c.charged_hour.desc(), hours.c.series_id.desc())
        .limit(limit)
    )
    if filters.status not in {None, "processed"}:
        return []
    if before is not None:
        hour = before.at // HOUR_MS
        if before.at % HOUR_MS or before.rank:
            asked = asked.where(hours.c.charged_hour <= hour)
        else:
            in_hour = and_(hours.c.charged_hour == hour, hours.c.series_id < before.ident)
            asked = asked.where(or_(hours.c.charged_hour < hour, in_hour))
    return [_usage_row(row) for row in connection.execute(asked)]


def one_hour(connection: Connection, owner: Owner, hour: int, number: int) -> UsageRow | None:
    """Find what a series came to in an hour."""
    at = Filters(since=hour * HOUR_MS, until=(hour + 1) * HOUR_MS)
    asked = (
        select(hours.c.charged_hour, func.min(hours.c.used_hour).label("used_hour"), *_NAMES, *_SUMS)
        .select_from(_joined())
        .where(*_fitting(owner, at), hours.c.series_id == number)
        .group_by(hours.c.charged_hour, *_NAMES)
    )
    row = connection.execute(asked).one_or_none()
    return None if row is None else _usage_row(row)


def usage_of(connection: Connection, owner: Owner, period: Period) -> Iterator[UsageRow]:
    """Give all rows charged in a period, in order of hours, however many."""
    fitting = _fitting(owner, Filters(since=period.start, until=period.end))
    counted = [hours.c[name] for name in ("lines", "quanta", "millionths", "amount")]
    asked = (
        select(hours.c.charged_hour, hours.c.used_hour, *_NAMES, *counted)
        .select_from(_joined())
        .where(*fitting)
        .order_by(hours.c.charged_hour, hours.c.series_id, hours.c.used_hour)
    )
    for row in connection.execution_options(yield_per=HISTORY_EXPORT_ROWS).execute(asked):
        yield _usage_row(row)


def sums_by(
    connection: Connection, owner: Owner, filters: Filters, *columns: Column[Any], split_at: int | None = None
) -> list[Row[Any]]:
    """Sum amounts by columns of series and resources; before and from an hour apart if that is asked for."""
    by: list[Any] = list(columns)
    if split_at is not None:
        by.append(case((hours.c.charged_hour < split_at, 0), else_=1).label("part"))
    asked: Select[Any] = (
        select(*by, func.sum(hours.c.amount).label("amount"), func.sum(hours.c.lines).label("lines"))
        .select_from(_joined())
        .where(*_fitting(owner, filters))
        .group_by(*by)
    )
    return list(connection.execute(asked))


def offsets_of(connection: Connection, owner: Owner, hour: int, resource: int, since: int, limit: int) -> list[int]:
    """Give the offsets, from `since` on, of the charges of a resource in an hour, `limit` at most."""
    found: list[int] = []
    asked = (
        select(places.c.first_offset, places.c.offsets)
        .where(places.c.account_id == owner.id, places.c.charged_hour == hour, places.c.resource_id == resource)
        .order_by(places.c.first_offset)
    )
    for row in connection.execute(asked):
        at = row.first_offset
        for step in (0, *_offsets(row.offsets)):
            at += step
            if at >= since:
                found.append(at)
        if len(found) >= limit:
            break
    return found[:limit]


def resource_of(connection: Connection, number: int) -> int:
    """Give the resource of a series."""
    return int(connection.execute(select(series.c.resource_id).where(series.c.id == number)).scalar_one())


def _joined() -> Any:
    return hours.join(series, series.c.id == hours.c.series_id).join(resources, resources.c.id == series.c.resource_id)


def _fitting(owner: Owner, filters: Filters) -> list[Any]:
    found: list[Any] = [hours.c.account_id == owner.id]
    if filters.balance is not None:
        found.append(series.c.payer == filters.balance)
    if filters.service is not None:
        found.append(resources.c.service == filters.service)
    if filters.resource is not None:
        found.append(resources.c.resource == filters.resource)
    if filters.since is not None:
        found.append(hours.c.charged_hour >= -(-filters.since // HOUR_MS))
    if filters.until is not None:
        found.append(hours.c.charged_hour < -(-filters.until // HOUR_MS))
    return found


def _usage_row(row: Row[Any]) -> UsageRow:
    quantity = int(row.quanta) * MILLIONTHS + int(row.millionths)
    names = row.service, row.resource, msgspec.json.decode(row.dimensions, type=dict[str, str]), row.meter
    price = row.book, row.book_version, row.tier, row.unit_price, row.per
    return UsageRow(
        row.series,
        row.charged_hour * HOUR_MS,
        row.used_hour * HOUR_MS,
        *names,
        row.payer,
        row.payer_id,
        *price,
        int(row.lines),
        quantity,
        int(row.amount),
    )


# --- events -----------------------------------------------------------------------------------


def credit_events(
    connection: Connection, owner: Owner, filters: Filters, before: Place | None, limit: int
) -> list[EventRow]:
    """Give the newest events that fit and changed a balance, or failed to."""
    if filters.service is not None or filters.resource is not None:
        return []
    told = or_(events.c.change != 0, and_(events.c.status == "failed", events.c.ledger == _ATTEMPTS))
    asked = _events(owner, filters).where(told).order_by(events.c.appended.desc(), events.c.id.desc()).limit(limit)
    if before is not None:
        older = events.c.appended < before.at
        same = and_(events.c.appended == before.at, events.c.id < before.ident)
        asked = asked.where(or_(older, same) if before.rank else older)
    return [_event_row(row) for row in connection.execute(asked)]


def payment_events(
    connection: Connection, owner: Owner, filters: Filters, before: Place | None, limit: int
) -> list[EventRow]:
    """Give the newest events about money asked for or paid that fit."""
    asked = _events(owner, filters).where(events.c.kind.in_(_PAYMENTS))
    asked = asked.order_by(events.c.appended.desc(), events.c.id.desc()).limit(limit)
    if before is not None:
        same = and_(events.c.appended == before.at, events.c.id < before.ident)
        asked = asked.where(or_(events.c.appended < before.at, same))
    return [_event_row(row) for row in connection.execute(asked)]


def wishes(
    connection: Connection, owner: Owner | None, before: Place | None, limit: int
) -> list[tuple[str, str, EventRow]]:
    """Give the newest requests for a plan, each with its account's name and currency; of one account, or of all."""
    asked = _of_accounts().where(events.c.kind == "plan_requested")
    if owner is not None:
        asked = asked.where(events.c.account_id == owner.id)
    if before is not None:
        same = and_(events.c.appended == before.at, events.c.id < before.ident)
        asked = asked.where(or_(events.c.appended < before.at, same))
    rows = connection.execute(asked.order_by(events.c.appended.desc(), events.c.id.desc()).limit(limit))
    return [(row.name, row.currency, _event_row(row)) for row in rows]


def plan_events(connection: Connection, names: Iterable[str], kinds: Iterable[str]) -> list[tuple[str, EventRow]]:
    """Give what happened to the plans of some accounts, the oldest first, each with its account's name."""
    fitting = accounts.c.name.in_(sorted(set(names))), events.c.kind.in_(sorted(kinds))
    rows = connection.execute(_of_accounts().where(*fitting).order_by(events.c.appended, events.c.id))
    return [(row.name, _event_row(row)) for row in rows]


def _of_accounts() -> Select[Any]:
    joined = events.join(accounts, accounts.c.id == events.c.account_id)
    return select(events, accounts.c.name, accounts.c.currency).select_from(joined)


def events_of(connection: Connection, owner: Owner, filters: Filters) -> Iterator[EventRow]:
    """Give all events that fit, the oldest first, however many."""
    asked = _events(owner, filters).order_by(events.c.appended, events.c.id)
    for row in connection.execution_options(yield_per=HISTORY_EXPORT_ROWS).execute(asked):
        yield _event_row(row)


def funding_events(connection: Connection, owner: Owner, kinds: Iterable[str]) -> Iterator[EventRow]:
    """Give all events of some kinds, in the order of their ledger and number."""
    asked = _events(owner, Filters()).where(events.c.kind.in_(sorted(kinds))).order_by(events.c.ledger, events.c.seq)
    for row in connection.execute(asked):
        yield _event_row(row)


def changes_by_balance(connection: Connection, owner: Owner, filters: Filters) -> dict[str, int]:
    """Sum up what events changed, by kind of balance."""
    if filters.service is not None or filters.resource is not None:
        return {}
    asked = _events(owner, filters).where(events.c.change != 0).subquery()
    summed = select(asked.c.balance, func.sum(asked.c.change)).group_by(asked.c.balance)
    return {balance: int(change) for balance, change in connection.execute(summed)}


def _events(owner: Owner, filters: Filters) -> Select[Any]:
    asked = select(events).where(events.c.account_id == owner.id)
    if filters.balance is not None:
        asked = asked.where(events.c.balance == filters.balance)
    if filters.status is not None:
        asked = asked.where(events.c.status == filters.status)
    if filters.since is not None:
        asked = asked.where(events.c.appended >= filters.since)
    if filters.until is not None:
        asked = asked.where(events.c.appended < filters.until)
    return asked


def _event_row(row: Row[Any]) -> EventRow:
    return EventRow(
        row.id,
        row.ledger,
        row.seq,
        row.appended,
        row.kind,
        row.plan,
        row.credit,
        row.code,
        row.reason,
        row.amount,
        row.detail,
        row.command,
        {} if row.about is None else msgspec.json.decode(row.about, type=dict[str, Any]),
        row.balance,
        row.change,
        row.status,
    )
