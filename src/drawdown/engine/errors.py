"""Errors named by what must be done. `domain.errors.Reject` is the third: to the dead letters."""


class Retry(Exception):
    """A part is down or slow and nothing is in doubt: pause the shard, try again, take nothing meanwhile."""


class Doubt(Exception):
    """What Kafka or Redis holds is not known for sure: fence, read, bring Redis to it, seek; then go on.

    rebuild: Redis holds something wrong under a right cursor, so only a rebuild of the shard mends it.
    """

    def __init__(self, why: str, *, rebuild: bool = False) -> None:
        """Say why what is stored is in doubt."""
        super().__init__(why)
        self.rebuild = rebuild


class Halt(Exception):
    """An invariant is broken: stop the shard (or, outside any shard, the worker) rather than guess.

    The message says what is wrong, where, and what to do.
    """
