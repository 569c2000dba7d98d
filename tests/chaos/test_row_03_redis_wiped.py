"""Row 3: Redis wiped under load, and between runs."""

from tests.chaos.checks import proved
from tests.chaos.ground import Ground, load, said, until_rated
from tests.chaos.report import Told
from tests.support.load import flush


async def test_redis_wiped_under_load(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            for _ in range(3):
                await until_rated(stage, 150)
                wiped = await flush(stage)
                told.fired("every key deleted", f"{wiped} keys")
            await until_rated(stage, 150)
        noticed = said(worker, "shard in doubt", "kind=redis_")
        assert noticed
        told.checked(f"noticed {noticed} times by shards")
        await proved(told, stage, running.sent)


async def test_redis_wiped_between_runs(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            await until_rated(stage, 200)
            await land.ends(worker)
            wiped = await flush(stage)
            second = land.start_worker(stage)
            await until_rated(stage, 200)
            assert said(second, "worker starts")
        told.fired("every key deleted, no worker running", f"{wiped} keys; the next worker rebuilt the shards")
        await proved(told, stage, running.sent)
