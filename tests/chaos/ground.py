"""A Kafka and a Redis of a test's own, each behind a proxy, and steady load on them.

Workers come to Kafka and Redis by the proxies. What the test itself asks of Kafka goes there directly.
"""

import asyncio
import contextlib
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from tests.chaos.proxy import Proxy
from tests.support.load import call, now_ms, stage_on

from drawdown.demo.stage import Stage
from drawdown.local.child import Child, free_port
from drawdown.local.kafka import KafkaBroker
from drawdown.local.redis import RedisServer
from drawdown.local.stack import Addresses

WORKER = ("-m", "drawdown", "worker")
_POLL_SECONDS = 0.05
_AT_ONCE = 20  # events of one batch of a load


@dataclass
class Ground:
    """What a test stands on."""

    kafka: KafkaBroker
    redis: RedisServer
    to_kafka: Proxy
    to_redis: Proxy
    folder: Path
    stops: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def addresses(self) -> Addresses:
        """Kafka directly, Redis by its proxy: after a failover the checks look where the workers look."""
        return Addresses(self.kafka.address, f"redis://127.0.0.1:{self.to_redis.port}/0")

    def start_worker(self, stage: Stage, command: Sequence[str] = WORKER, **others: object) -> Child:
        """Start a worker behind both proxies."""
        return stage.start_worker(command, **{"kafka": f"127.0.0.1:{self.to_kafka.port}", **others})

    def odd_worker(self, stage: Stage, **oddities: int) -> Child:
        """Start a worker with oddities of tests/chaos/odd_worker.py."""
        told = [f"{name}={value}" for name, value in oddities.items()]
        return self.start_worker(stage, ("-m", "tests.chaos.odd_worker", *told))

    async def ends(self, worker: Child) -> None:
        """Stop a worker in order (SIGTERM), in a thread: it goes by the proxies, which run on this loop."""
        await asyncio.to_thread(worker.stop)

    @contextlib.asynccontextmanager
    async def stage(self, **settings: Any) -> AsyncIterator[Stage]:
        """Give a stage with accounts and plans published, and no worker yet."""
        async with stage_on(self, f"c{uuid.uuid4().hex[:8]}.", **settings) as stage:
            try:
                yield stage
            finally:
                for worker in stage.workers:
                    worker.ask_to_stop()
                for worker in stage.workers:
                    await self.ends(worker)
                    shutil.copy(worker.log, self.folder)

    @contextlib.asynccontextmanager
    async def working(self, **settings: Any) -> AsyncIterator[tuple[Stage, Child]]:
        """Give a stage whose one worker has opened the accounts."""
        async with self.stage(**settings) as stage:
            worker = self.start_worker(stage)
            await stage.all_taken(seconds=60)
            yield stage, worker


@contextlib.asynccontextmanager
async def ground(
    folder: Path,
    *,
    kafka: KafkaBroker | None = None,
    broker: Mapping[str, object] | None = None,
    redis: Mapping[str, str] | None = None,
) -> AsyncIterator[Ground]:
    """Start all. kafka: one that runs already. broker, redis: settings beside the usual."""
    own = kafka is None
    kafka = kafka or KafkaBroker(folder / "kafka", proxy_port=free_port(), more=broker)
    to_kafka, to_redis = Proxy(kafka.proxy_port), Proxy()
    made = Ground(
        kafka,
        RedisServer(folder / "redis", redis),
        to_kafka,
        to_redis,
        folder,
    )
    with made.stops:
        made.stops.callback(made.redis.kill)
        await asyncio.to_thread(made.redis.start)
        if own:
            made.stops.callback(made.kafka.kill)
            await asyncio.to_thread(made.kafka.start)
        await to_kafka.start(made.kafka.proxied_port)
        await to_redis.start(made.redis.port)
        try:
            yield made
        finally:
            await to_redis.stop()
            await to_kafka.stop()


class Load:
    """Calls of all accounts at a steady rate. What Kafka did not acknowledge is sent again: ids are what counts."""

    def __init__(self, stage: Stage, per_second: int) -> None:
        self.sent = 0
        self.again = 0
        self._stage = stage
        self._per_second = per_second
        self._ending = asyncio.Event()

    async def run(self) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._stage.settings.kafka, acks="all", enable_idempotence=True)
        await producer.start()
        try:
            while not self._ending.is_set():
                until = time.monotonic() + _AT_ONCE / self._per_second
                await self._send(producer, [call(self.sent + number, now_ms()) for number in range(_AT_ONCE)])
                self.sent += _AT_ONCE
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(until - time.monotonic(), 0)):
                        await self._ending.wait()
        finally:
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, batch: Sequence[object]) -> None:
        waiting = list(batch)
        while waiting:
            futures = [
                await producer.send(self._stage.settings.prefix + one.topic, one.value, key=one.key)  # type: ignore[attr-defined]
                for one in waiting
            ]
            answers = await asyncio.gather(*futures, return_exceptions=True)
            waiting = [one for one, answer in zip(waiting, answers, strict=True) if isinstance(answer, KafkaError)]
            self.again += len(waiting)

    def end(self) -> None:
        self._ending.set()


@contextlib.asynccontextmanager
async def load(stage: Stage, per_second: int = 100) -> AsyncIterator[Load]:
    """Publish while the context lasts; all of it is on the log afterwards."""
    running = Load(stage, per_second)
    task = asyncio.create_task(running.run())
    try:
        yield running
    finally:
        running.end()
        async with asyncio.timeout(120):
            await task


async def until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait for a condition; say what did not come."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"after {seconds:g} s: {what}") from None


async def until_sent(running: Load, more: int) -> None:
    """Wait until so many more events are on the log."""
    aim = running.sent + more
    await until(lambda: running.sent >= aim, f"the load did not publish {more} more events")


async def until_rated(stage: Stage, more: int, seconds: float = 60) -> None:
    """Wait until so many more outputs are written, markers included."""
    await stage.until_written(await stage.written() + more, seconds=seconds)


async def ended(worker: Child, seconds: float = 60) -> int:
    """Wait until a worker has ended; give its exit code."""
    await until(lambda: not worker.alive, f"the worker did not end:\n{worker.tail(2_000)}", seconds)
    return int(worker.returncode or 0)


def said(worker: Child, *words: str) -> int:
    """Count the lines of a worker's log that hold all these words."""
    lines = worker.log.read_text(errors="replace").splitlines()
    return sum(all(word in line for word in words) for line in lines)


async def until_said(worker: Child, *words: str, times: int = 1, seconds: float = 60) -> None:
    """Wait until a worker's log has so many lines with all these words."""
    await until(lambda: said(worker, *words) >= times, f"the worker never said {words}:\n{worker.tail(2_000)}", seconds)
