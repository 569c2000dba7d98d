"""Spread transactions over time: each costs broker and worker the same whatever it holds."""

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
