"""What `drawdown history` does: follow the log, catch up with it, drop and rebuild, say how far it is, export."""

import asyncio
import contextlib
import gc
import logging
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from drawdown import logs
from drawdown.adapters.kafka.browsing import Browser
from drawdown.cli.output import console, say, show_json, show_table
from drawdown.errors import BadInput, UserError
from drawdown.history.counting import Counts
from drawdown.history.database import drop, open_database
from drawdown.history.filters import Period
from drawdown.history.metering import Meter
from drawdown.history.projector import TOPICS, Projector, behind
from drawdown.settings import Settings, load_settings

if TYPE_CHECKING:
    from drawdown.history.archive import Archive
    from drawdown.history.exporting import Form

_PERCENT = 100
_EVERY_SECONDS = 1
_GARBAGE_OBJECTS = 50_000  # allocated between two looks for cycles, of which charges make none


def follow() -> None:
    """Run the projector until a signal. Raise UserError when the log has a gap."""
    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    asyncio.run(_follow(settings))


async def _follow(settings: Settings) -> None:
    _spare_garbage()
    counts = Counts()
    engine = open_database(settings.history, writing=True)
    work = asyncio.create_task(Projector(settings, engine, counts).run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    meter = Meter(settings, counts)
    try:
        await meter.start()
        with contextlib.suppress(asyncio.CancelledError):
            await work
    finally:
        work.cancel()
        await meter.stop()
        engine.dispose()


def _spare_garbage() -> None:
    """Look for cycles seldom, and never among what was imported."""
    gc.freeze()
    gc.set_threshold(_GARBAGE_OBJECTS, 20, 50)


def catch_up(*, anew: bool, yes: bool = False) -> None:
    """Read to the end of the log, anew from its beginning if asked for. Raise UserError."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    settings = load_settings()
    _spare_garbage()
    counts = Counts()
    engine = open_database(settings.history, writing=True)
    began = time.monotonic()

    async def work() -> None:
        if anew:
            await _check_whole(settings, yes=yes)
            await asyncio.to_thread(drop, engine)
        told = asyncio.create_task(_tell(counts))
        try:
            await Projector(settings, engine, counts).catch_up()
        finally:
            told.cancel()

    asyncio.run(work())
    engine.dispose()
    seconds = time.monotonic() - began
    say(f"{counts.charges} charges and {counts.events} account events in {seconds:.1f} s")
    say("the history is where the log ended when this began")


async def _check_whole(settings: Settings, *, yes: bool) -> None:
    """Raise BadInput when the log has lost its beginning, which a history of before it would lose with it."""
    async with Browser(settings.kafka, settings.prefix) as browser:
        spans = await browser.spans((topic, shard) for topic in TOPICS for shard in range(settings.shards))
    lost = [f"{topic} {shard}" for (topic, shard), (start, _) in spans.items() if start]
    if lost and not yes:
        raise BadInput(
            f"the log no longer holds all charges and account events (partitions {', '.join(lost)}): what happened"
            " before would be gone from the history too, and accounts from then be marked as not whole. Keep a copy of"
            " the database, and say --yes to go on"
        )


async def _tell(counts: Counts) -> None:
    """Say on standard error how far it is, once a second."""
    out = console(stderr=True)
    began = time.monotonic()
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        end = sum(counts.ends.values())
        read = sum(counts.positions.get(place, 0) for place in counts.ends)
        if end and read:
            left = (end - read) * (time.monotonic() - began) / read
            out.print(f"{read} of {end} offsets read ({read * _PERCENT // end} %), about {left:.0f} s left")


def status(*, as_json: bool) -> None:
    """Print how far each partition is behind."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    settings = load_settings()
    found = asyncio.run(behind(settings))
    if as_json:
        show_json([{"topic": topic, "partition": shard, "read": at, "end": end} for (topic, shard), at, end in found])
        return
    rows = [(topic, shard, at, end, end - at) for (topic, shard), at, end in found]
    show_table(("topic", ">partition", ">read to", ">end", ">behind"), rows)
    say(f"{sum(end - at for _, at, end in found)} offsets behind in all")


def export(archive: "Archive", account: str, period: Period, form: "Form", out: str) -> None:
    """Write a period's rows to a file, or to standard output. Raise BadInput, UserError."""
    from drawdown.history.exporting import FORMS  # noqa: PLC0415

    if not out:
        if form == "xlsx":
            raise BadInput("a workbook needs a file: --out FILE.xlsx")
        FORMS[form](archive, account, period, sys.stdout.buffer)
        return
    try:
        with Path(out).open("wb") as file:
            count = FORMS[form](archive, account, period, file)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}") from error
    say(f"{count} rows written to {out}")
