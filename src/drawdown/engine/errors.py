"""Errors named by what must be done. `domain.errors.Reject` is the third: to the dead letters."""

from typing import Final

REDIS, KAFKA, PRICES = "redis", "kafka", "prices"
PARTS: Final = (REDIS, KAFKA, PRICES)

REDIS_BEHIND, REDIS_MOVED, REDIS_AHEAD, REDIS_ALTERED = "redis_behind", "redis_moved", "redis_ahead", "redis_altered"
TRANSACTION, FENCED, CONTESTED = "transaction", "fenced", "contested"
DOUBTS: Final = (REDIS_BEHIND, REDIS_MOVED, REDIS_AHEAD, REDIS_ALTERED, TRANSACTION, FENCED, CONTESTED)


class Retry(Exception):
    """A part is down or slow and nothing is in doubt: pause the shard, try again, take nothing meanwhile.

    part: one of PARTS.
    """

    def __init__(self, why: str, *, part: str = KAFKA) -> None:
        """Say which part failed, and how."""
        super().__init__(why)
        self.part = part


class Doubt(Exception):
    """What Kafka or Redis holds is not known for sure: fence, read, bring Redis to it, seek; then go on.

    rebuild: Redis holds something wrong under a right cursor, so only a rebuild of the shard mends it.
    kind: one of DOUBTS. redis_behind: its cursor is behind this worker's, or of another chain (rolled back, emptied);
    redis_moved: the cursor differed at an apply; redis_ahead: another owner was at work; redis_altered: a value is not
    what was written; transaction: one failed, or its outcome is not known; fenced: another owner has begun;
    contested: Redis or the log moved during a recovery.
    """

    def __init__(self, why: str, *, kind: str, rebuild: bool = False) -> None:
        """Say why what is stored is in doubt."""
        super().__init__(why)
        self.kind = kind
        self.rebuild = rebuild


class Halt(Exception):
    """An invariant is broken: stop the shard (or, outside any shard, the worker) rather than guess.

    The message says what is wrong, where, and what to do.
    """
