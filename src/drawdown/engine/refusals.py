"""When nearly everything is refused, publishers or this release are wrong: no topic is poured into the dead letters."""

from drawdown.domain.limits import REJECTS_SHARE_MAX_PERCENT, REJECTS_SHARE_WINDOW
from drawdown.engine.errors import Halt
from drawdown.engine.take import Take


class Refusals:
    """The share of a worker's inputs that was refused, window by window."""

    def __init__(self) -> None:
        """Start with nothing judged."""
        self._inputs = 0
        self._refused = 0

    def judge(self, take: Take) -> Halt | None:
        """Count a take that is decided and not committed; give why the worker must stop, if it must."""
        self._inputs += len(take.records)
        self._refused += len(take.rejected)
        if self._inputs < REJECTS_SHARE_WINDOW:
            return None
        inputs, refused, self._inputs, self._refused = self._inputs, self._refused, 0, 0
        if refused * 100 <= inputs * REJECTS_SHARE_MAX_PERCENT:
            return None
        codes = ", ".join(sorted(set(take.rejected)))
        return Halt(
            f"{refused} of the last {inputs} inputs were refused (newest reasons: {codes});"
            " the newest were not written to the dead letters. See whether the publishers or this release are wrong"
        )
