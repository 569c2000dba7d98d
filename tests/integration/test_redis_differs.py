"""Redis edited, emptied or replaced under a worker: each shard comes back alone, to the same bytes."""

import asyncio
import time
from typing import Any

from tests.support.load import ACCOUNTS, call, calls, conserved, now_ms, stage_on, started

from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.demo.stage import Stage
from drawdown.local.stack import LocalStack

EVENTS, MORE = 400, 20
SHARDS = 4
LEFT_ALONE = 3


async def held(stage: Stage, *shards: int) -> dict[bytes, Any]:
    """Give all that Redis holds of the plans ledger's shards."""
    redis: Any = stage.redis
    readers = {b"hash": redis.hgetall, b"set": redis.smembers, b"string": redis.get, b"list": redis.llen}
    found = {}
    for shard in shards:
        async for key in redis.scan_iter(match=f"{stage.settings.prefix}{{plans:{shard}}}:*", count=1_000):
            kind = await redis.type(key)
            if kind == b"none":
                continue  # deleted since it was listed: a rebuild is under way
            found[key] = (
                await redis.zrange(key, 0, -1, withscores=True) if kind == b"zset" else await readers[kind](key)
            )
    return found


async def until_held(stage: Stage, wanted: dict[bytes, Any], *shards: int) -> None:
    deadline = time.monotonic() + 15
    while (now := await held(stage, *shards)) != wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    assert now == wanted


async def differ(stage: Stage) -> None:
    """Lose a state of shard 0 and an id of shard 1, and put a list where shard 2 has its due times."""
    redis: Any = stage.redis
    key = f"{stage.settings.prefix}{{plans:%d}}:%s"
    state = (await redis.hkeys(key % (0, "states")))[0]
    bucket = min(await redis.smembers(key % (1, "buckets")))
    identity = (await redis.hkeys(bucket))[0]
    assert await redis.hdel(key % (0, "states"), state)
    assert await redis.hdel(bucket, identity)
    await redis.unlink(key % (2, "due"))
    await redis.rpush(key % (2, "due"), "a list")


def doubts(stage: Stage, shard: int) -> int:
    """Count the doubts about a shard that the worker has told of."""
    lines = stage.workers[0].tail(1_000_000).splitlines()
    return sum("shard in doubt" in line and f"shard={shard} " in f"{line} " for line in lines)


async def test_each_shard_is_brought_back_alone_while_the_others_go_on(stack: LocalStack, prefix: str) -> None:
    others = [account for account in ACCOUNTS if shard_of(SHARDS)(account.encode()) == LEFT_ALONE]
    async with stage_on(stack, prefix, shards=SHARDS, wallet=False) as stage:
        await started(stage)
        at = now_ms()
        await stage.publish(calls(0, EVENTS, at))
        await stage.all_taken()
        await stage.settled()
        before = await held(stage, 0, 1, 2)
        await differ(stage)
        await stage.publish([call(EVENTS + number, at, account=others[0]) for number in range(MORE)])
        await stage.all_taken(seconds=10)
        await until_held(stage, before, 0, 1, 2)
        assert [doubts(stage, shard) for shard in range(SHARDS)] == [1, 1, 1, 0]
        everything = await held(stage, *range(SHARDS))
        assert await stage.flush()  # as a fresh cluster
        await until_held(stage, everything, *range(SHARDS))
        await stage.publish(calls(0, EVENTS, at))  # all of them known
        await conserved(stage, EVENTS + MORE)
