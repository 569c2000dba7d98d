"""The projector's monitor: /metrics, /live and /ready on the metrics port."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from drawdown import metrics
from drawdown.adapters.monitor.server import TEXT, Answer, Server
from drawdown.history.counting import Counts
from drawdown.settings import Settings


class HistoryCollector(Collector):
    """Turns the projector's counts into samples at each scrape."""

    def __init__(self, counts: Counts) -> None:
        """Read from these."""
        self._counts = counts

    def collect(self) -> Iterator[Any]:
        """Give every family."""
        counts = self._counts
        records = CounterMetricFamily(metrics.HISTORY_RECORDS.name, metrics.HISTORY_RECORDS.help, labels=["topic"])
        records.add_metric(["charges"], counts.charges)
        records.add_metric(["account-events"], counts.events)
        yield records
        yield CounterMetricFamily(
            metrics.HISTORY_TRANSACTIONS.name, metrics.HISTORY_TRANSACTIONS.help, counts.transactions
        )
        yield CounterMetricFamily(metrics.HISTORY_FAILURES.name, metrics.HISTORY_FAILURES.help, counts.failures)
        lag = GaugeMetricFamily(metrics.HISTORY_LAG.name, metrics.HISTORY_LAG.help, labels=["topic", "partition"])
        for (topic, partition), end in sorted(counts.ends.items()):
            lag.add_metric([topic, str(partition)], max(end - counts.positions.get((topic, partition), 0), 0))
        yield lag


class Meter:
    """Listens while metrics_port is not 0."""

    def __init__(self, settings: Settings, counts: Counts) -> None:
        """Listen nowhere yet."""
        self._registry = CollectorRegistry()
        self._registry.register(HistoryCollector(counts))
        ProcessCollector(registry=self._registry)
        self._counts = counts
        pages = {"/metrics": self._metrics, "/live": self._live, "/ready": self._ready}
        self._server = Server(settings.metrics_host, settings.metrics_port, pages) if settings.metrics_port else None

    async def start(self) -> None:
        """Listen. Raise UserError if the port cannot be had."""
        if self._server is not None:
            await self._server.start()

    async def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            await self._server.stop()

    def _metrics(self, headers: Mapping[str, str]) -> Answer:
        encode, content_type = choose_encoder(headers.get("accept", ""))
        return Answer(HTTPStatus.OK, content_type, encode(self._registry))

    def _live(self, _: Mapping[str, str]) -> Answer:
        return Answer(HTTPStatus.OK, TEXT, b"live\n")

    def _ready(self, _: Mapping[str, str]) -> Answer:
        if self._counts.following:
            return Answer(HTTPStatus.OK, TEXT, b"ready\n")
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, TEXT, f"not ready: {self._counts.why}\n".encode())
