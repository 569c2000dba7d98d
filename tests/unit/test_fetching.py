"""A fetch over a rebalance: the new assignment has no positions until they are sought, so none may be asked for."""

import asyncio
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import NoOffsetForPartitionError

from drawdown.adapters.faust.feed import Fetched, Wanted
from drawdown.adapters.faust.transport import ConsumerOnLoop

AT = TopicPartition("adds", 0)
WANTED = Wanted({0: 1}, {AT: 5}, [AT])


class Consumer:
    """As much of aiokafka's consumer as a fetch uses. rebalanced: the generation that begins during getmany."""

    def __init__(
        self, thread: ConsumerOnLoop, *, rebalanced: int | None = None, error: Exception | None = None
    ) -> None:
        self.positions: dict[TopicPartition, int] = {}
        self._thread = thread
        self._rebalanced = rebalanced
        self._error = error

    def assignment(self) -> set[TopicPartition]:
        return {AT}

    def seek(self, at: TopicPartition, offset: int) -> None:
        self.positions[at] = offset

    async def position(self, at: TopicPartition) -> int:
        while at not in self.positions:  # as aiokafka: until somebody seeks
            await asyncio.sleep(0.01)
        return self.positions[at]

    async def getmany(self, *_: TopicPartition, **__: int) -> dict[TopicPartition, list[Any]]:
        if self._rebalanced is not None:
            self._thread.assigned_generation = self._rebalanced
            self.positions.clear()
        if self._error is not None:
            raise self._error
        return {}


def thread_of(generation: int | None) -> ConsumerOnLoop:
    thread = ConsumerOnLoop.__new__(ConsumerOnLoop)
    thread.assigned_generation = generation
    return thread


async def fetched(thread: ConsumerOnLoop, consumer: Consumer) -> Fetched | None:
    thread._ensure_consumer = lambda: consumer  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        return await thread.fetch(WANTED, 0)


async def test_positions_are_sought_before_the_fetch() -> None:
    thread = thread_of(1)
    found = await fetched(thread, Consumer(thread))
    assert found is not None
    assert (found.before, found.after) == ({AT: 5}, {AT: 5})


async def test_a_rebalance_during_the_fetch_gives_nothing_and_does_not_wait() -> None:
    thread = thread_of(1)
    assert await fetched(thread, Consumer(thread, rebalanced=2)) is None


async def test_an_error_of_the_new_assignment_is_not_ours() -> None:
    thread = thread_of(1)
    assert await fetched(thread, Consumer(thread, rebalanced=2, error=NoOffsetForPartitionError(AT))) is None


async def test_nothing_is_fetched_between_revocation_and_assignment() -> None:
    thread = thread_of(None)
    consumer = Consumer(thread)
    assert await fetched(thread, consumer) is None
    assert consumer.positions == {}
