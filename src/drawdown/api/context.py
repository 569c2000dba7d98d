"""What the routes share: connections, keys, and what waits for decisions."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import cast

from fastapi import Request

from drawdown.api.archives import Archives
from drawdown.api.counts import ApiCounts
from drawdown.api.decisions import DECISION_TOPICS, Decisions
from drawdown.api.following import Follower
from drawdown.api.issuing import Issuer
from drawdown.api.rates import Rates
from drawdown.api.scanning import Scans
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
from drawdown.topics import API_KEYS, PRICES


class Keyring:
    """The keys as of now."""

    def __init__(self) -> None:
        """Know none yet."""
        self.keys: dict[str, Key] = {}

    def take(self, record: Record) -> None:
        """Take a key up, or what became of it."""
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
    scans: Scans
    archives: Archives
    counts: ApiCounts


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Context]:
    """Connect, and let go at the end. Raise UserError when Kafka or Redis cannot be used."""
    decisions, keyring, shelf = Decisions(), Keyring(), Shelf()
    customers = Rates(API_CUSTOMER_PER_SECOND, API_CUSTOMER_BURST)
    services = Rates(API_SERVICE_PER_SECOND, API_SERVICE_BURST)
    outputs = [(topic, shard) for topic in DECISION_TOPICS for shard in range(settings.shards)]
    async with Desk(settings) as desk, AsyncExitStack() as followed:
        await check_redis(desk.redis())
        for places, take, history in (
            ([(API_KEYS, 0)], keyring.take, True),
            ([(PRICES, 0)], shelf.take, True),
            (outputs, decisions.take, False),
        ):
            follower = Follower(settings, places, take)
            followed.push_async_callback(follower.stop)
            await follower.start(history=history)
        await desk.browser()
        archives = Archives(settings)
        followed.callback(archives.close)
        counts, scans = ApiCounts(), Scans(settings)
        issuer = Issuer(desk, decisions, counts)
        yield Context(desk, keyring, shelf, issuer, decisions, customers, services, scans, archives, counts)


async def context_of(request: Request) -> Context:
    """Give what the app that answers a request has opened. Not a plain function: FastAPI has a thread call those."""
    return cast(Context, request.app.state.context)
