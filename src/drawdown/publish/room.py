"""Room for so many records and bytes; who wants more waits in line."""

import asyncio
from collections import deque


class Room:
    """A bounded room. Those who wait get in in the order in which they came."""

    def __init__(self, records: int, bytes_: int) -> None:
        """Bound it; every single entry must fit."""
        self._records_max, self._bytes_max = records, bytes_
        self.records = self.bytes = 0
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()

    async def take(self, size: int, wait_ms: int) -> None:
        """Take room for a record of `size` bytes. Raise TimeoutError when none comes free in time."""
        if not self._waiting and self._fits(size):
            self._add(size)
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((place, size))
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await place
        except BaseException:
            if place.done() and not place.cancelled():
                self.give(size)  # it came free at the very moment in which the wait ended
            else:
                self._waiting.remove((place, size))
                self._let_in()
            raise

    def give(self, size: int) -> None:
        """Give the room of a record back."""
        self.records -= 1
        self.bytes -= size
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._fits(self._waiting[0][1]):
            place, size = self._waiting.popleft()
            if place.cancelled():
                self._waiting.appendleft((place, size))  # its owner removes it
                return
            self._add(size)
            place.set_result(None)

    def _fits(self, size: int) -> bool:
        return self.records < self._records_max and self.bytes + size <= self._bytes_max

    def _add(self, size: int) -> None:
        self.records += 1
        self.bytes += size
