"""How far the worker is behind each of its inputs, asked of the brokers so that a halted shard shows too."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from drawdown.domain.limits import TRANSACTION_TIMEOUT_MS
from drawdown.engine.ports import Clock
from drawdown.engine.progress import Progress

INTERVAL_MS = 5_000
_MS_PER_SECOND = 1_000
_SAMPLES_MAX = 720
_log = structlog.get_logger("drawdown.lag")


class Lag(msgspec.Struct, frozen=True, gc=False):
    """How far one input's partition is behind. age_ms: of the oldest record that is not committed, or at least so."""

    topic: str
    shard: int
    records: int
    age_ms: int


class Ends:
    """The ends of one partition as they were asked for, oldest first: they date what was appended in between."""

    def __init__(self) -> None:
        """Know none."""
        self._seen: deque[tuple[int, int]] = deque()  # end, when it was first seen (ms)

    def saw(self, end: int, now: int) -> None:
        """Note the end as of `now`. Past a limit every other old one is forgotten."""
        if self._seen and self._seen[-1][0] == end:
            return
        if len(self._seen) >= _SAMPLES_MAX:
            self._seen = deque(list(self._seen)[::2])
        self._seen.append((end, now))

    def beyond(self, offset: int) -> tuple[int, int | None]:
        """Give how many offsets lie between `offset` and the newest end, and since when some did."""
        while len(self._seen) > 1 and self._seen[0][0] <= offset:
            self._seen.popleft()
        if not self._seen or self._seen[-1][0] <= offset:
            return 0, None
        return self._seen[-1][0] - offset, self._seen[0][1]


class LagWatch:
    """Asks for the ends of the worker's inputs every few seconds, with a consumer of its own."""

    def __init__(
        self, servers: str, prefix: str, progress: Callable[[], Sequence[Progress]], clock: Clock, *, log_clock: bool
    ) -> None:
        """Watch what `progress` lists. log_clock: append times are the records' own and date nothing."""
        self._servers = servers
        self._prefix = prefix
        self._progress = progress
        self._clock = clock
        self._log_clock = log_clock
        self._ends: dict[tuple[str, int], Ends] = {}

    async def run(self) -> None:
        """Ask for ever, whatever happens to Kafka; that it is away is told once each time."""
        away = False
        while True:
            consumer = AIOKafkaConsumer(bootstrap_servers=self._servers, enable_auto_commit=False)
            try:
                await consumer.start()
                while True:
                    async with asyncio.timeout(TRANSACTION_TIMEOUT_MS / _MS_PER_SECOND):
                        await self._ask(consumer)
                    away = False
                    await self._clock.sleep_ms(INTERVAL_MS)
            except (KafkaError, TimeoutError, OSError) as error:
                if not away:
                    _log.warning("the ends of the inputs cannot be asked for now", error=str(error))
                away = True
                await self._clock.sleep_ms(INTERVAL_MS)
            finally:
                with contextlib.suppress(KafkaError, TimeoutError, OSError):
                    await consumer.stop()

    async def _ask(self, consumer: AIOKafkaConsumer) -> None:
        wanted = {(entry.topic, entry.shard) for entry in self._progress()}
        for gone in self._ends.keys() - wanted:
            del self._ends[gone]
        if not wanted:
            return
        now = self._clock.now_ms()
        places = {TopicPartition(self._prefix + topic, shard): (topic, shard) for topic, shard in wanted}
        for at, end in (await consumer.end_offsets(list(places))).items():
            self._ends.setdefault(places[at], Ends()).saw(end, now)

    def lags(self) -> list[Lag]:
        """Say how far each input is behind now."""
        now = self._clock.now_ms()
        found = []
        for entry in self._progress():
            ends = self._ends.get((entry.topic, entry.shard))
            further, since = ends.beyond(entry.next_offset) if ends else (0, None)
            oldest = since if entry.oldest is None or self._log_clock else entry.oldest
            age_ms = 0 if oldest is None else max(now - oldest, 0)
            found.append(Lag(entry.topic, entry.shard, entry.waiting + further, age_ms))
        return found
