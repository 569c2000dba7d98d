"""What a worker has done since it started: plain integers, read by logs and metrics; most are counted once a take."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_NS_PER_MS: Final = 1_000_000

RATED: Final = "rated"
DUPLICATE: Final = "duplicate"
REFUSED: Final = "refused"
FORWARDED: Final = "forwarded"
DROPPED: Final = "dropped"
OUTCOMES: Final = (RATED, DUPLICATE, REFUSED, FORWARDED, DROPPED)

STAGES: Final = ("fetch", "decode", "look_up", "decide", "commit", "apply")

RECOVERING, OPEN, HALTED = "recovering", "open", "halted"
SHARD_STATES: Final = (RECOVERING, OPEN, HALTED)

DURATION_BOUNDS_NS: Final = tuple(
    ms * _NS_PER_MS // 10 for ms in (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 300_000)
)
AGE_BOUNDS_MS: Final = (50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 300_000, 3_600_000)
BATCH_BOUNDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)


class Spread:
    """How values are spread over buckets: each holds those up to and including its bound, the last one the rest."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[int]) -> None:
        """Start empty. bounds: rising."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0

    def add(self, value: int) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add_all(self, values: Sequence[int]) -> None:
        """Count many values at once: sorting them costs less than placing them one by one."""
        ordered = sorted(values)
        below = 0
        for index, bound in enumerate(self.bounds):
            if below == len(ordered):
                break
            place = bisect_right(ordered, bound, below)
            self.counts[index] += place - below
            below = place
        self.counts[-1] += len(ordered) - below
        self.total += sum(ordered)

    @property
    def number(self) -> int:
        """Count the values."""
        return sum(self.counts)


def _stages() -> dict[str, Spread]:
    return {stage: Spread(DURATION_BOUNDS_NS) for stage in STAGES}


@dataclass(slots=True)
class Counts:
    """Counters of one ledger on one worker; every one only rises, and only once the log holds what it counts.

    events: (label of the input, outcome) → inputs. amounts: (label, payer, currency) → quanta. rejected: reason →
    inputs. doubts_by: kind of doubt → doubts. errors: part (redis, kafka, prices) → calls of it that failed.
    scrubs: sweeps of a shard that found all well. scrub_records: states and ids compared.
    committed_at: wall clock of the newest commit, ms, 0 before the first. ages_ms: of inputs when they were committed,
    since their append.
    """

    taken: int = 0
    rated: int = 0
    duplicates: int = 0
    forwarded: int = 0
    transactions: int = 0
    aborted: int = 0
    fenced: int = 0
    doubts: int = 0
    catch_ups: int = 0
    rebuilds: int = 0
    timers_sent: int = 0
    stale_batches: int = 0
    scrubs: int = 0
    scrub_records: int = 0
    scrub_differences: int = 0
    committed_at: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    amounts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    doubts_by: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    stages: dict[str, Spread] = field(default_factory=_stages)
    transactions_ns: Spread = field(default_factory=lambda: Spread(DURATION_BOUNDS_NS))
    batches: Spread = field(default_factory=lambda: Spread(BATCH_BOUNDS))
    ages_ms: Spread = field(default_factory=lambda: Spread(AGE_BOUNDS_MS))

    def reject(self, code: str) -> None:
        """Count a dead letter under its reason."""
        self.rejected[code] = self.rejected.get(code, 0) + 1
