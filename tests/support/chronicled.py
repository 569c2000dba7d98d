"""The history on a stage: projectors as processes, waiting for them, and what a database holds, ids aside."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from pydantic import SecretStr
from sqlalchemy import Connection, Row, select
from tests.support.watching import ask, scraped

from drawdown.demo.stage import Stage
from drawdown.history.counting import Counts
from drawdown.history.database import open_database
from drawdown.history.projector import Projector, behind
from drawdown.history.tables import accounts, events, hours, places, progress, resources, series
from drawdown.local.child import Child, free_port
from drawdown.settings import Settings

HISTORY = ("-m", "drawdown", "history")
Rows = dict[str, list[tuple[Any, ...]]]  # by table


class Projecting:
    """A projector process of a stage on a database."""

    def __init__(self, stage: Stage, address: SecretStr, **settings: object) -> None:
        """Start it."""
        self.port = free_port()
        secret = address.get_secret_value()
        self.child: Child = stage.start_worker(HISTORY, history=secret, metrics_port=self.port, **settings)

    async def ready(self) -> None:
        """Wait until it follows the log."""
        await self.until(lambda status, _: status == 200, "it did not become ready")

    async def until(self, holds: Callable[[int, str], bool], otherwise: str, *, seconds: int = 30) -> None:
        """Wait until /ready answers so."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds(*await ask(self.port, "/ready")):
                    assert self.child.alive, self.child.tail()
                    await asyncio.sleep(0.05)
                return
        raise AssertionError(f"{otherwise} in {seconds} seconds:\n{self.child.tail()}")

    async def sample(self, name: str) -> float:
        """Give the sum of a metric's samples."""
        return sum(value for (found, _), value in (await scraped(self.port)).items() if found == name)

    async def ended(self, *, seconds: int = 20) -> int | None:
        """Wait until it ended; give its exit code."""
        async with asyncio.timeout(seconds):
            while self.child.alive:
                await asyncio.sleep(0.05)
        return self.child.returncode

    async def stopped(self, *, seconds: int = 10) -> int | None:
        """End it as a service's manager does (SIGTERM); give its exit code."""
        self.child.ask_to_stop()
        return await self.ended(seconds=seconds)


def with_history(settings: Settings, address: SecretStr) -> Settings:
    """Give settings with another database."""
    return settings.model_copy(update={"history": address})


async def caught_up(settings: Settings, *, seconds: int = 60) -> None:
    """Wait until the database is where the log ends."""
    async with asyncio.timeout(seconds):
        while any(at < end for _, at, end in await behind(settings)):
            await asyncio.sleep(0.2)


async def undisturbed(settings: Settings) -> None:
    """Bring the whole log into a database in this process."""
    engine = open_database(settings.history, writing=True)
    try:
        await Projector(settings, engine, Counts()).catch_up()
    finally:
        engine.dispose()


def held(address: SecretStr) -> Rows:
    """Give all that a database holds, by names instead of ids; offsets of charges as numbers."""
    engine = open_database(address, writing=False)
    try:
        with engine.begin() as connection:
            return _held(connection)
    finally:
        engine.dispose()


def _held(connection: Connection) -> Rows:
    account_of = {row.id: row.name for row in connection.execute(select(accounts))}
    resource_of: dict[int, tuple[Any, ...]] = {}
    for row in connection.execute(select(resources)):
        resource_of[row.id] = (account_of[row.account_id], *_but(row, "id", "account_id"))
    series_of: dict[int, tuple[Any, ...]] = {}
    for row in connection.execute(select(series)):
        series_of[row.id] = (*resource_of[row.resource_id], *_but(row, "id", "resource_id"))
    offsets: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in connection.execute(select(places)):
        at = row.first_offset
        for step in (0, *msgspec.msgpack.decode(row.offsets)):
            at += step
            offsets[(*resource_of[row.resource_id], row.charged_hour)].append(at)
    summed = [
        (*series_of[row.series_id], *_but(row, "series_id", "account_id")) for row in connection.execute(select(hours))
    ]
    happened = [
        (account_of[row.account_id], *_but(row, "id", "account_id")) for row in connection.execute(select(events))
    ]
    return {
        "progress": _sorted(connection.execute(select(progress)).all()),
        "accounts": _sorted([_but(row, "id") for row in connection.execute(select(accounts))]),
        "resources": _sorted(resource_of.values()),
        "series": _sorted(series_of.values()),
        "hours": _sorted(summed),
        "places": _sorted([(*key, *sorted(found)) for key, found in offsets.items()]),
        "events": _sorted(happened),
    }


def _but(row: Row[Any], *left_out: str) -> tuple[Any, ...]:
    return tuple(value for name, value in row._mapping.items() if name not in left_out)


def _sorted(rows: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in rows), key=repr)


def differing(first: Rows, second: Rows) -> list[str]:
    """Say in which tables, and with which rows, two databases differ."""
    return [
        f"{name}: {len(first[name])} and {len(second[name])} rows, not in both: "
        f"{sorted({*first[name]} ^ {*second[name]}, key=repr)[:4]}"
        for name in first
        if first[name] != second[name]
    ]


def file_of(folder: Path, name: str) -> SecretStr:
    """Give the address of a SQLite file."""
    return SecretStr(f"sqlite:///{folder / name}")
