"""Follows partitions for ever, through a broker's absence, and hands each record on."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from drawdown.adapters.kafka.browsing import Browser, Place
from drawdown.engine.records import Record
from drawdown.errors import UserError
from drawdown.settings import Settings

_RETRY_SECONDS: Final = 1
_log = structlog.get_logger("drawdown.api")


class Follower:
    """A consumer of some partitions and the task that reads it."""

    def __init__(self, settings: Settings, places: Sequence[Place], take: Callable[[Record], None]) -> None:
        """Connect to nothing yet. take: is given each record, in order within its partition."""
        self._settings = settings
        self._places = places
        self._take = take
        self._next: dict[Place, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, history: bool) -> None:
        """Follow from now on; with history, first read all there is. Raise UserError when Kafka cannot be read."""
        async with Browser(self._settings.kafka, self._settings.prefix) as browser:
            spans = await browser.spans(self._places)
            self._next = {place: start if history else end for place, (start, end) in spans.items()}
            if history:
                async for record in browser.read(spans):
                    self._taken(record)
                self._next = {place: end for place, (_, end) in spans.items()}
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """End the task and its consumer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _follow(self) -> None:
        while True:
            try:
                async with Browser(self._settings.kafka, self._settings.prefix) as browser:
                    spans = await browser.spans(self._places)
                    starts = {place: max(self._next[place], start) for place, (start, _) in spans.items()}
                    async with contextlib.aclosing(browser.follow(starts)) as records:
                        async for record in records:
                            self._taken(record)
            except UserError as error:
                _log.warning("topics cannot be followed now", why=str(error))
            await asyncio.sleep(_RETRY_SECONDS)

    def _taken(self, record: Record) -> None:
        self._take(record)
        self._next[record.topic, record.partition] = record.offset + 1
