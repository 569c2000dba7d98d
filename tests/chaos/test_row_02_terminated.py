"""Row 2: SIGTERM under load: nothing is aborted needlessly, and another worker goes on within two seconds."""

import re
from datetime import datetime

from tests.chaos.checks import proved
from tests.chaos.ground import Ground, load, said, until_rated, until_said
from tests.chaos.report import Told

from drawdown.local.child import Child


def when(worker: Child, *words: str, last: bool = False) -> datetime:
    """Give the instant of the first (or last) line of a worker's log with these words."""
    lines = [line for line in worker.log.read_text().splitlines() if all(word in line for word in words)]
    found = re.search(r"\d{4}-\d\d-\d\dT[\d:.]+", lines[-1 if last else 0])
    assert found is not None
    return datetime.fromisoformat(found[0] + "+00:00")


async def test_terminated_under_load(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        second = land.start_worker(stage)
        async with load(stage) as running:
            await until_said(second, "shard opened", "ledger=plans", times=2)
            await until_said(worker, "shard opened", "ledger=plans", times=6)
            await until_rated(stage, 200)
            opened = said(second, "shard opened")
            worker.ask_to_stop()
            await land.ends(worker)
            await until_said(second, "shard opened", times=opened + 3 * stage.settings.shards)
            await until_rated(stage, 100)
        asked, done = when(worker, "Stopping..."), when(second, "shard opened", last=True)
        took_ms = int((done - asked).total_seconds() * 1_000)
        doubts = said(worker, "shard in doubt") + said(second, "shard in doubt")
        told.fired("SIGTERM", f"exit code {worker.returncode}; the other had all shards after {took_ms} ms")
        assert worker.returncode == 0, worker.tail(2_000)
        assert took_ms < 2_000
        assert doubts == 0
        told.checked("no transaction was aborted, no shard in doubt")
        await proved(told, stage, running.sent)
