"""A few consumers without a group, borrowed one at a time: starting one costs 0.1 to 0.3 s."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from drawdown.adapters.kafka.metadata import rest
from drawdown.domain.limits import RECOVERIES_AT_ONCE_MAX, TRANSACTION_TIMEOUT_MS
from drawdown.engine.errors import Retry

_FETCH_WAIT_MS = 5  # they read up to ends that are there: a fetch that waits for more only holds up the next request


class Readers:
    """A pool of consumers; no more than twice `RECOVERIES_AT_ONCE_MAX`, and 2, are borrowed at once."""

    def __init__(self, servers: str, isolation_level: str = "read_committed") -> None:
        """Name the brokers; nothing is started yet."""
        self._servers = servers
        self._isolation_level = isolation_level
        self._idle: list[AIOKafkaConsumer] = []
        self._places = asyncio.Semaphore(2 * RECOVERIES_AT_ONCE_MAX + 2)

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncIterator[AIOKafkaConsumer]:
        """Borrow a consumer; one that failed is not lent again. Raise Retry when none can be started."""
        async with self._places:
            reader = self._idle.pop() if self._idle else await self._start()
            try:
                yield reader
            except GeneratorExit:  # read no further than this
                rest(reader)
                self._idle.append(reader)
                raise
            except BaseException:
                with contextlib.suppress(KafkaError, TimeoutError, OSError):
                    await reader.stop()
                raise
            rest(reader)
            self._idle.append(reader)

    async def _start(self) -> AIOKafkaConsumer:
        reader = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            isolation_level=self._isolation_level,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            max_partition_fetch_bytes=4 * 1024 * 1024,
            max_poll_records=None,
        )
        try:
            async with asyncio.timeout(TRANSACTION_TIMEOUT_MS // 1000):
                await reader.start()
        except (KafkaError, TimeoutError, OSError) as error:
            raise Retry(f"Kafka cannot be read now: {type(error).__name__} {error}") from error
        return reader

    async def stop(self) -> None:
        """Release the idle consumers."""
        while self._idle:
            with contextlib.suppress(KafkaError, TimeoutError, OSError):
                await self._idle.pop().stop()
