"""The worker's monitor: what it shows, on which port, from `start` to `stop`."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from redis.asyncio import Redis

from drawdown.adapters.clock import SystemClock
from drawdown.adapters.kafka.prices import PriceFeed
from drawdown.adapters.monitor.collector import WorkerCollector
from drawdown.adapters.monitor.counted import counted
from drawdown.adapters.monitor.health import dead, unready
from drawdown.adapters.monitor.lag import LagWatch
from drawdown.adapters.monitor.redis import RedisWatch
from drawdown.adapters.monitor.server import Answer, Server
from drawdown.adapters.monitor.sources import Source
from drawdown.engine.progress import Progress
from drawdown.settings import Settings
from drawdown.topics import CREATE_TIME

_JSON = "application/json"
_log = structlog.get_logger("drawdown.monitor")


class Monitor:
    """Shows /metrics, /counts, /live and /ready."""

    def __init__(self, settings: Settings, sources: Sequence[Source], prices: PriceFeed, redis: Redis) -> None:
        """Look at a worker's ledgers and at what they stand on."""
        clock = SystemClock()
        self._settings = settings
        self._sources = sources
        self._prices = prices
        self._redis = RedisWatch(redis, clock)
        self._lag = LagWatch(
            settings.kafka, settings.prefix, self._progress, clock, log_clock=settings.timestamp_type == CREATE_TIME
        )
        self._registry = CollectorRegistry()
        self._registry.register(
            WorkerCollector(sources, self._lag.lags, lambda: self._redis.seen, lambda: prices.age_ms)
        )
        ProcessCollector(registry=self._registry)
        pages = {"/metrics": self._metrics, "/counts": self._counts, "/live": self._live, "/ready": self._ready}
        self._server = Server(settings.metrics_host, settings.metrics_port, pages)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen and watch, unless metrics_port is 0. Raise UserError if the port cannot be had."""
        settings = self._settings
        if not settings.metrics_port:
            return
        await self._server.start()
        self._tasks = [asyncio.create_task(self._lag.run()), asyncio.create_task(self._redis.run())]
        for task in self._tasks:
            task.add_done_callback(_ended)
        _log.info("monitor listens", host=settings.metrics_host, port=settings.metrics_port)

    async def stop(self) -> None:
        """Close the port and end the watching."""
        await self._server.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _progress(self) -> list[Progress]:
        return [entry for source in self._sources for entry in source.runtime.progress()]

    def _metrics(self, headers: Mapping[str, str]) -> Answer:
        encode, content_type = choose_encoder(headers.get("accept", ""))
        return Answer(HTTPStatus.OK, content_type, encode(self._registry))

    def _counts(self, _: Mapping[str, str]) -> Answer:
        return Answer(HTTPStatus.OK, _JSON, msgspec.json.encode(counted(self._sources)))

    def _live(self, _: Mapping[str, str]) -> Answer:
        return _told("live", dead(self._sources))

    def _ready(self, _: Mapping[str, str]) -> Answer:
        return _told("ready", dead(self._sources) or unready(self._sources, self._prices.age_ms))


def _told(what: str, missing: Sequence[str]) -> Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
    return Answer(status, _JSON, msgspec.json.encode({what: not missing, "missing": missing}))


def _ended(task: asyncio.Task[None]) -> None:
    """Say so when a watch has ended by itself; rating goes on without it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a watch of the monitor ended", error=repr(error))
