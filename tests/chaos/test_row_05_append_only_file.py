"""Row 5: Redis's append-only file is truncated."""

import asyncio
import os
from pathlib import Path

import pytest
from tests.chaos.checks import proved
from tests.chaos.ground import ground, load, until_rated
from tests.chaos.report import Told
from tests.chaos.test_row_04_replica_promoted import commits

from drawdown.local.kafka import KafkaBroker


@pytest.mark.parametrize("kept_percent", [90, 40, 0])
async def test_append_only_file_truncated(tmp_path: Path, broker: KafkaBroker, told: Told, kept_percent: int) -> None:
    options = {"appendonly": "yes", "appendfsync": "always"}
    async with ground(tmp_path, kafka=broker, redis=options) as own, own.working() as (stage, _):
        async with load(stage) as running:
            await until_rated(stage, 300)
            before = await commits(stage.redis, stage)
            await asyncio.to_thread(own.redis.kill)
            (file,) = own.redis.folder.glob("appendonlydir/*.incr.aof")
            size = file.stat().st_size
            os.truncate(file, size * kept_percent // 100)
            await asyncio.to_thread(own.redis.start)
            own.to_redis.cut()
            await stage.redis.connection_pool.disconnect()
            loaded = own.redis.log.read_text().count("DB loaded from append only file")
            await until_rated(stage, 200)
        told.fired(
            f"cut to {kept_percent} % after a kill",
            f"{size} bytes, {before} commits; Redis loaded what was left {loaded} times",
        )
        await proved(told, stage, running.sent)
