"""The Clock port over the machine's clocks."""

import asyncio
import time

_NS_PER_MS = 1_000_000
_MS_PER_SECOND = 1_000


class SystemClock:
    """The clocks of this machine."""

    def now_ms(self) -> int:
        """Wall clock, ms since 1970 UTC."""
        return time.time_ns() // _NS_PER_MS

    def monotonic_ms(self) -> int:
        """Monotonic clock, ms."""
        return time.monotonic_ns() // _NS_PER_MS

    def monotonic_ns(self) -> int:
        """Monotonic clock, ns."""
        return time.monotonic_ns()

    async def sleep_ms(self, duration_ms: int) -> None:
        """Wait."""
        await asyncio.sleep(duration_ms / _MS_PER_SECOND)
