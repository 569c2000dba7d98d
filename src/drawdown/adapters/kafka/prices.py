"""Reads `prices` whole at start and follows it: every worker knows every book."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from drawdown.domain.limits import FETCH_WAIT_MS, PRICES_STALE_MAX_MS, TRANSACTION_TIMEOUT_MS
from drawdown.domain.prices import BookError, Prices
from drawdown.engine.errors import Halt
from drawdown.engine.ports import Clock
from drawdown.errors import UserError
from drawdown.topics import PRICES
from drawdown.wire.price_book import decode_book

_TIMEOUT_SECONDS = TRANSACTION_TIMEOUT_MS // 1000
_RETRY_SECONDS = 1
_log = structlog.get_logger("drawdown.prices")


class PriceFeed:
    """The reader of `prices`. A book that is wrong, or changes a known version, is skipped and reported."""

    def __init__(self, servers: str, prefix: str, prices: Prices, clock: Clock, read_to: Callable[[int], None]) -> None:
        """Read into `prices`; `read_to` is told the position after every read."""
        self._at = TopicPartition(prefix + PRICES, 0)
        self._prices = prices
        self._clock = clock
        self._read_to = read_to
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=servers,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        self._seen_ms = 0
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read everything there is. Raise UserError when the topic cannot be read."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._consumer.start()
                self._consumer.assign([self._at])
                earliest = await self._consumer.beginning_offsets([self._at])
                self._consumer.seek(self._at, earliest[self._at])
                end = (await self._consumer.end_offsets([self._at]))[self._at]
                while await self._consumer.position(self._at) < end:
                    await self._read()
        except (KafkaError, TimeoutError, OSError) as error:
            raise UserError(f"topic {self._at.topic} cannot be read: {type(error).__name__} {error}") from error
        self._read_to(end)
        self._seen_ms = self._clock.monotonic_ms()

    def follow(self) -> asyncio.Task[None]:
        """Read on until stopped, in a task that is then cancelled.

        It fails with Halt when prices could not be read for too long: usage would be rated by old ones.
        """
        self._following = asyncio.create_task(self._follow())
        return self._following

    async def _follow(self) -> None:
        while True:
            try:
                await self._read()
                end = (await self._consumer.end_offsets([self._at]))[self._at]
                if await self._consumer.position(self._at) >= end:
                    self._seen_ms = self._clock.monotonic_ms()
            except (KafkaError, TimeoutError, OSError) as error:
                _log.warning("prices cannot be read now", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            stale_ms = self._clock.monotonic_ms() - self._seen_ms
            if stale_ms > PRICES_STALE_MAX_MS:
                raise Halt(f"topic {self._at.topic} could not be read to its end for {stale_ms} ms")

    async def _read(self) -> None:
        fetched = await self._consumer.getmany(self._at, timeout_ms=_RETRY_SECONDS * 1000)
        for record in fetched.get(self._at, ()):
            try:
                self._prices.add(decode_book(record.value), record.timestamp)
            except BookError as error:
                _log.error("a price book is skipped", offset=record.offset, key=str(record.key), why=str(error))
        if fetched:
            self._read_to(await self._consumer.position(self._at))

    @property
    def age_ms(self) -> int:
        """Say how long ago everything was read, ms."""
        return self._clock.monotonic_ms() - self._seen_ms

    async def stop(self) -> None:
        """End the following, then release the consumer that it reads."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait((self._following,))
        with contextlib.suppress(KafkaError, TimeoutError, OSError):
            await self._consumer.stop()
