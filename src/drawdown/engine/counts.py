"""What a worker has done since it started: plain counters, read by logs and, later, metrics."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Counters of one ledger on one worker; every one only rises."""

    taken: int = 0
    rated: int = 0
    duplicates: int = 0
    forwarded: int = 0
    transactions: int = 0
    doubts: int = 0
    catch_ups: int = 0
    rebuilds: int = 0
    timers_sent: int = 0
    stale_batches: int = 0
    rejected: dict[str, int] = field(default_factory=dict)

    def reject(self, code: str) -> None:
        """Count a dead letter under its reason."""
        self.rejected[code] = self.rejected.get(code, 0) + 1
