"""What the projector counts, for its metrics and its progress."""

from collections.abc import Mapping

from drawdown.adapters.kafka.browsing import Place


class Counts:
    """Since its start. ends: of the partitions, as of the last connection."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.charges = 0
        self.events = 0
        self.transactions = 0
        self.positions: dict[Place, int] = {}
        self.ends: dict[Place, int] = {}

    def written(self, charges: int, events: int, positions: Mapping[Place, int]) -> None:
        """Count a transaction."""
        self.charges += charges
        self.events += events
        self.transactions += 1
        self.positions = dict(positions)
