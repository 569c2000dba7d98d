"""A stage for whole runs: topics on a stack, worker processes, publishing, waiting until all is taken, reading back."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from drawdown.adapters.clock import SystemClock
from drawdown.adapters.kafka.admin import Admin
from drawdown.adapters.kafka.browsing import Browser
from drawdown.adapters.kafka.commits import newest_commits
from drawdown.adapters.kafka.reading import read_topics, topic_ends
from drawdown.adapters.redis.cache import RedisCache
from drawdown.compiled import SWITCH
from drawdown.domain.limits import WATERMARK_CARRY_MS, WATERMARK_MARGIN_MS
from drawdown.engine.commit import CommitRecord
from drawdown.engine.records import Record
from drawdown.errors import UserError
from drawdown.ledgers.codes import CodesLedger
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.local.child import Child
from drawdown.local.stack import Addresses
from drawdown.operate.lag import measured
from drawdown.settings import Settings
from drawdown.topics import CHARGES, CREATE_TIME, CREDIT_CHARGING, PLAN_COMMANDS, PRICES, USAGE
from drawdown.traces.events import Outgoing

INPUTS = (PLAN_COMMANDS, *USAGE)
_POLL_SECONDS = 0.2
_NS = 10**9
_FLUSH = (
    "local keys = redis.call('KEYS', ARGV[1]) for _, key in ipairs(keys) do redis.call('UNLINK', key) end return #keys"
)
_COUNTED = 64  # so short a backlog is counted by its records: it may hold nothing but the ends of transactions


class Stage:
    """Topics and workers over a running stack; everything it started ends with it."""

    def __init__(self, addresses: Addresses, settings: Settings) -> None:
        """Use a stack. settings: of the workers too."""
        self.settings = settings
        self.workers: list[Child] = []
        self._addresses = addresses
        self._folder = tempfile.TemporaryDirectory(prefix="drawdown-stage-")
        self._started = 0
        self._shards = range(settings.shards)
        self._browser = Browser(settings.kafka, settings.prefix)
        self.redis = Redis.from_url(addresses.redis)
        ledgers = (PlansLedger, WalletLedger, CodesLedger) if settings.wallet else (PlansLedger,)
        self._sides = [_Side(ledger, settings, self.redis) for ledger in ledgers]  # plans first: they feed
        self.caches = {side.name: side.cache for side in self._sides}

    async def __aenter__(self) -> Self:
        """Make the topics."""
        async with Admin(self.settings.kafka, self.settings.prefix) as admin:
            await admin.create(self.settings.topics)
        await self._browser.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the workers and let go of everything."""
        for worker in self.workers:
            worker.ask_to_stop()
        for worker in self.workers:
            worker.stop()
        await self.close()

    async def close(self) -> None:
        """Let go of connections and the folder."""
        await self._browser.__aexit__()
        await self.redis.aclose()
        self._folder.cleanup()

    # --- workers ------------------------------------------------------------------------------

    def start_worker(self, command: Sequence[str] = ("-m", "drawdown", "worker"), **others: object) -> Child:
        """Start a worker process of this Python. others: settings in which it differs from the stage's."""
        self._started += 1
        hidden = {"redis": self._addresses.redis, "history": self.settings.history.get_secret_value()}
        told = self.settings.model_dump(mode="json") | hidden | others
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("DRAWDOWN_") or key == SWITCH},
            **{f"DRAWDOWN_{name.upper()}": str(value) for name, value in told.items()},
        }
        log = Path(self._folder.name) / f"worker-{self._started}.log"
        worker = Child([sys.executable, *command], log, environment)
        self.workers.append(worker)
        return worker

    def pause(self, worker: Child) -> None:
        """Stop a worker in its tracks (SIGSTOP)."""
        os.kill(worker.pid, signal.SIGSTOP)

    def resume(self, worker: Child) -> None:
        """Let a paused worker go on (SIGCONT)."""
        os.kill(worker.pid, signal.SIGCONT)

    def check_alive(self) -> None:
        """Raise UserError with the end of its log when no worker runs any more."""
        if self.workers and not any(worker.alive for worker in self.workers):
            raise UserError(f"the worker ended:\n{self.workers[-1].tail(2_000)}")

    # --- publishing ---------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def publisher(self) -> AsyncIterator["Publisher"]:
        """Give a producer for the length of a context; all is sent when it ends."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka, linger_ms=5, max_batch_size=262_144)
        await producer.start()
        try:
            yield Publisher(producer, self.settings)
            await producer.flush()
        finally:
            await producer.stop()

    async def publish(self, records: Iterable[Outgoing]) -> int:
        """Send records; give how many."""
        async with self.publisher() as publisher:
            return await publisher.send(records)

    # --- waiting and reading ------------------------------------------------------------------

    async def waiting(self) -> int:
        """Count the input records that no commit has taken yet.

        None is under way between ledgers either when this is 0: ends are read after commits, and a commit appends what
        comes of its inputs in the same transaction.
        """
        inputs = {side.name: side.inputs for side in self._sides}
        found, _ = await measured(self._browser, inputs, self._shards, SystemClock(), counted=_COUNTED)
        return sum(one.records for one in found)

    async def all_taken(self, told: Callable[[int], None] | None = None, *, seconds: float = 300) -> None:
        """Wait until every input is taken; `told` hears how many are not. Raise UserError after `seconds`."""
        async with _within(seconds, "input was still not taken"):
            while True:
                began = time.monotonic_ns()
                waiting = await self.waiting()
                if told is not None:
                    told(waiting)
                if not waiting:
                    return
                self.check_alive()
                asked_seconds = (time.monotonic_ns() - began) / _NS
                await asyncio.sleep(min(max(_POLL_SECONDS, 2 * asked_seconds), 1))  # asking costs the workers' time

    async def prices_read(self) -> bool:
        """Say whether the newest commits of the plans ledger were made with all price books that are published."""
        _, end = (await self._browser.spans([(PRICES, 0)]))[PRICES, 0]
        newest = await newest_commits(self._browser, self.caches, self._shards)
        commits = [newest.get((PlansLedger.name, shard)) for shard in self._shards]
        return all(commit is not None and commit.prices_offset >= end for commit in commits)

    async def settled(self, *, seconds: float = 60) -> None:
        """Wait until nothing more happens by itself: all is taken, Redis is where the log is, no timer is due."""
        async with _within(seconds, "something was still due, or Redis behind the log"):
            while True:
                if not await self._busy() and not await self.waiting():
                    return
                self.check_alive()
                await asyncio.sleep(_POLL_SECONDS)

    async def _busy(self) -> bool:
        """Say whether Redis is behind, or a timer due: by the wall clock, on CreateTime stacks by the log's own."""
        newest = await newest_commits(self._browser, self.caches, self._shards)
        asked = [
            self._shard_busy(side, shard, newest.get((side.name, shard)))
            for side in self._sides
            for shard in self._shards
        ]
        return any(await asyncio.gather(*asked))

    async def _shard_busy(self, side: "_Side", shard: int, newest: CommitRecord | None) -> bool:
        if (await side.cache.cursor(shard)).number != (newest.number if newest else 0):
            return True
        now = SystemClock().now_ms() - WATERMARK_MARGIN_MS
        if self.settings.timestamp_type == CREATE_TIME:
            now = newest.watermark if newest else 0
        elif side.carried:  # its watermark moves when it is carried on
            now -= WATERMARK_CARRY_MS
        return bool(await side.cache.due(shard, now, 1))

    async def flush(self) -> int:
        """Delete every Redis key of this stage at once, as a FLUSHALL would; give how many there were."""
        return int(await self.redis.eval(_FLUSH, 0, f"{self.settings.prefix}*"))

    async def written(self) -> int:
        """Say how far the charges and overages have come: the sum of their partitions' ends, markers included."""
        async with topic_ends(self.settings.kafka, self.settings.prefix, (CHARGES, CREDIT_CHARGING)) as ends:
            return await ends()

    async def until_written(self, count: int, *, seconds: float = 120) -> None:
        """Wait until the workers have written so much."""
        names = (CHARGES, CREDIT_CHARGING)
        async with (
            _within(seconds, f"the workers had not written {count} outputs"),
            topic_ends(self.settings.kafka, self.settings.prefix, names) as ends,
        ):
            while await ends() < count:
                self.check_alive()
                await asyncio.sleep(_POLL_SECONDS / 10)

    async def read(self) -> dict[str, list[Record]]:
        """Read every topic back but the ledger's own."""
        topics = [spec.name for spec in self.settings.topics if not spec.name.startswith(("changelog.", "known-ids."))]
        return await read_topics(self.settings.kafka, self.settings.prefix, topics)


class _Side:
    """What the stage looks at of one ledger."""

    def __init__(
        self,
        ledger: type[PlansLedger] | type[WalletLedger] | type[CodesLedger],
        settings: Settings,
        redis: Redis,
    ) -> None:
        self.name = ledger.name
        self.inputs = (ledger.command_topic, *ledger.usage_topics)
        self.carried = bool(ledger.watermark_from)
        self.cache = RedisCache(redis, ledger.name, settings.prefix)


class Publisher:
    """Sends records to the stage's topics."""

    def __init__(self, producer: AIOKafkaProducer, settings: Settings) -> None:
        """Use a started producer."""
        self._producer = producer
        self._prefix = settings.prefix
        self._own_clock = settings.timestamp_type == CREATE_TIME

    async def send(self, records: Iterable[Outgoing]) -> int:
        """Hand records to the producer; give how many."""
        count = 0
        for one in records:
            await self._producer.send(
                self._prefix + one.topic,
                one.value,
                key=one.key,
                partition=one.partition,
                headers=list(one.headers),
                timestamp_ms=one.time if self._own_clock and one.time else None,
            )
            count += 1
        return count


@contextlib.asynccontextmanager
async def _within(seconds: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise UserError(f"after {seconds:g} seconds {what}") from error
