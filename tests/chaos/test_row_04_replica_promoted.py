"""Row 4: a Redis replica is promoted without its primary's last writes."""

import asyncio

from redis.asyncio import Redis
from tests.chaos.checks import proved
from tests.chaos.ground import Ground, load, said, until_rated, until_said
from tests.chaos.report import Told

from drawdown.demo.stage import Stage
from drawdown.local.redis import RedisServer


async def commits(redis: Redis, stage: Stage) -> int:
    """Say how many writes a Redis has seen: the sum of its shards' commits."""
    caches = [type(cache)(redis, name, stage.settings.prefix) for name, cache in stage.caches.items()]
    cursors = [await cache.cursor(shard) for cache in caches for shard in range(stage.settings.shards)]
    return sum(cursor.number for cursor in cursors)


async def test_replica_promoted_without_the_last_writes(land: Ground, told: Told) -> None:
    replica = RedisServer(land.folder / "replica", {"replicaof": f"127.0.0.1 {land.redis.port}"})
    land.stops.callback(replica.kill)
    await asyncio.to_thread(replica.start)
    second = Redis.from_url(replica.url)
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 200)
            while (await second.info("replication"))["master_link_status"] != "up":
                await asyncio.sleep(0.05)
            while not await commits(second, stage):
                await asyncio.sleep(0.05)
            await cut_link(second)
            await until_rated(stage, 300)
            behind = await commits(second, stage)
            ahead = await commits(stage.redis, stage)
            land.to_redis.target = replica.port
            await second.replicaof("NO", "ONE")
            land.to_redis.cut()
            await asyncio.to_thread(land.redis.kill)
            await until_said(worker, "shard in doubt", "kind=redis_", times=2)
            await until_rated(stage, 200)
        assert behind < ahead
        assert (await second.info("replication"))["role"] == "master"
        doubts = said(worker, "shard in doubt", "kind=redis_")
        told.fired(
            "failover to a replica that was behind",
            f"{ahead - behind} of {ahead} commits were not on it; {doubts} shards noticed",
        )
        await proved(told, stage, running.sent)
    await second.aclose()


async def cut_link(replica: Redis) -> None:
    """Have a replica lose its primary for good, staying a replica."""
    await replica.replicaof("127.0.0.1", "1")  # nobody listens there
    while (await replica.info("replication"))["master_link_status"] != "down":
        await asyncio.sleep(0.02)
