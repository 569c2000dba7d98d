"""What every chaos test ends with: the log and Redis, judged as a whole."""

import importlib.util

from tests.chaos.report import Told
from tests.support.commands import drawdown
from tests.support.load import conserved

from drawdown.demo.stage import Stage
from drawdown.demo.summary import Summary


async def proved(told: Told, stage: Stage, events: int) -> Summary:
    """Check a run's remains by the oracle and, where it is there, by `drawdown verify`."""
    await stage.redis.connection_pool.disconnect()  # those that a fault has ended
    summary = await conserved(stage, events)
    told.checked(f"oracle: {events} ids rated once, {summary.duplicates} duplicates, Redis as the log says")
    if importlib.util.find_spec("drawdown.verify") is not None:
        done = await drawdown(stage, "verify")
        assert done.code == 0, done.out + done.err
        told.checked("drawdown verify: no finding")
    return summary
