"""Streams read side by side: inputs with their head in view, outputs aligned with what the replay expects."""

from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from drawdown.engine.records import Record

T = TypeVar("T")


class Heads:
    """An input's records, the next one in view."""

    def __init__(self, records: AsyncIterator[Record]) -> None:
        """Read from `records`."""
        self._records = records
        self._head: Record | None = None
        self._ended = False

    async def head(self) -> Record | None:
        """Give the next record without taking it; None at the end."""
        if self._head is None and not self._ended:
            self._head = await anext(self._records, None)
            self._ended = self._head is None
        return self._head

    def take(self) -> None:
        """Go on to the next record."""
        self._head = None


class Ahead(Generic[T]):
    """A stream with a stretch of it in view. An item that is passed over stays there as `early`."""

    def __init__(self, items: AsyncIterator[T], records_max: int) -> None:
        """Read from `items`, at most `records_max` ahead."""
        self._items = items
        self._max = records_max
        self._ended = False
        self.waiting: deque[T] = deque()
        self.early: list[T] = []

    async def first(self, count: int = 1) -> list[T]:
        """Give the next `count` items, fewer at the end."""
        while len(self.waiting) < count and not self._ended:
            item = await anext(self._items, None)
            if item is None:
                self._ended = True
            else:
                self.waiting.append(item)
        if len(self.waiting) <= count:
            return list(self.waiting)
        return [self.waiting[index] for index in range(count)]

    def drop(self) -> None:
        """Take the first item."""
        self.waiting.popleft()

    async def look(self) -> list[T]:
        """Give all in view, as far ahead as it goes; early ones not among them."""
        return await self.first(self._max)

    def pass_over(self, index: int) -> T:
        """Take the item at `index`; those before it become early."""
        for _ in range(index):
            self.early.append(self.waiting.popleft())
        return self.waiting.popleft()
