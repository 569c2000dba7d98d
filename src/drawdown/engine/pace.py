"""Time in the engine: transactions spread over it, retries that wait longer and longer, and how long steps take."""

from collections.abc import Mapping

from drawdown.engine.counts import Spread
from drawdown.engine.ports import Clock


class Pace:
    """Give out slots `spacing_ms` apart. An idle worker's slot is now; a busy one's takes grow while they wait."""

    def __init__(self, clock: Clock, spacing_ms: int) -> None:
        """Start with a slot free at once. spacing_ms: 0 switches pacing off."""
        self._clock = clock
        self._spacing_ms = spacing_ms
        self._next_ms = 0

    async def slot(self) -> None:
        """Wait for the next free slot."""
        if not self._spacing_ms:
            return
        now = self._clock.monotonic_ms()
        at = max(now, self._next_ms)
        self._next_ms = at + self._spacing_ms
        if at > now:
            await self._clock.sleep_ms(at - now)


class Backoff:
    """Waits that double from `first_ms` up to `longest_ms`, for retries without end while the shard is ours."""

    def __init__(self, clock: Clock, first_ms: int, longest_ms: int) -> None:
        """Start with the shortest wait."""
        self._clock = clock
        self._wait_ms = first_ms
        self._longest_ms = longest_ms

    async def wait(self) -> None:
        """Wait once, and longer the next time."""
        await self._clock.sleep_ms(self._wait_ms)
        self._wait_ms = min(self._wait_ms * 2, self._longest_ms)


class Laps:
    """A stopwatch over the stages of one take."""

    def __init__(self, clock: Clock, stages: Mapping[str, Spread]) -> None:
        """Begin the first stage now."""
        self._clock = clock
        self._stages = stages
        self._began = clock.monotonic_ns()

    def end(self, stage: str) -> None:
        """Note how long a stage took, and begin the next one."""
        now = self._clock.monotonic_ns()
        self._stages[stage].add(now - self._began)
        self._began = now

    def again(self) -> None:
        """Begin a stage now: what was done since the last one belongs to none."""
        self._began = self._clock.monotonic_ns()
