"""What is shown before anything happened, and that labels hold nothing that is not declared."""

import asyncio
from collections.abc import Sequence
from itertools import product
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from drawdown.adapters.monitor.collector import WorkerCollector
from drawdown.adapters.monitor.counted import counted
from drawdown.adapters.monitor.health import dead, unready
from drawdown.adapters.monitor.lag import Lag
from drawdown.adapters.monitor.redis import RedisSeen, seen_in
from drawdown.engine.counts import HALTED, OPEN, RECOVERING, Counts
from drawdown.engine.errors import Halt
from drawdown.metrics import LABELS, METRICS, Kind, service_label

WITHOUT_A_SET = {"topic", "partition", "version", "python", "le"}


def source(
    name: str = "plans", states: dict[int, str] | None = None, topics: Sequence[str] = ("usage.inference",)
) -> Any:
    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    runtime = SimpleNamespace(counts=Counts(), states=states or {}, failure=failure)
    return SimpleNamespace(
        ledger=SimpleNamespace(name=name, usage_topics=("usage.inference",), command_topic=f"{name}-commands"),
        runtime=runtime,
    )


def shown(sources: Sequence[Any], lags: Sequence[Lag] = ()) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    registry = CollectorRegistry()
    registry.register(WorkerCollector(sources, lambda: lags, RedisSeen, lambda: 0))
    text = generate_latest(registry).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_every_series_of_a_closed_set_is_there_from_the_start() -> None:
    samples = shown([source("plans"), source("wallet")])
    sets = {"ledger": ("plans", "wallet"), **LABELS}
    for metric in METRICS:
        if not set(metric.labels) <= sets.keys():
            continue
        for values in product(*(sets[label] for label in metric.labels)):
            labels = dict(zip(metric.labels, values, strict=True))
            name = f"{metric.name}_count" if metric.kind is Kind.HISTOGRAM else metric.name
            assert samples[name, frozenset(labels.items())] == 0, (metric.name, labels)


async def test_labels_hold_what_is_declared_and_nothing_else() -> None:
    one = source()
    counts = one.runtime.counts
    counts.events["somebody's service", "rated"] += 2
    counts.events["usage.inference", "refused"] += 1
    counts.events["credit-charging", "refused"] += 1
    counts.amounts["somebody's service", "plan", "USD"] += 7
    samples = shown([one], [Lag("usage.inference", 3, 5, 1_500)])
    declared = {metric.name for metric in METRICS} | {shown for metric in METRICS for shown in metric.shown}
    for name, labels in samples:
        assert name in declared
        for label, value in labels:
            assert label in WITHOUT_A_SET or value in {"ledger": ("plans",), **LABELS}[label]
    assert (
        samples["drawdown_events_total", frozenset({("ledger", "plans"), ("service", "unknown"), ("outcome", "rated")})]
        == 2
    )
    where = frozenset({("ledger", "plans"), ("topic", "usage.inference"), ("partition", "3")})
    assert samples["drawdown_lag_records", where] == 5
    assert samples["drawdown_lag_seconds", where] == 1.5


def test_every_label_has_a_set_or_follows_from_the_settings() -> None:
    for metric in METRICS:
        assert set(metric.labels) <= LABELS.keys() | WITHOUT_A_SET | {"ledger"}
        assert not set(metric.labels) & {"account", "event", "id", "tenant", "resource"}


def test_services_by_topic() -> None:
    assert [service_label(name) for name in ("inference", "usage.fine-tuning", "plan-commands", "acme")] == [
        "inference",
        "fine-tuning",
        "commands",
        "unknown",
    ]


async def test_amounts_are_exact_in_counts_and_floats_in_metrics() -> None:
    one = source()
    one.runtime.counts.amounts["inference", "plan", "USD"] += 2**60 + 1
    one.runtime.counts.amounts["inference", "plan", "VND"] += 1_500_001
    assert counted([one])["amounts"] == {
        "USD": {"inference": {"plan": "1152921504.606846977"}},
        "VND": {"inference": {"plan": "1.500001"}},
    }
    samples = shown([one])
    labels = {("service", "inference"), ("payer", "plan")}
    assert samples["drawdown_amount_total", frozenset({*labels, ("currency", "VND")})] == 1.500001
    assert samples["drawdown_amount_total", frozenset({*labels, ("currency", "USD")})] == 1152921504.606847


async def test_ready_says_what_is_missing() -> None:
    assert unready([source()], 0) == ["plans: no shard is assigned"]
    mixed = source("wallet", {0: OPEN, 2: HALTED, 5: RECOVERING, 4: RECOVERING})
    assert unready([mixed], 61_000) == [
        "wallet: shards 4, 5 recover",
        "wallet: shards 2 are halted",
        "prices were not read to their end for 61 s",
    ]
    assert unready([source(states={0: OPEN})], 0) == []


async def test_a_worker_that_failed_is_dead() -> None:
    one = source()
    assert dead([one]) == []
    one.runtime.failure.set_exception(Halt("prices are gone"))
    assert dead([one]) == ["plans: prices are gone"]


def test_redis_without_a_limit_has_the_machines() -> None:
    memory = {"maxmemory": 0, "total_system_memory": 64, "used_memory": 7, "maxmemory_policy": "noeviction"}
    assert seen_in(dict(memory)) == RedisSeen(True, 7, 64, True)
    assert seen_in({**memory, "maxmemory": 32, "maxmemory_policy": "allkeys-lru"}) == RedisSeen(True, 7, 32, False)
