"""What fails in the middle: workers, Redis, the group. Every id is rated once, and everything is conserved."""

import asyncio

from tests.support.load import calls, conserved, flush, now_ms, stage_on, started

from drawdown.demo.stage import Stage
from drawdown.local.stack import LocalStack

EVENTS = 3_000


async def test_a_killed_worker_and_an_empty_redis(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        publishing = asyncio.create_task(stage.publish(calls(0, EVENTS, now_ms())))
        await stage.until_written(200)
        stage.workers[0].kill()
        assert await flush(stage)
        stage.start_worker()
        await publishing
        await conserved(stage, EVENTS)


async def test_redis_is_emptied_under_load(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        publishing = asyncio.create_task(stage.publish(calls(0, EVENTS, now_ms())))
        for written in (200, 1_000, 2_000):
            await stage.until_written(written)
            assert await flush(stage)
        await publishing
        await conserved(stage, EVENTS)
        assert "shard in doubt" in stage.workers[0].log.read_text()


async def test_a_second_worker_joins_and_leaves_under_load(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        usage = calls(0, EVENTS, now_ms())
        await stage.publish(usage[:1_000])
        second = stage.start_worker()
        await until_it_owns(stage, second.log.read_text)
        await stage.publish(usage[1_000:2_000])
        await stage.until_written(1_200)
        second.stop()
        await stage.publish(usage[2_000:])
        await conserved(stage, EVENTS)
        assert "worker stopped" in second.log.read_text()


async def test_a_paused_worker_wakes_after_its_session(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        usage = calls(0, EVENTS, now_ms())
        second = stage.start_worker()
        await until_it_owns(stage, second.log.read_text)
        publishing = asyncio.create_task(stage.publish(usage[:2_000]))
        await stage.until_written(300)
        stage.pause(second)
        await publishing
        await stage.all_taken(seconds=60)  # its shards are taken over: all is rated without it
        await stage.publish(usage[2_000:2_500])
        stage.resume(second)
        await stage.publish(usage[2_500:])
        await conserved(stage, EVENTS)
        assert second.alive, second.tail(3_000)


async def until_it_owns(stage: Stage, log: object) -> None:
    """Wait until a worker says that it opened a shard."""
    async with asyncio.timeout(30):
        while "shard opened" not in log():  # type: ignore[operator]
            stage.check_alive()
            await asyncio.sleep(0.1)
