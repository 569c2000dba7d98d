"""`drawdown rebuild` beside a running worker: readers see whole balances all the time, and nothing is doubled."""

import asyncio

from tests.support.commands import drawdown
from tests.support.load import calls, conserved, now_ms, stage_on, started

from drawdown.demo.stage import Stage
from drawdown.engine.commit import GENESIS, Cursor, encode_cursor
from drawdown.local.stack import LocalStack

EVENTS = 600


async def watch(stage: Stage) -> None:
    """Look at the shards as readers do, and never see an empty one."""
    cache = stage.caches["plans"]
    while True:
        for shard in range(stage.settings.shards):
            found = await cache.inventory(shard)
            assert found.cursor != GENESIS
            assert found.states
        await asyncio.sleep(0.002)


async def test_shards_are_rebuilt_beside_their_worker(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix, shards=2, wallet=False) as stage:
        at = now_ms()
        await started(stage)
        await stage.publish(calls(0, EVENTS // 2, at))
        await stage.all_taken()
        watching = asyncio.create_task(watch(stage))
        publishing = asyncio.create_task(stage.publish(calls(EVENTS // 2, EVENTS // 2, at)))
        done = await drawdown(stage, "rebuild", "--all", "--json")
        await publishing
        assert not watching.done(), watching.exception()
        watching.cancel()
        assert (done.code, done.err) == (0, "")
        assert [(one["shard"], one["error"]) for one in done.json] == [(0, ""), (1, "")]
        assert all(one["states"] and one["ids"] and one["swaps"] for one in done.json)
        await stage.publish(calls(0, EVENTS, at))  # all of them known
        await conserved(stage, EVENTS)
        shown = await drawdown(stage, "rebuild", "--shard", "1")
        assert "1 of 1 shards rebuilt and swapped in" in shown.out
        assert (await drawdown(stage, "rebuild", "--all", "--ledger", "wallet")).code == 2
        assert "they are 0 to 1" in (await drawdown(stage, "rebuild", "--shard", "2")).err
        assert "--shard N, as often as needed, or --all" in (await drawdown(stage, "rebuild")).err
        stage.workers[0].stop()
        ahead = Cursor(99, b"ahead of the log")
        assert await stage.redis.set(f"{prefix}{{plans:0}}:cursor", encode_cursor(ahead))
        refused = await drawdown(stage, "rebuild", "--all")
        assert (refused.code, "1 of 2 shards rebuilt" in refused.out) == (1, True)
        assert "1 of 2 shards were not rebuilt:\nshard 0: Redis is at commit 99" in refused.err
