"""The Clock port by hand: time moves when a test says so, or jumps as soon as nobody has anything else to do."""

import asyncio
import heapq
import itertools

START_MS = 1_767_225_600_000  # 2026-01-01
_NS_PER_MS = 1_000_000
_ROUNDS = 40  # turns of the event loop given to others before time moves


async def let_others_run(rounds: int = _ROUNDS) -> None:
    """Give every other task some turns of the event loop."""
    for _ in range(rounds):
        await asyncio.sleep(0)


class MemoryClock:
    """A clock that never really waits."""

    def __init__(self, now_ms: int = START_MS, *, auto: bool = False) -> None:
        """Stand at `now_ms`. auto: jump to the earliest sleeper by itself, after letting other tasks run."""
        self._start_ms = now_ms
        self._elapsed_ms = 0
        self._auto = auto
        self._serial = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._driver: asyncio.Task[None] | None = None

    def now_ms(self) -> int:
        """Wall clock, ms since 1970 UTC."""
        return self._start_ms + self._elapsed_ms

    def monotonic_ms(self) -> int:
        """Monotonic clock, ms."""
        return self._elapsed_ms

    def monotonic_ns(self) -> int:
        """Monotonic clock, ns."""
        return self._elapsed_ms * _NS_PER_MS

    async def sleep_ms(self, duration_ms: int) -> None:
        """Wait until the clock was moved so far."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_ms + max(duration_ms, 0), next(self._serial), woken))
        if duration_ms <= 0:
            self._wake(self._elapsed_ms)
        elif self._auto and (self._driver is None or self._driver.done()):
            self._driver = asyncio.create_task(self._drive())
        await woken

    @property
    def next_in_ms(self) -> int | None:
        """Say how long the earliest sleeper still sleeps; None if nobody does."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] - self._elapsed_ms if self._sleepers else None

    async def advance(self, duration_ms: int) -> None:
        """Move on, waking sleepers in order, each with time for what it then does."""
        target = self._elapsed_ms + duration_ms
        await let_others_run()
        while (wait_ms := self.next_in_ms) is not None and self._elapsed_ms + wait_ms <= target:
            self._wake(self._elapsed_ms + wait_ms)
            await let_others_run()
        self._elapsed_ms = target

    async def jump(self, duration_ms: int) -> None:
        """Move on at once, as for a process that was stopped meanwhile: who slept wakes late, and once."""
        await let_others_run()
        self._wake(self._elapsed_ms + duration_ms)
        await let_others_run()

    def _wake(self, at_ms: int) -> None:
        self._elapsed_ms = max(self._elapsed_ms, at_ms)
        while self._sleepers and self._sleepers[0][0] <= at_ms:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)

    async def _drive(self) -> None:
        while True:
            await let_others_run()
            wait_ms = self.next_in_ms
            if wait_ms is None:
                return
            self._wake(self._elapsed_ms + wait_ms)
