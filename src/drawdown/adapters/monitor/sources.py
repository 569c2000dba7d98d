"""What the monitor looks at."""

from typing import Protocol

from drawdown.engine.ledger import Ledger
from drawdown.engine.runtime import Runtime


class Source(Protocol):
    """A ledger on this worker."""

    @property
    def ledger(self) -> Ledger:
        """Its rules."""

    @property
    def runtime(self) -> Runtime:
        """Its engine, with its counts."""
