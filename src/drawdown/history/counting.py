"""What the projector counts, for its metrics and its progress."""

from collections.abc import Mapping

from drawdown.adapters.kafka.browsing import Place


class Counts:
    """Since its start. positions, ends: how far each partition is read, and how far it went a few seconds ago.

    following: the log is being read and the database written; else why: what is in the way.
    """

    def __init__(self) -> None:
        """Begin at nothing."""
        self.charges = 0
        self.events = 0
        self.transactions = 0
        self.positions: dict[Place, int] = {}
        self.ends: dict[Place, int] = {}
        self.failures = 0
        self.following = False
        self.why = "it has not begun yet"

    def written(self, charges: int, events: int, positions: Mapping[Place, int]) -> None:
        """Count a transaction."""
        self.charges += charges
        self.events += events
        self.transactions += 1
        self.positions = dict(positions)

    def failed(self, why: str) -> None:
        """Count a standstill."""
        self.failures += 1
        self.following = False
        self.why = why
