"""Turns a worker's counts into Prometheus's samples at each scrape; nothing is kept twice."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import accumulate, product
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from drawdown import metrics
from drawdown.adapters.monitor.lag import Lag
from drawdown.adapters.monitor.redis import RedisSeen
from drawdown.adapters.monitor.sources import Source
from drawdown.domain.money import CURRENCIES
from drawdown.engine.counts import Counts, Spread
from drawdown.metrics import LABELS, Kind, Metric, service_label

NS_PER_SECOND = 1_000_000_000
MS_PER_SECOND = 1_000
Values = Mapping[tuple[str, ...], float]
Spreads = Sequence[tuple[tuple[str, ...], Spread]]


class WorkerCollector(Collector):
    """All of metrics.METRICS, in their order."""

    def __init__(
        self,
        sources: Sequence[Source],
        lags: Callable[[], Sequence[Lag]],
        redis: Callable[[], RedisSeen],
        prices_age_ms: Callable[[], int],
    ) -> None:
        """Read from these at each scrape."""
        self._counts = {source.ledger.name: source.runtime.counts for source in sources}
        self._sources = sources
        self._lags = lags
        self._redis = redis
        self._prices_age_ms = prices_age_ms

    def collect(self) -> Iterator[Any]:
        """Give every family, complete with its zeros."""
        counts = self._counts
        yield family_of(metrics.EVENTS, by_service(counts), counts)
        yield family_of(metrics.REJECTS, _by(counts, lambda one: one.rejected), counts)
        yield family_of(metrics.AMOUNT, _units(amounts(counts)), ())
        yield histogram_of(metrics.BATCH, [((name,), one.batches) for name, one in counts.items()], 1)
        stages = [((name, stage), spread) for name, one in counts.items() for stage, spread in one.stages.items()]
        yield histogram_of(metrics.STAGE, stages, NS_PER_SECOND)
        yield histogram_of(metrics.AGE, [((name,), one.ages_ms) for name, one in counts.items()], MS_PER_SECOND)
        yield family_of(metrics.TRANSACTIONS, _by(counts, _ends), counts)
        spent = [((name,), one.transactions_ns) for name, one in counts.items()]
        yield histogram_of(metrics.TRANSACTION, spent, NS_PER_SECOND)
        committed: Values = {(name,): one.committed_at / MS_PER_SECOND for name, one in counts.items()}
        yield family_of(metrics.LAST_COMMIT, committed, counts)
        yield from self._lag()
        yield family_of(metrics.SHARDS, self._shards(), counts)
        yield family_of(metrics.DOUBTS_NOTICED, _by(counts, lambda one: one.doubts_by), counts)
        yield family_of(metrics.RECOVERIES, _by(counts, _recoveries), counts)
        yield family_of(metrics.ERRORS, _by(counts, lambda one: one.errors), counts)
        yield family_of(metrics.TIMERS, {(name,): one.timers_sent for name, one in counts.items()}, counts)
        yield family_of(metrics.STALE, {(name,): one.stale_batches for name, one in counts.items()}, counts)
        yield family_of(metrics.SCRUBS, {(name,): one.scrubs for name, one in counts.items()}, counts)
        yield family_of(metrics.SCRUBBED, {(name,): one.scrub_records for name, one in counts.items()}, counts)
        different: Values = {(name,): one.scrub_differences for name, one in counts.items()}
        yield family_of(metrics.SCRUB_DIFFERENCES, different, counts)
        yield family_of(metrics.PRICES_AGE, {(): self._prices_age_ms() / MS_PER_SECOND}, ())
        yield from self._redis_families()
        yield build()

    def _lag(self) -> Iterator[Any]:
        """Give the lag of each partition of this worker; those of other workers are theirs to tell."""
        ledgers = {
            topic: source.ledger.name
            for source in self._sources
            for topic in (source.ledger.command_topic, *source.ledger.usage_topics)
        }
        lags = {(ledgers[lag.topic], lag.topic, str(lag.shard)): lag for lag in self._lags()}
        yield family_of(metrics.LAG_RECORDS, {name: lag.records for name, lag in lags.items()}, ())
        yield family_of(metrics.LAG_SECONDS, {name: lag.age_ms / MS_PER_SECOND for name, lag in lags.items()}, ())

    def _shards(self) -> dict[tuple[str, ...], int]:
        found: dict[tuple[str, ...], int] = {}
        for source in self._sources:
            for state in source.runtime.states.values():
                found[source.ledger.name, state] = found.get((source.ledger.name, state), 0) + 1
        return found

    def _redis_families(self) -> Iterator[Any]:
        seen = self._redis()
        yield family_of(metrics.REDIS_UP, {(): int(seen.up)}, ())
        yield family_of(metrics.REDIS_MEMORY, {(): seen.memory_bytes}, ())
        yield family_of(metrics.REDIS_LIMIT, {(): seen.limit_bytes}, ())
        yield family_of(metrics.REDIS_POLICY, {(): int(seen.never_evicts)}, ())


def by_service(counts: Mapping[str, Counts]) -> dict[tuple[str, ...], int]:
    """Give (ledger, service, outcome) → inputs."""
    found: dict[tuple[str, ...], int] = {}
    for name, one in counts.items():
        for (counted, outcome), number in one.events.items():
            labels = (name, service_label(counted), outcome)
            found[labels] = found.get(labels, 0) + number
    return found


def amounts(counts: Mapping[str, Counts]) -> dict[tuple[str, str, str], int]:
    """Give (service, payer, currency) → quanta, exactly."""
    found: dict[tuple[str, str, str], int] = {}
    for one in counts.values():
        for (counted, payer, currency), amount in one.amounts.items():
            labels = (service_label(counted), payer, currency)
            found[labels] = found.get(labels, 0) + amount
    return found


def _units(exact: Mapping[tuple[str, str, str], int]) -> dict[tuple[str, ...], float]:
    return {labels: amount / 10 ** CURRENCIES[labels[-1]].quantum_digits for labels, amount in exact.items()}


def _ends(one: Counts) -> dict[str, int]:
    return {"committed": one.transactions, "aborted": one.aborted, "fenced": one.fenced}


def _recoveries(one: Counts) -> dict[str, int]:
    return {"catch_up": one.catch_ups, "rebuild": one.rebuilds}


def _by(counts: Mapping[str, Counts], of: Callable[[Counts], Mapping[str, int]]) -> dict[tuple[str, ...], int]:
    return {(name, label): number for name, one in counts.items() for label, number in of(one).items()}


def family_of(metric: Metric, values: Values, ledgers: Iterable[str]) -> Any:
    """Give a counter's or gauge's family: every combination of its labels' values, at zero where nothing was counted.

    Of labels without a closed set (partitions) only what there is is shown.
    """
    family: Any
    if metric.kind is Kind.COUNTER:
        family = CounterMetricFamily(metric.name.removesuffix("_total"), metric.help, labels=metric.labels)
    else:
        family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    sets = {"ledger": tuple(ledgers), **LABELS}
    full = all(label in sets for label in metric.labels)
    zeros = dict.fromkeys(product(*(sets[label] for label in metric.labels)), 0.0) if full else {}
    for labels, value in {**zeros, **values}.items():
        family.add_metric(labels, value)
    return family


def histogram_of(metric: Metric, spreads: Spreads, per_unit: int) -> Any:
    """Give a histogram's family. per_unit: how many of what was counted make one of what is shown."""
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, spread in spreads:
        bounds = [*(_bound(bound, per_unit) for bound in spread.bounds), "+Inf"]
        family.add_metric(
            labels, list(zip(bounds, accumulate(spread.counts), strict=True)), sum_value=spread.total / per_unit
        )
    return family


def build() -> Any:
    """Give the family that tells the release."""
    return family_of(metrics.BUILD, {(version("drawdown"), platform.python_version()): 1}, ())


def _bound(bound: int, per_unit: int) -> str:
    return repr(bound / per_unit)
