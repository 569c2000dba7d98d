"""Row 9: a worker paused past its session and resumed; a transaction past its time-out; its coordinator restarted."""

import asyncio
import os
import signal
from pathlib import Path

from tests.chaos.checks import proved
from tests.chaos.ground import Ground, ground, load, said, until_rated, until_said
from tests.chaos.report import Told
from tests.support.load import flush

from drawdown.demo.stage import Stage
from drawdown.local.child import Child


async def taken_over(land: Ground, stage: Stage, worker: Child) -> Child:
    """Pause a worker under load until another has opened all of its shards."""
    other = land.start_worker(stage)
    await until_said(other, "worker starts")
    stage.pause(worker)
    await until_said(other, "shard opened", "ledger=plans", times=stage.settings.shards)
    return other


async def test_paused_past_its_session_and_resumed(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            await taken_over(land, stage, worker)
            await until_rated(stage, 100)
            opened = said(worker, "shard opened")
            stage.resume(worker)
            await until_said(worker, "shard opened", times=opened + 1)
            await until_rated(stage, 100)
        told.fired("SIGSTOP past the session, SIGCONT", "another worker opened its 4 shards; it joined again itself")
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)


async def test_paused_while_redis_is_wiped_and_a_new_owner_works(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            other = await taken_over(land, stage, worker)
            await until_rated(stage, 100)
            wiped = await flush(stage)
            await until_said(other, "shard in doubt", "kind=redis_")
            await until_rated(stage, 100)
            doubts = said(other, "shard in doubt", "kind=redis_")
            opened = said(worker, "shard opened")
            stage.resume(worker)
            await until_said(worker, "shard opened", times=opened + 1)
            await until_rated(stage, 100)
        told.fired("SIGSTOP past the session, FLUSH, SIGCONT", f"{wiped} keys deleted, {doubts} shards noticed it")
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)


async def test_a_transaction_outlives_its_time_out(tmp_path: Path, told: Told) -> None:
    quick = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": 500}
    async with ground(tmp_path, broker=quick) as land, land.stage() as stage:
        worker = land.odd_worker(stage, hold_ms=6_000, transaction_timeout_ms=2_000)
        async with load(stage) as running:
            await until_said(worker, "it goes on")
            await until_said(worker, "shard in doubt")
            await until_rated(stage, 100)
        doubts = said(worker, "shard in doubt", "kind=fenced") + said(worker, "shard in doubt", "kind=transaction")
        told.fired("held open 6 s with a time-out of 2 s", f"its commit was refused: {doubts} shard in doubt", doubts)
        await proved(told, stage, running.sent)


async def test_the_transaction_coordinator_is_restarted(own_land: Ground, told: Told) -> None:
    land = own_land
    async with land.stage() as stage:
        worker = land.odd_worker(stage, hold_ms=25_000)
        async with load(stage) as running:
            await until_said(worker, "a transaction is held open")
            before = land.kafka.pid
            await asyncio.to_thread(land.kafka.kill)
            await asyncio.to_thread(land.kafka.start)
            assert not said(worker, "it goes on"), "the broker was not back before the commit"
            os.kill(worker.pid, signal.SIGUSR1)
            await until_said(worker, "it goes on")
            await until_rated(stage, 100)
        told.fired("restarted with a transaction open", f"the broker's process changed from {before}, sends done")
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)
