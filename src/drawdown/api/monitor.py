"""What operators see of an API process: its metrics, on a port that is not the API's."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from drawdown import metrics
from drawdown.adapters.monitor.collector import NS_PER_SECOND, Values, build, family_of, histogram_of
from drawdown.adapters.monitor.server import Answer, Server
from drawdown.api.counts import ApiCounts
from drawdown.settings import Settings

_log = structlog.get_logger("drawdown.monitor")


class ApiCollector(Collector):
    """All of metrics.API_METRICS, in their order."""

    def __init__(self, counts: ApiCounts) -> None:
        """Read from these at each scrape."""
        self._counts = counts

    def collect(self) -> Iterator[Any]:
        """Give every family; of routes, which are no closed set here, those that were asked for."""
        counts = self._counts
        yield family_of(metrics.API_REQUESTS, counts.requests, ())
        spent = [((route,), spread) for route, spread in counts.spent_ns.items()]
        yield histogram_of(metrics.API_REQUEST, spent, NS_PER_SECOND)
        ended: Values = {(decision,): number for decision, number in counts.decisions.items()}
        yield family_of(metrics.API_DECISIONS, ended, ())
        yield family_of(metrics.API_WAITING, {(): counts.waiting}, ())
        yield build()


class ApiMonitor:
    """Shows /metrics."""

    def __init__(self, settings: Settings, counts: ApiCounts) -> None:
        """Look at what an API process counts."""
        self._settings = settings
        self._registry = CollectorRegistry()
        self._registry.register(ApiCollector(counts))
        ProcessCollector(registry=self._registry)
        self._server = Server(settings.metrics_host, settings.metrics_port, {"/metrics": self._metrics})

    async def start(self) -> None:
        """Listen, unless metrics_port is 0. Raise UserError if the port cannot be had."""
        settings = self._settings
        if settings.metrics_port:
            await self._server.start()
            _log.info("monitor listens", host=settings.metrics_host, port=settings.metrics_port)

    async def stop(self) -> None:
        """Close the port."""
        await self._server.stop()

    def _metrics(self, headers: Mapping[str, str]) -> Answer:
        encode, content_type = choose_encoder(headers.get("accept", ""))
        return Answer(HTTPStatus.OK, content_type, encode(self._registry))
