"""Row 6: Redis stopped, hung, slow, full, with a policy that evicts, its script cache flushed."""

import asyncio
import os
import signal

from tests.chaos.checks import proved
from tests.chaos.ground import WORKER, Ground, ended, load, said, until, until_rated, until_said, until_sent
from tests.chaos.report import Told
from tests.support.watching import scraped, total

from drawdown.local.child import free_port


async def test_redis_stopped_and_started_empty(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            await asyncio.to_thread(land.redis.kill)
            await until_sent(running, 300)
            await until(lambda: land.to_redis.counts["nobody there"], "nobody asked for Redis")
            refused = land.to_redis.counts["nobody there"]
            await asyncio.to_thread(land.redis.start)
            await until_said(worker, "shard in doubt", "kind=redis_")
            await until_rated(stage, 100)
        told.fired("SIGKILL, a new process without data", f"{refused} connections found nobody; shards noticed")
        summary = await proved(told, stage, running.sent)
        assert summary.dead_letters == {}
        told.checked("no dead letter")


async def test_redis_hung(land: Ground, told: Told) -> None:
    async with land.working(metrics_port=free_port()) as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            os.kill(land.redis.pid, signal.SIGSTOP)
            waiting = asyncio.create_task(until_errors(stage.settings.metrics_port))
            await until_sent(running, 300)
            errors = await waiting
            os.kill(land.redis.pid, signal.SIGCONT)
            await until_rated(stage, 200)
        told.fired("SIGSTOP until calls failed, SIGCONT", f"drawdown_errors_total of Redis: {errors:.0f}")
        summary = await proved(told, stage, running.sent)
        assert summary.dead_letters == {}
        told.checked("no dead letter")
        assert worker.alive


async def until_errors(port: int) -> float:
    """Wait until the worker counts failed calls of Redis."""
    async with asyncio.timeout(60):
        while not (found := total(await scraped(port), "drawdown_errors_total", part="redis")):
            await asyncio.sleep(0.3)
    return found


async def test_redis_slow(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage, per_second=150) as running:
            await until_rated(stage, 100)
            land.to_redis.slow(up_ms=150, down_ms=150)
            await until_sent(running, 600)
            land.to_redis.mend()
            await until_rated(stage, 100)
        held = land.to_redis.counts["delayed down"]
        told.fired("0.15 s each way", f"the proxy held {held} answers back", held)
        assert not said(worker, "shard in doubt")
        told.checked("no shard was in doubt")
        await proved(told, stage, running.sent)


async def test_redis_full(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            await stage.redis.config_set("maxmemory", "1mb")
            await until_sent(running, 300)
            refused = 0
            async with asyncio.timeout(30):
                while not refused:
                    errors = await stage.redis.info("errorstats")
                    refused = int(errors.get("errorstat_OOM", {}).get("count", 0))
                    await asyncio.sleep(0.1)
            await stage.redis.config_set("maxmemory", "0")
            await until_rated(stage, 200)
        told.fired("maxmemory below what is used", f"Redis refused {refused} writes (OOM)", refused)
        summary = await proved(told, stage, running.sent)
        assert summary.dead_letters == {}
        told.checked("no dead letter")
        assert worker.alive


async def test_redis_with_a_policy_that_evicts(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            await stage.redis.config_set("maxmemory-policy", "allkeys-lru")
            second = land.start_worker(stage, WORKER)
            assert await ended(second) != 0
            assert said(second, "maxmemory-policy allkeys-lru")
            await stage.redis.config_set("maxmemory", "1mb")
            async with asyncio.timeout(30):
                while not (evicted := int((await stage.redis.info("stats"))["evicted_keys"])):
                    await asyncio.sleep(0.1)
            await until_said(worker, "shard in doubt", "kind=redis_")
            await stage.redis.config_set("maxmemory", "0")
            await stage.redis.config_set("maxmemory-policy", "noeviction")
            await stage.flush()  # as the runbook says: what else was evicted nobody knows
            await until_rated(stage, 200)
        told.fired("allkeys-lru with too little memory", f"{evicted} keys evicted; a worker refused to start", evicted)
        await proved(told, stage, running.sent)


async def test_redis_script_cache_flushed(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            for _ in range(5):
                await until_rated(stage, 50)
                await stage.redis.script_flush()
            await until_rated(stage, 50)
        missed = int((await stage.redis.info("errorstats")).get("errorstat_NOSCRIPT", {}).get("count", 0))
        told.fired("SCRIPT FLUSH, 5 times", f"Redis answered NOSCRIPT {missed} times", missed)
        assert not said(worker, "shard in doubt")
        told.checked("no shard was in doubt")
        await proved(told, stage, running.sent)
