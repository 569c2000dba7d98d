"""Row 7: broker restarted, killed, hung, cut off; outputs missing or refusing; too few replicas; too large."""

import asyncio
import os
import signal
from pathlib import Path

from tests.chaos import topics
from tests.chaos.checks import proved
from tests.chaos.ground import Ground, ground, load, said, until, until_rated, until_said
from tests.chaos.report import Told
from tests.chaos.second_broker import SOON_MISSED, SecondBroker

from drawdown.topics import CHARGES, CREDIT_CHARGING


async def test_broker_restarted(own_land: Ground, told: Told) -> None:
    land = own_land
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            before = land.kafka.pid
            await asyncio.to_thread(land.kafka.stop)
            await asyncio.to_thread(land.kafka.start)
            await until_rated(stage, 200)
        told.fired("SIGTERM, a new process", f"process {before} became {land.kafka.pid}")
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)


async def test_broker_killed(own_land: Ground, told: Told) -> None:
    land = own_land
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            before = land.kafka.pid
            await asyncio.to_thread(land.kafka.kill)
            await until(lambda: land.to_kafka.counts["nobody there"], "nobody asked for Kafka")
            refused = land.to_kafka.counts["nobody there"]
            await asyncio.to_thread(land.kafka.start)
            await until_rated(stage, 200)
        told.fired("SIGKILL, a new process", f"process {before} became {land.kafka.pid}; {refused} found nobody")
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)


async def test_broker_hung(own_land: Ground, told: Told) -> None:
    land = own_land
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            os.kill(land.kafka.pid, signal.SIGSTOP)
            await until_said(worker, "Heartbeat session expired")
            os.kill(land.kafka.pid, signal.SIGCONT)
            await until_rated(stage, 200)
        told.fired("SIGSTOP past the workers' session, SIGCONT", "the worker's session expired")
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)


async def test_connections_cut_under_load(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            for _ in range(5):
                await until_rated(stage, 100)
                land.to_kafka.cut()
            await until_rated(stage, 100)
        cut = land.to_kafka.counts["cut"]
        told.fired("every connection of the worker ended, 5 times", f"the proxy cut {cut}", cut)
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)


async def test_half_open_to_the_broker(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            land.to_kafka.half_open()
            await until(lambda: land.to_kafka.counts["swallowed up"], "the worker sent nothing")
            await until_rated(stage, 200, seconds=120)
        swallowed = land.to_kafka.counts["swallowed up"] + land.to_kafka.counts["swallowed down"]
        told.fired(
            "bytes vanish both ways on every connection, for good", f"the proxy swallowed {swallowed} chunks", swallowed
        )
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)


async def test_an_output_topic_is_missing(land: Ground, told: Told) -> None:
    async with land.working(wallet=False) as (stage, worker):
        await topics.delete(stage, CREDIT_CHARGING)
        async with load(stage) as running:
            await until_said(worker, "shard in doubt", CREDIT_CHARGING, seconds=90)
            doubts = said(worker, "shard in doubt", CREDIT_CHARGING)
            await topics.create(stage, CREDIT_CHARGING)
            await until_rated(stage, 200)
        told.fired("the topic deleted under load", f"the worker named it {doubts} times", doubts)
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)


async def test_an_output_topic_refuses(land: Ground, told: Told) -> None:
    """A charge is larger than its topic takes: message too large."""
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 100)
            await topics.configure(stage, CHARGES, max_message_bytes="200")
            await until_said(worker, "shard in doubt", CHARGES, "MessageSizeTooLarge", times=4)
            doubts = said(worker, "shard in doubt", CHARGES)
            await topics.configure(stage, CHARGES, max_message_bytes="1048588")
            await until_rated(stage, 200)
        told.fired("max.message.bytes=200 for charges", f"the worker named the topic {doubts} times", doubts)
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)


async def test_too_few_in_sync_replicas(tmp_path: Path, told: Told) -> None:
    """The charges have two replicas and want both; the other broker dies, and comes back."""
    async with ground(tmp_path, broker=SOON_MISSED) as land, land.working() as (stage, worker):
        other = SecondBroker(tmp_path / "second", land.kafka)
        land.stops.callback(other.kill)
        await asyncio.to_thread(other.start)
        await topics.delete(stage, CHARGES)
        await topics.create_on(stage, CHARGES, (1, 2), min_insync_replicas="2")
        async with load(stage) as running:
            await until_rated(stage, 100)
            await asyncio.to_thread(other.kill)
            await until_said(worker, "shard in doubt", CHARGES, seconds=90)
            refused = said(worker, "NotEnoughReplicas")
            await asyncio.to_thread(other.start)
            await until_rated(stage, 200)
        told.fired("one of the charges' two replicas gone", f"{refused} writes refused for want of replicas", refused)
        assert refused
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)
