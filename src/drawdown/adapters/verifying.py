"""A verification's source over Kafka and Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from drawdown.adapters.clock import SystemClock
from drawdown.adapters.kafka.browsing import Browser, Place
from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.adapters.redis.reading import RedisReader
from drawdown.domain.limits import REDIS_TIMEOUT_MS, VERIFY_READINGS_MAX
from drawdown.engine.commit import Cursor
from drawdown.engine.errors import Doubt, Retry
from drawdown.engine.records import Record
from drawdown.errors import UserError
from drawdown.settings import Settings


class StackSource:
    """One system; several readings at once, each with a consumer of its own that is used again by the next."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet."""
        self.shards = settings.shards
        self.shard_of = shard_of(settings.shards)
        self._settings = settings
        self._clock = SystemClock()
        self._ends = contextlib.AsyncExitStack()
        self._idle: list[Browser] = []
        self._places = asyncio.Semaphore(VERIFY_READINGS_MAX)
        seconds = REDIS_TIMEOUT_MS / 1000
        self._redis = Redis.from_url(
            settings.redis.get_secret_value(), socket_timeout=seconds, socket_connect_timeout=seconds
        )
        self._ends.push_async_callback(self._redis.aclose)

    async def __aenter__(self) -> Self:
        """Give the source."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of what was connected."""
        await self._ends.aclose()

    def now_ms(self) -> int:
        """Give the wall clock, ms."""
        return self._clock.now_ms()

    @contextlib.asynccontextmanager
    async def _browser(self) -> AsyncIterator[Browser]:
        async with self._places:
            if not self._idle:
                made = Browser(self._settings.kafka, self._settings.prefix)
                self._idle.append(await self._ends.enter_async_context(made))
            browser = self._idle.pop()
            yield browser
            self._idle.append(browser)

    async def spans(self, places: Iterable[Place]) -> dict[Place, tuple[int, int]]:
        """Give the earliest offset held and the read-committed end of each place."""
        async with self._browser() as browser:
            return await browser.spans(places)

    async def read(self, place: Place, start: int, end: int) -> AsyncIterator[Record]:
        """Give the committed records of [start, end) in order."""
        if start >= end:
            return
        async with self._browser() as browser, contextlib.aclosing(browser.read({place: (start, end)})) as records:
            async for record in records:
                yield record

    def _cache(self, ledger: str) -> RedisReader:
        return RedisReader(self._redis, ledger, self._settings.prefix)

    async def cursor(self, ledger: str, shard: int) -> Cursor | None:
        """Read the cache's cursor; None where it is not one."""
        try:
            return await self._cache(ledger).cursor(shard)
        except Doubt:
            return None
        except Retry as retry:
            raise _out_of_reach(retry) from retry

    async def states(self, ledger: str, shard: int) -> AsyncIterator[tuple[str, bytes | None]]:
        """Give accounts and their states in the cache."""
        with _told():
            async for entry in self._cache(ledger).states(shard):
                yield entry

    async def ids(self, ledger: str, shard: int) -> AsyncIterator[tuple[int, bytes, bytes]]:
        """Give bucket, identity and value of each id in the cache."""
        with _told():
            async for entry in self._cache(ledger).ids(shard):
                yield entry

    async def due(self, ledger: str, shard: int) -> AsyncIterator[tuple[str, int]]:
        """Give accounts and their due times (ms) in the cache."""
        with _told():
            async for entry in self._cache(ledger).due_times(shard):
                yield entry


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (RedisError, Retry) as error:
        raise _out_of_reach(error) from error


def _out_of_reach(error: Exception) -> UserError:
    return UserError(f"Redis cannot be read (setting redis, DRAWDOWN_REDIS): {error}")
