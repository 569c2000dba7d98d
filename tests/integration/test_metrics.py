"""What a worker's monitor says of a run is what the audit of the log comes to, to the last event and unit."""

import asyncio
import random
from fractions import Fraction
from itertools import chain, pairwise
from typing import Any

from tests.support.load import now_ms, stage_on
from tests.support.watching import Samples, ask, scraped, total

from drawdown.adapters.kafka.commits import newest_commits
from drawdown.demo import broken, credit, scenario
from drawdown.demo.books import books
from drawdown.demo.reconcile import ask_counts, differences
from drawdown.demo.stage import Stage
from drawdown.demo.summary import Summary, judge
from drawdown.local.child import free_port
from drawdown.local.stack import LocalStack
from drawdown.metrics import METRICS

ACCOUNTS = 24


async def watched(stage: Stage, port: int) -> list[int]:
    """Start a worker and follow /ready until it is; give every status seen on the way."""
    worker = stage.start_worker()
    seen: list[int] = []
    async with asyncio.timeout(60):
        while not seen or seen[-1] != 200:
            status, body = await ask(port, "/ready")
            assert worker.alive, worker.tail()
            assert status != 503 or '"missing":["' in body
            seen.append(status)
            await asyncio.sleep(0.02)
    return seen


async def load(stage: Stage) -> None:
    """Publish commands, then usage of three services with everything that can be wrong with it."""
    now, dice = now_ms(), random.Random(11)
    before = (scenario.accounts(ACCOUNTS, now), broken.preparation(now), credit.before(ACCOUNTS, now))
    await stage.publish(chain(books(), *before))
    await stage.all_taken()
    usage = [*scenario.containers(ACCOUNTS, dice, now), *scenario.jobs(ACCOUNTS, dice, now)]
    others = (broken.late(now), broken.misplaced(stage.settings.shards, now), broken.broken(now))
    await stage.publish(chain(scenario.disturbed(usage, dice), *others))
    await stage.all_taken()
    await stage.publish(chain(credit.after(ACCOUNTS, now), broken.repaired(now)))
    await stage.all_taken()
    await stage.settled()


async def test_metrics_reconcile_with_the_audit(stack: LocalStack, prefix: str) -> None:
    port = free_port()
    async with stage_on(stack, prefix, metrics_port=port) as stage:
        seen = await watched(stage, port)
        assert [pair for pair in pairwise(seen) if pair[0] != pair[1]] in ([(0, 503), (503, 200)], [(503, 200)])
        assert (await ask(port, "/live"))[0] == 200
        await load(stage)
        summary, _ = await judge(stage, Fraction(1))
        assert summary.findings == []
        exact, samples = await ask_counts(port), await scraped(port)
        commits = await newest_commits(stage._browser, stage.caches, range(stage.settings.shards))
        assert (await ask(port, "/ready"))[0] == 200
        assert (await ask(port, "/elsewhere"))[0] == 404
    assert differences(summary, exact) == []
    assert set(summary.paid) == {"USD", "VND"}
    assert set(summary.paid["USD"]) == {"plan", "on demand", "voucher", "top_up", "debt"}
    samples_reconcile(summary, exact, samples)
    for ledger in stage.caches:
        made = sum(newest.number for (name, _), newest in commits.items() if name == ledger)
        assert exact["transactions"][ledger] == made
        assert total(samples, "drawdown_transactions_total", ledger=ledger, end="committed") == made
        assert total(samples, "drawdown_transaction_seconds_count", ledger=ledger) == made
        assert total(samples, "drawdown_shards", ledger=ledger, state="open") == stage.settings.shards
    everything_is_shown(samples)


def samples_reconcile(summary: Summary, exact: dict[str, Any], samples: Samples) -> None:
    """Compare /metrics, where amounts are floats, with /counts and with the audit."""
    for reason, number in summary.dead_letters.items():
        assert total(samples, "drawdown_rejects_total", reason=reason) == number
    for ledger, by_service in exact["events"].items():
        for service, found in by_service.items():
            for outcome, number in found.items():
                labels = {"ledger": ledger, "service": service, "outcome": outcome}
                assert total(samples, "drawdown_events_total", **labels) == number
        taken = sum(sum(found.values()) for found in by_service.values())
        assert total(samples, "drawdown_event_age_seconds_count", ledger=ledger) == taken
    for currency, services in summary.by_service.items():
        for service, sources in services.items():
            for source, amount in sources.items():
                labels = {"currency": currency, "service": service, "payer": source.replace(" ", "_")}
                assert total(samples, "drawdown_amount_total", **labels) == float(Fraction(amount))


def everything_is_shown(samples: Samples) -> None:
    """See every declared metric, and a lag that is known and over."""
    names = {name for name, _ in samples}
    assert {shown for metric in METRICS for shown in metric.shown} <= names
    assert total(samples, "drawdown_redis_up") == 1
    assert total(samples, "drawdown_redis_noeviction") == 1
    assert total(samples, "drawdown_last_commit_timestamp_seconds", ledger="plans") > 1_700_000_000
    lags = [labels for name, labels in samples if name == "drawdown_lag_records"]
    assert total(samples, "drawdown_lag_records") == 0
    assert len(lags) == 4 * 7  # four shards; three usage topics, credit-charging, three of commands
    assert total(samples, "drawdown_stage_seconds_count", ledger="plans", stage="apply") > 0
    assert total(samples, "drawdown_stage_seconds_count", ledger="plans", stage="fetch") > 0
