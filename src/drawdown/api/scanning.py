"""Desks for requests that read topics: a few at once, each with a consumer of its own, so that others need not wait."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from drawdown.api.problems import later
from drawdown.domain.limits import API_SCAN_FETCH_BYTES, API_SCAN_SECONDS, API_SCANS_MAX
from drawdown.operate.desk import Desk
from drawdown.settings import Settings

_BUSY: Final = f"{API_SCANS_MAX} requests read topics already, as many as may at once; try again"


class Scans:
    """Lends desks. A consumer reads one thing at a time, so the desk of all requests must not read for one of them."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._free = asyncio.Semaphore(API_SCANS_MAX)

    @contextlib.asynccontextmanager
    async def desk(self) -> AsyncIterator[Desk]:
        """Give a desk of one's own. Raise Problem when none is free in time."""
        try:
            async with asyncio.timeout(API_SCAN_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise later(_BUSY) from error
        try:
            async with Desk(self._settings, API_SCAN_FETCH_BYTES) as desk:
                yield desk
        finally:
            self._free.release()
