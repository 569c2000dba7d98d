"""Row 8: ten rebalances in a row under load."""

from tests.chaos.checks import proved
from tests.chaos.ground import Ground, load, said, until_rated, until_said
from tests.chaos.report import Told


async def test_ten_rebalances_in_a_row_under_load(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            for turn in range(5):
                opened = said(worker, "shard opened", "ledger=plans")
                second = land.start_worker(stage)
                await until_said(second, "shard opened", "ledger=plans")
                await until_said(worker, "shard opened", "ledger=plans", times=opened + 1)
                if turn % 2:
                    second.kill()
                else:
                    await land.ends(second)
                await until_said(worker, "shard opened", "ledger=plans", times=opened + 1 + stage.settings.shards)
            await until_rated(stage, 100)
        opened = said(worker, "shard opened", "ledger=plans")
        told.fired(
            "a second worker joined 5 times, left 3 times by SIGTERM and 2 times by SIGKILL",
            f"the first opened shards of plans {opened} times",
            10,
        )
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)
