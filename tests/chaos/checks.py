"""What every chaos test ends with: the log and Redis, judged as a whole."""

from tests.chaos.report import Told
from tests.support.load import conserved

from drawdown.demo.stage import Stage
from drawdown.demo.summary import Summary


async def proved(told: Told, stage: Stage, events: int) -> Summary:
    """Check a run's remains by the oracle and by `drawdown verify`."""
    await stage.redis.connection_pool.disconnect()  # those that a fault has ended
    summary = await conserved(stage, events)
    told.checked(f"oracle: {events} ids rated once, {summary.duplicates} duplicates, Redis as the log says")
    told.checked(f"drawdown verify: {summary.verified} inputs replayed, no finding")
    return summary
