"""Usage of three topics, rated on a real Kafka and Redis by a worker process."""

import random

from rich.console import Console
from tests.support.load import ACCOUNTS, call, calls, conserved, now_ms, stage_on, started

from drawdown.demo import scenario
from drawdown.demo.run import Options, run
from drawdown.demo.summary import faults
from drawdown.domain.errors import REASONS
from drawdown.local.stack import LocalStack


async def test_three_topics_come_to_charges(stack: LocalStack, prefix: str) -> None:
    now = now_ms()
    dice = random.Random(7)
    usage = [*scenario.containers(12, dice, now), *scenario.jobs(12, dice, now), *calls(0, 300, now)]
    async with stage_on(stack, prefix) as stage:
        await stage.publish(scenario.accounts(12, now))
        await started(stage)
        await stage.publish(usage)
        summary = await conserved(stage, len(usage))
    assert summary.charges
    assert summary.overages
    assert set(summary.by_service["USD"]) == {"gpu-container", "fine-tuning", "inference"}


async def test_an_id_is_rated_once_across_topics_and_restarts(stack: LocalStack, prefix: str) -> None:
    now = now_ms()
    usage = calls(0, 200, now)
    elsewhere = [one.__class__("usage.gpu-container", one.key, one.value, one.time) for one in usage[:50]]
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        await stage.publish([*usage, *usage[:20], *elsewhere])
        await stage.all_taken()
        stage.workers[0].stop()
        stage.start_worker()
        await stage.publish(usage)
        summary = await conserved(stage, 200)
        assert stage.workers[0].tail().count("worker stopped") == 3  # a line for each ledger
    assert summary.duplicates == 20 + 50 + 200
    assert summary.dead_letters == {}


async def test_a_misplaced_key_is_forwarded_to_its_shard_and_rated_once(stack: LocalStack, prefix: str) -> None:
    now = now_ms()
    one = call(0, now, account=ACCOUNTS[5])
    misplaced = [one.__class__(one.topic, one.key, one.value, one.time, (), shard) for shard in range(4)]
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        await stage.publish(misplaced)
        summary = await conserved(stage, 1)
    assert (summary.forwarded, summary.duplicates) == (3, 3)


async def test_the_demonstration_is_conserved_with_every_reason_among_its_dead_letters(stack: LocalStack) -> None:
    options = Options(seed=3, accounts=100, events=2_500)
    summary, _ = await run(stack, options, Console(quiet=True))
    assert summary.findings == []
    assert faults(summary, REASONS) == []
