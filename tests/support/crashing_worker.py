"""A worker that kills itself (SIGKILL) at a named point of the cycle, a few times after it first got there.

Usage: python -m tests.support.crashing_worker POINT. Settings as for `drawdown worker`. Nothing of this is in the
package: the points are wrapped from outside.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaProducer

from drawdown import logs
from drawdown.adapters.kafka.log import KafkaLog, KafkaShardLog
from drawdown.adapters.redis.cache import RedisCache
from drawdown.engine.cycle import Cycle
from drawdown.settings import load_settings
from drawdown.worker import run

# point → the coroutine wrapped, whether the end comes after it, and the how manieth time it is reached
POINTS: dict[str, tuple[type, str, bool, int]] = {
    "before the look-up": (Cycle, "look_up", False, 3),
    "after the look-up": (Cycle, "look_up", True, 4),
    "before the transaction": (KafkaShardLog, "commit", False, 3),
    "inside the transaction, after a send": (AIOKafkaProducer, "send_batch", True, 9),
    "before the transaction's commit": (AIOKafkaProducer, "commit_transaction", False, 3),
    "after the transaction's commit": (KafkaShardLog, "commit", True, 3),
    "after the apply": (RedisCache, "apply", True, 3),
    "after fencing": (KafkaLog, "fence", True, 2),
    "in the middle of a rebuild": (RedisCache, "load", True, 2),
    "before a rebuild's end": (RedisCache, "finish_rebuild", False, 2),
}
REBUILD = "in the middle of a rebuild"


def crash_at(point: str) -> None:
    """Wrap the point."""
    owner, name, after, times = POINTS[point]
    original: Callable[..., Any] = getattr(owner, name)
    left = [times]

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if not after and left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*args, **kwargs)
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


if __name__ == "__main__":
    crash_at(sys.argv[1])
    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    run(settings)
