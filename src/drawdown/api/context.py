"""What the routes share: connections, keys, and what waits for decisions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from fastapi import Request

from drawdown.api.decisions import Decisions
from drawdown.api.following import Follower
from drawdown.api.issuing import Issuer
from drawdown.api.rates import Rates
from drawdown.api.shelf import Shelf
from drawdown.bootstrap import check_redis
from drawdown.domain.limits import (
    API_CUSTOMER_BURST,
    API_CUSTOMER_PER_SECOND,
    API_SERVICE_BURST,
    API_SERVICE_PER_SECOND,
)
from drawdown.engine.records import Record
from drawdown.operate.desk import Desk
from drawdown.operate.keys import Key, taken_up
from drawdown.settings import Settings
from drawdown.topics import API_KEYS


class Keyring:
    """The keys as of now: read whole at start, and followed."""

    def __init__(self, settings: Settings) -> None:
        """Know none yet."""
        self.keys: dict[str, Key] = {}
        self._follower = Follower(settings, [(API_KEYS, 0)], self._take)

    async def start(self) -> None:
        """Read all, and follow."""
        await self._follower.start(history=True)

    async def stop(self) -> None:
        """Follow no more."""
        await self._follower.stop()

    def _take(self, record: Record) -> None:
        taken_up(record, self.keys)


@dataclass(frozen=True)
class Context:
    """All of it."""

    desk: Desk
    keyring: Keyring
    shelf: Shelf
    issuer: Issuer
    decisions: Decisions
    customers: Rates
    services: Rates


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Context]:
    """Connect, and let go at the end. Raise UserError when Kafka or Redis cannot be used."""
    decisions, keyring, shelf = Decisions(settings), Keyring(settings), Shelf(settings)
    customers = Rates(API_CUSTOMER_PER_SECOND, API_CUSTOMER_BURST)
    services = Rates(API_SERVICE_PER_SECOND, API_SERVICE_BURST)
    async with Desk(settings) as desk:
        await check_redis(desk.redis())
        try:
            await keyring.start()
            await shelf.start()
            await decisions.start()
            await desk.browser()
            yield Context(desk, keyring, shelf, Issuer(desk, decisions), decisions, customers, services)
        finally:
            await decisions.stop()
            await shelf.stop()
            await keyring.stop()


async def context_of(request: Request) -> Context:
    """Give what the app that answers a request has opened. Not a plain function: FastAPI has a thread call those."""
    return cast(Context, request.app.state.context)
