"""Writes batches: each in one transaction, with how far the log is read by it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET
from sqlalchemy import Column, Connection, Engine, Table, func, select, text, tuple_

from drawdown.domain.limits import HISTORY_ACCOUNTS_KEPT_MAX, HISTORY_SERIES_KEPT_MAX
from drawdown.history.batch import Batch, Known, Place
from drawdown.history.charges import quanta
from drawdown.history.database import POSTGRESQL
from drawdown.history.happenings import BEGUN, effect_of
from drawdown.history.putting import put
from drawdown.history.tables import accounts, events, hours, places, progress, resources, series
from drawdown.wire.instants import parse_instant

_SEQS: Final = ("plans_charges", "plans_events", "wallet_charges", "wallet_events")
_RESOURCE: Final = ("account_id", "resource", "service", "dimensions")
_SERIES: Final = ("resource_id", "meter", "payer", "payer_id", "book", "book_version", "tier", "unit_price", "per")
_ASKED_AT_ONCE: Final = 500
_offsets: Final = msgspec.msgpack.Encoder().encode
T = TypeVar("T")
Cells = tuple[Any, ...]


class Overtaken(Exception):
    """Somebody else has written since: what is known must be read again."""


class Writer:
    """The only writer of a database, unless another has overtaken it."""

    def __init__(self, engine: Engine) -> None:
        """Know nothing yet."""
        self._engine = engine
        self.forget()

    def forget(self) -> None:
        """Know nothing again: after a failure, what is in the database may not be what was meant to be."""
        self._accounts: dict[str, Known] = {}
        self._resources: dict[Cells, int] = {}
        self._series: dict[Cells, int] = {}

    def positions(self) -> dict[Place, int]:
        """Give the next offset of each partition that was ever read."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(progress.c.topic, progress.c.partition, progress.c.next_offset))
            return {(row.topic, row.partition): row.next_offset for row in rows}

    def look_up(self, names: Iterable[str]) -> None:
        """Read accounts that are not known here yet."""
        unknown = sorted(set(names) - self._accounts.keys())
        if not unknown:
            return
        with self._engine.connect() as connection:
            for some in _chunks(unknown):
                for row in connection.execute(select(accounts).where(accounts.c.name.in_(some))):
                    seqs = [row.plans_charges, row.plans_events, row.wallet_charges, row.wallet_events]
                    self._accounts[row.name] = Known(row.id, row.currency, row.partition, row.whole, seqs)

    def known(self, name: str) -> Known | None:
        """Give an account that was looked up, None for one that is new."""
        return self._accounts.get(name)

    def write(self, batch: Batch, since: Mapping[Place, int]) -> None:
        """Write a batch. since: where each partition was read from. Raise Overtaken; then nothing is written."""
        with self._engine.begin() as connection:
            _advance(connection, batch, since)
            known = _put_accounts(connection, batch)
            ids = {name: account.id or 0 for name, account in known.items()}
            resource_ids, series_ids = self._names(connection, batch, ids)
            owners = [ids[key.account] for key in batch.resources]
            _put_hours(connection, batch, owners, series_ids)
            _put_places(connection, batch, owners, resource_ids)
            _put_events(connection, batch, ids)
        self._accounts |= known
        _trim(self._accounts, HISTORY_ACCOUNTS_KEPT_MAX)
        _trim(self._resources, HISTORY_SERIES_KEPT_MAX)
        _trim(self._series, HISTORY_SERIES_KEPT_MAX)

    def _names(self, connection: Connection, batch: Batch, ids: Mapping[str, int]) -> tuple[list[int], list[int]]:
        """Give the ids of the batch's resources and series; those that are not in the database yet are put there."""
        columns = [resources.c[name] for name in _RESOURCE]
        cells: list[Cells] = [(ids[key.account], key.resource, key.service, key.dimensions) for key in batch.resources]
        old_accounts = {account.id for account in batch.accounts.values() if account.id is not None}
        old = [cell for cell in cells if cell[0] in old_accounts]
        fresh = _identify(connection, columns, columns[:2], self._resources, cells, old)
        resource_ids = [self._resources[cell] for cell in cells]
        columns = [series.c[name] for name in _SERIES]
        cells = [(resource_ids[key.resource], *key[1:]) for key in batch.series]
        old = [cell for cell in cells if cell[0] not in fresh]
        _identify(connection, columns, columns[:1], self._series, cells, old)
        return resource_ids, [self._series[cell] for cell in cells]


def _advance(connection: Connection, batch: Batch, since: Mapping[Place, int]) -> None:
    """Move the positions, if every one is where this writer believes it to be: of the others' records, too, it knows.

    An account's charges and events are on two topics, and its row holds the newest numbers of both.
    """
    if connection.dialect.name == POSTGRESQL:  # SQLite's write lock is taken already
        connection.execute(text("LOCK TABLE progress IN EXCLUSIVE MODE"))  # one writer at a time; readers do not wait
    columns = progress.c.topic, progress.c.partition, progress.c.next_offset, progress.c.appended
    found = {(topic, partition): (at, newest) for topic, partition, at, newest in connection.execute(select(*columns))}
    for place in found.keys() | since.keys():
        at, _ = found.get(place, (None, 0))
        if at != since.get(place):
            raise Overtaken(f"{place[0]} partition {place[1]} is read by another `drawdown history` as well")
    rows = [
        {
            "topic": topic,
            "partition": partition,
            "next_offset": at,
            "appended": newest or found.get((topic, partition), (0, 0))[1],
        }
        for (topic, partition), (at, newest) in batch.read.items()
    ]
    put(connection, progress, rows, replaced=("next_offset", "appended"))


def _put_accounts(connection: Connection, batch: Batch) -> dict[str, Known]:
    """Write the accounts of a batch; give them with their ids."""
    found = dict(batch.accounts)
    new = [name for name, account in found.items() if account.id is None]
    if new:
        first = _next_id(connection, accounts)
        found |= {name: found[name]._replace(id=ident) for ident, name in enumerate(new, first)}
    rows = []
    for name, (ident, currency, partition, whole, seqs) in found.items():
        told = {"id": ident, "name": name, "currency": currency, "partition": partition, "whole": whole}
        rows.append(told | dict(zip(_SEQS, seqs, strict=True)))
    put(connection, accounts, rows, replaced=("whole", *_SEQS))
    return found


def _identify(
    connection: Connection,
    columns: Sequence[Column[Any]],
    by: Sequence[Column[Any]],
    known: dict[Cells, int],
    wanted: Sequence[Cells],
    old: Sequence[Cells],
) -> set[int]:
    """Learn the ids of rows of names; give those that were put in because they were not there.

    by: the first columns, by which they are found. old: those of the wanted rows that can be there.
    """
    table = columns[0].table
    lacking = dict.fromkeys(cell for cell in wanted if cell not in known)
    asked = list(dict.fromkeys(cell[: len(by)] for cell in old if cell in lacking))
    for some in _chunks(asked):
        for ident, *row in connection.execute(select(table.c.id, *columns).where(tuple_(*by).in_(some))):
            known[tuple(row)] = ident
            lacking.pop(tuple(row), None)
    numbered = list(enumerate(lacking, _next_id(connection, table)))
    names = [column.name for column in columns]
    put(connection, table, [{"id": ident, **dict(zip(names, cell, strict=True))} for ident, cell in numbered])
    known |= {cell: ident for ident, cell in numbered}
    return {ident for ident, _ in numbered}


def _put_hours(connection: Connection, batch: Batch, owners: Sequence[int], series_ids: Sequence[int]) -> None:
    resource_of = [key.resource for key in batch.series]
    rows = [
        {
            "account_id": owners[resource_of[number]],
            "charged_hour": charged,
            "series_id": series_ids[number],
            "used_hour": used,
            "lines": sums[0],
            "quanta": sums[1],
            "millionths": sums[2],
            "amount": sums[3],
        }
        for (number, charged, used), sums in batch.hours.items()
    ]
    put(connection, hours, rows, added=("lines", "quanta", "millionths", "amount"))


def _put_places(connection: Connection, batch: Batch, owners: Sequence[int], resource_ids: Sequence[int]) -> None:
    rows = [
        {
            "account_id": owners[number],
            "charged_hour": hour,
            "resource_id": resource_ids[number],
            "first_offset": found[0],
            "offsets": _offsets([after - before for before, after in pairwise(found)]),
        }
        for (number, hour), found in batch.places.items()
    ]
    put(connection, places, rows)


def _put_events(connection: Connection, batch: Batch, ids: Mapping[str, int]) -> None:
    if not batch.events:
        return
    begun = _begun(connection, batch, ids)
    first = _next_id(connection, events)
    rows = []
    for ident, (happening, offset) in enumerate(batch.events, first):
        account, amount = ids[happening.account], quanta(happening.amount)
        plan = (account, happening.plan)
        effect = effect_of(happening.kind, amount, begun=plan in begun)
        if happening.kind in BEGUN:
            begun.add(plan)
        rows.append({
            "id": ident,
            "account_id": account,
            "ledger": happening.ledger,
            "seq": happening.seq,
            "appended": parse_instant(happening.appended),
            "kind": happening.kind,
            "plan": happening.plan,
            "credit": happening.credit,
            "code": happening.code,
            "reason": happening.reason,
            "amount": amount,
            "detail": happening.detail,
            "command": happening.command,
            "about": None if happening.about is UNSET else bytes(happening.about).decode(),
            "offset": offset,
            **effect._asdict(),
        })  # fmt: skip
    put(connection, events, rows)


def _begun(connection: Connection, batch: Batch, ids: Mapping[str, int]) -> set[tuple[int, str | None]]:
    """Find the plans of a batch that have begun, or were told to, before it."""
    wanted = {(ids[one.account], one.plan) for one, _ in batch.events if one.kind in BEGUN}
    found: set[tuple[int, str | None]] = set()
    for some in _chunks(sorted(wanted, key=str)):
        at = tuple_(events.c.account_id, events.c.plan).in_(some) & events.c.kind.in_(BEGUN)
        rows = connection.execute(select(events.c.account_id, events.c.plan).where(at))
        found |= {(row.account_id, row.plan) for row in rows}
    return found


def _next_id(connection: Connection, table: Table) -> int:
    return (connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1


def _chunks(items: Sequence[T]) -> Iterator[list[T]]:
    for first in range(0, len(items), _ASKED_AT_ONCE):
        yield list(items[first : first + _ASKED_AT_ONCE])


def _trim(kept: dict[Any, Any], most: int) -> None:
    """Forget the oldest entries."""
    for key in list(islice(kept, max(len(kept) - most, 0))):
        del kept[key]
