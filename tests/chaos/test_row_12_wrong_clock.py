"""Row 12: a worker's clock is wrong by an hour, either way. Amounts and refusals follow the broker's append time."""

import pytest
from tests.chaos.checks import proved
from tests.chaos.ground import Ground, load, said, until_rated
from tests.chaos.report import Told
from tests.support.load import HOUR, call, now_ms

EDGE = 5 * 60_000


@pytest.mark.parametrize("hours", [-1, 1])
async def test_clock_wrong_by_an_hour(land: Ground, told: Told, hours: int) -> None:
    async with land.stage() as stage:
        worker = land.odd_worker(stage, clock_ms=hours * HOUR)
        async with load(stage) as running:
            await until_rated(stage, 200)
        # a right clock accepts the first two and refuses the others, whatever this worker's clock says
        accepted = [call(900_000, now_ms() - 6 * HOUR + EDGE), call(900_001, now_ms() + EDGE - 60_000)]
        refused = [call(900_002, now_ms() - 6 * HOUR - EDGE), call(900_003, now_ms() + 2 * EDGE)]
        await stage.publish(accepted + refused)
        summary = await proved(told, stage, running.sent + len(accepted))
        assert summary.dead_letters == {"in_the_future": 1, "too_late": 1}
        told.checked("windows and skew judged by append time")
        line = next(line for line in worker.log.read_text().splitlines() if "its clock is at" in line)
        off_ms = int(line.rpartition(" ")[2]) - now_ms()
        assert abs(off_ms - hours * HOUR) < EDGE
        assert not said(worker, "shard in doubt")
        told.fired(f"the worker's clock {hours:+d} h", f"it said {off_ms // 60_000} minutes off")
