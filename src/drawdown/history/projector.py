"""Follows charges and account events, and brings them into the database."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from time import monotonic_ns
from typing import Final

import msgspec
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from drawdown.adapters.kafka.browsing import Browser, Place
from drawdown.domain.limits import (
    HISTORY_BATCH_RECORDS,
    HISTORY_FLUSH_MS,
    PROBE_INTERVAL_MS,
    RETRY_FIRST_MS,
    RETRY_MAX_MS,
)
from drawdown.engine.records import Record
from drawdown.errors import UserError
from drawdown.history.batch import Batch, Gap
from drawdown.history.charges import Charge, decode_charge
from drawdown.history.counting import Counts
from drawdown.history.database import check_migrated, migrate, open_database, told
from drawdown.history.happenings import Happening, decode_happening
from drawdown.history.writing import Overtaken, Writer
from drawdown.settings import Settings
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING

TOPICS: Final = (CHARGES, ACCOUNT_EVENTS)
_WALLET: Final = "wallet"
_MS: Final = 1_000
_NS_PER_MS: Final = 1_000_000
_log = structlog.get_logger("drawdown.history")
Overages = dict[tuple[int, int], Charge]  # by partition and offset


class Projector:
    """Reads from where the database stands, for ever or to the end of the log as of now."""

    def __init__(self, settings: Settings, engine: Engine, counts: Counts) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._engine = engine
        self._writer = Writer(engine)
        self._counts = counts
        self._retry_ms = RETRY_FIRST_MS

    async def run(self) -> None:
        """Follow until cancelled, through absences of Kafka and database. Raise UserError when history has a gap."""
        while True:
            try:
                await asyncio.to_thread(migrate, self._engine)
                await self.follow(to_end=False)
            except Gap as gap:
                raise _missing(gap) from gap
            except (Overtaken, SQLAlchemyError, UserError) as error:
                self._counts.failed(_why(error))
                _log.warning("the history stands still and tries again", why=self._counts.why)
            self._writer.forget()
            await asyncio.sleep(self._retry_ms / _MS)
            self._retry_ms = min(2 * self._retry_ms, RETRY_MAX_MS)

    async def catch_up(self) -> None:
        """Read to the end of the log as of now. Raise UserError."""
        await asyncio.to_thread(migrate, self._engine)
        try:
            await self.follow(to_end=True)
        except Gap as gap:
            raise _missing(gap) from gap
        except (Overtaken, SQLAlchemyError) as error:
            raise UserError(f"the history cannot be written: {_why(error)}") from error

    async def follow(self, *, to_end: bool) -> None:
        """Read from where the database stands. Raise Gap, Overtaken, UserError, and what the database raises."""
        places = [(topic, shard) for topic in TOPICS for shard in range(self._settings.shards)]
        stored = await asyncio.to_thread(self._writer.positions)
        async with self._browser() as browser, self._browser() as others:
            spans = await browser.spans(places)
            _check(stored, spans)
            cut = {place for place, (start, _) in spans.items() if start}
            reader = _Reader(self._writer, others, cut, stored, self._counts)
            starts = {place: stored.get(place, start) for place, (start, _) in spans.items()}
            self._counts.positions = dict(starts)
            async with contextlib.aclosing(browser.fetches(starts, HISTORY_BATCH_RECORDS)) as fetches:
                self._counts.following = True
                async for records, read in fetches:
                    await reader.look_at_ends(places)
                    if await reader.take(records, read):
                        self._retry_ms = RETRY_FIRST_MS
                    if to_end and all(read[place] >= end for place, (_, end) in spans.items()):
                        await reader.write()
                        return

    def _browser(self) -> Browser:
        return Browser(self._settings.kafka, self._settings.prefix)


class _Reader:
    """Gathers fetches until they are worth a transaction."""

    def __init__(
        self, writer: Writer, others: Browser, cut: set[Place], stored: Mapping[Place, int], counts: Counts
    ) -> None:
        self._writer = writer
        self._others = others
        self._cut = cut
        self._stored = dict(stored)
        self._counts = counts
        self._read: dict[Place, int] = {}
        self._gathered: list[Record] = []
        self._since_ns = 0
        self._looked_ns = 0

    async def look_at_ends(self, places: Sequence[Place]) -> None:
        """See every few seconds how far the log goes."""
        if not self._looked_ns or monotonic_ns() - self._looked_ns >= PROBE_INTERVAL_MS * _NS_PER_MS:
            self._looked_ns = monotonic_ns()
            self._counts.ends = {place: end for place, (_, end) in (await self._others.spans(places)).items()}

    async def take(self, records: Sequence[Record], read: Mapping[Place, int]) -> bool:
        """Take a fetch, and write what has gathered once it is much or old; say whether anything was written."""
        if not self._gathered:
            self._since_ns = monotonic_ns()
        self._gathered += records
        self._read = dict(read)
        old = monotonic_ns() - self._since_ns >= HISTORY_FLUSH_MS * _NS_PER_MS
        if len(self._gathered) >= HISTORY_BATCH_RECORDS or (old and self._gathered):
            await self.write()
            return True
        if not self._gathered and any(self._stored.get(place) != offset for place, offset in read.items()):
            await self.write()  # markers of transactions alone: nothing is behind any more
        return False

    async def write(self) -> None:
        """Write what has gathered."""
        gathered, self._gathered = self._gathered, []
        charges, happenings = decoded(gathered)
        overages = await self._drawn([charge for charge, _ in charges])
        newest: dict[Place, int] = defaultdict(int)
        for record in gathered:
            place = (record.topic, record.partition)
            newest[place] = max(newest[place], record.timestamp)
        moved = {place: (at, newest[place]) for place, at in self._read.items() if self._stored.get(place) != at}
        await asyncio.to_thread(self._write, charges, happenings, overages, moved)
        self._stored |= {place: offset for place, (offset, _) in moved.items()}
        self._counts.written(len(charges), len(happenings), self._stored)

    def _write(
        self,
        charges: Sequence[tuple[Charge, Record]],
        happenings: Sequence[tuple[Happening, Record]],
        overages: Overages,
        moved: dict[Place, tuple[int, int]],
    ) -> None:
        said = (*(charge.account for charge, _ in charges), *(happening.account for happening, _ in happenings))
        self._writer.look_up(said)
        batch = Batch(self._writer.known)
        batch.read = moved
        try:
            self._fill(batch, charges, happenings, overages)
        except Gap as gap:
            if self._writer.positions() != self._stored:  # the accounts that were looked up are another writer's
                raise Overtaken(f"another `drawdown history` writes as well: {gap}") from gap
            raise
        self._writer.write(batch, self._stored)

    def _fill(
        self,
        batch: Batch,
        charges: Sequence[tuple[Charge, Record]],
        happenings: Sequence[tuple[Happening, Record]],
        overages: Overages,
    ) -> None:
        for charge, record in charges:
            place = (record.topic, record.partition)
            drawn = (charge.position.partition, charge.position.offset) if charge.ledger == _WALLET else None
            overage = overages.get(drawn) if drawn else None
            batch.charge(charge, overage, place, record.offset, cut=place in self._cut)
        for happening, record in happenings:
            place = (record.topic, record.partition)
            batch.happening(happening, place, record.offset, cut=place in self._cut)

    async def _drawn(self, charges: Sequence[Charge]) -> Overages:
        """Read the overages that charges of the wallet drew; those that the log has lost are not there."""
        wanted = {(one.position.partition, one.position.offset) for one in charges if one.ledger == _WALLET}
        if not wanted:
            return {}
        spans = await self._others.spans({(CREDIT_CHARGING, partition) for partition, _ in wanted})
        asked: dict[Place, tuple[int, int]] = {}
        for partition, offset in wanted:
            start, end = spans[CREDIT_CHARGING, partition]
            first, last = asked.get((CREDIT_CHARGING, partition), (end, start))
            asked[CREDIT_CHARGING, partition] = (max(min(first, offset), start), max(last, min(offset + 1, end)))
        found: Overages = {}
        async with contextlib.aclosing(self._others.read(asked)) as records:
            async for record in records:
                if (record.partition, record.offset) in wanted:
                    found[record.partition, record.offset] = decode_charge(record.value or b"")
        return found


def decoded(
    records: Sequence[Record],
) -> tuple[list[tuple[Charge, Record]], list[tuple[Happening, Record]]]:
    """Decode charges and account events. Raise UserError for what is neither."""
    charges: list[tuple[Charge, Record]] = []
    happenings: list[tuple[Happening, Record]] = []
    for record in records:
        if not record.value:
            continue
        try:
            if record.topic == CHARGES:
                charges.append((decode_charge(record.value), record))
            else:
                happenings.append((decode_happening(record.value), record))
        except msgspec.MsgspecError as error:
            where = f"{record.topic} partition {record.partition} offset {record.offset}"
            raise UserError(f"{where} is nothing that this release of Drawdown wrote: {error}") from error
    return charges, happenings


def _check(stored: Mapping[Place, int], spans: Mapping[Place, tuple[int, int]]) -> None:
    """Raise Gap when the log has lost what was not read yet, or holds less than was read."""
    for place, (start, end) in spans.items():
        topic, partition = place
        if stored.get(place, start) < start:
            raise Gap(f"{topic} partition {partition} begins at offset {start}; it was read up to {stored[place]}")
        if stored.get(place, end) > end:
            raise Gap(f"{topic} partition {partition} ends at offset {end}; it was read up to {stored[place]}")


def _missing(gap: Gap) -> UserError:
    return UserError(f"{gap}. `drawdown history rebuild` builds the history anew from what the log holds")


def _why(error: Exception) -> str:
    """Give what an error says, without a database's address."""
    return told(error) if isinstance(error, SQLAlchemyError) else str(error)


async def behind(settings: Settings) -> list[tuple[Place, int, int]]:
    """Give each partition, the next offset to be read of it, and its end. Raise UserError."""
    engine = open_database(settings.history, writing=False)
    try:
        await asyncio.to_thread(check_migrated, engine)
        stored = await asyncio.to_thread(Writer(engine).positions)
    except SQLAlchemyError as error:
        raise UserError(f"the history cannot be read: {_why(error)}") from error
    finally:
        engine.dispose()
    async with Browser(settings.kafka, settings.prefix) as browser:
        spans = await browser.spans((topic, shard) for topic in TOPICS for shard in range(settings.shards))
    return [(place, stored.get(place, start), end) for place, (start, end) in sorted(spans.items())]
