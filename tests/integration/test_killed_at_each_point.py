"""SIGKILL at each point of the cycle: with one input topic the outputs are those of a run without it, byte for byte."""

import asyncio
import signal

from tests.support.crashing_worker import POINTS, REBUILD
from tests.support.load import calls, conserved, flush, now_ms, stage_on, started

from drawdown.demo.stage import Stage
from drawdown.local.child import Child
from drawdown.local.stack import LocalStack
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING, DEAD_LETTERS

EVENTS = 600
OUTPUTS = (CHARGES, CREDIT_CHARGING, ACCOUNT_EVENTS, DEAD_LETTERS)
Outputs = dict[str, list[tuple[int, bytes | None, bytes | None, object]]]
BASE = now_ms()


async def outputs_of(stage: Stage) -> Outputs:
    """Give what consumers see: partition, key, value and headers, in order; records that only carry a watermark not."""
    log = await stage.read()
    return {
        topic: [(r.partition, r.key, r.value, tuple(r.headers)) for r in log[topic] if r.value or topic == DEAD_LETTERS]
        for topic in OUTPUTS
    }


async def rated(stack: LocalStack, prefix: str, point: str = "") -> Outputs:
    """Rate the same input, the records carrying their own time so that every run sees the same bytes.

    Without the wallet: its charges name the overage's offset, which the markers of transactions move.
    """
    async with stage_on(stack, prefix, BASE - 1_000, shards=2, timestamp_type="CreateTime", wallet=False) as stage:
        usage = calls(0, EVENTS, BASE)
        if point == REBUILD:
            await started(stage)
            stage.workers[0].stop()
            await flush(stage)
        if point:
            crashing = stage.start_worker(("-m", "tests.support.crashing_worker", point))
            if await opened_accounts(stage, crashing):
                await stage.publish(usage[: EVENTS // 2])
                usage = usage[EVENTS // 2 :]
            await ended(crashing)
            assert crashing.returncode == -signal.SIGKILL, crashing.tail()
        stage.start_worker()
        await stage.all_taken()
        await stage.publish(usage)
        await conserved(stage, EVENTS)
        return await outputs_of(stage)


async def opened_accounts(stage: Stage, worker: Child) -> bool:
    """Wait until the commands are taken; False if the worker ended before."""
    async with asyncio.timeout(60):
        while await stage.waiting():
            if not worker.alive:
                return False
            await asyncio.sleep(0.1)
    return True


async def ended(worker: Child) -> None:
    async with asyncio.timeout(60):
        while worker.alive:
            await asyncio.sleep(0.05)


async def test_what_consumers_see_is_the_same_wherever_a_worker_is_killed(stack: LocalStack, prefix: str) -> None:
    together = asyncio.Semaphore(4)

    async def one(number: int, point: str) -> Outputs:
        async with together:
            return await rated(stack, f"{prefix}{number}.", point)

    undisturbed, *killed = await asyncio.gather(*(one(number, point) for number, point in enumerate(["", *POINTS])))
    assert all(undisturbed[topic] for topic in (CHARGES, CREDIT_CHARGING, ACCOUNT_EVENTS))
    assert [point for point, outputs in zip(POINTS, killed, strict=True) if outputs != undisturbed] == []
