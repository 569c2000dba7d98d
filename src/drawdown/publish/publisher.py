"""The async publisher."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any, Self

from drawdown.publish.errors import BufferFull, NotDelivered, PublishError
from drawdown.publish.events import UsageEvent, checked
from drawdown.publish.limits import Limits
from drawdown.publish.producing import FAILURES, FINAL, Producer, Producing, kafka_producer, mends
from drawdown.publish.receipt import Delivered, Receipt
from drawdown.publish.room import Room
from drawdown.publish.services import Services


class Publisher(Services[Coroutine[Any, Any, Receipt]]):
    """Publishes usage from an asyncio service.

    A method returns when the event is checked and in the buffer; it waits while the buffer is full. From then on the
    event is tried, under the same id, until Kafka has it or `delivery_ms` is over. `flush`, and the end of the context,
    wait for all and raise the first NotDelivered since the last flush. After a failure events may arrive in another
    order: their own times decide, not their arrival.
    """

    def __init__(
        self,
        servers: str,
        source: str,
        *,
        prefix: str = "",
        limits: Limits | None = None,
        make: Callable[[], Producer] | None = None,
    ) -> None:
        """Connect to nothing yet. source: of the events. prefix: before every topic. make: for tests."""
        self.source = source
        self._prefix = prefix
        self._limits = limits or Limits()
        self._producing = Producing(make or (lambda: kafka_producer(servers, self._limits)))
        self._room = Room(self._limits.buffer_records, self._limits.buffer_bytes)
        self._sending: set[asyncio.Task[Delivered]] = set()
        self._first_lost: BaseException | None = None
        self._lost = 0
        self._process = 0
        self._closed = False

    async def __aenter__(self) -> Self:
        """Connect. Raise PublishError when no broker answers."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Flush and disconnect."""
        await self.close()

    async def start(self) -> None:
        """Connect. Raise PublishError when no broker answers."""
        self._process = os.getpid()
        self._closed = False
        await self._producing.start()

    @property
    def waiting(self) -> int:
        """How many events Kafka has not acknowledged."""
        return self._room.records

    async def publish(self, event: UsageEvent) -> Receipt:
        """Take an event. Raise Reject with its code, BufferFull, or PublishError."""
        self._check_open()
        checked(event)
        try:
            await self._room.take(event.size, self._limits.room_ms)
        except TimeoutError as error:
            room = self._room
            raise BufferFull(
                f"event {event.id} was not taken: {room.records} events ({room.bytes} bytes) wait for Kafka, and none "
                f"was acknowledged for {self._limits.room_ms} ms; publish it again later under the same id"
            ) from error
        if self._closed:
            self._room.give(event.size)
            self._check_open()
        task = asyncio.create_task(self._deliver(event))
        self._sending.add(task)
        task.add_done_callback(lambda done: self._done(done, event))
        return Receipt(event, task)

    def _check_open(self) -> None:
        if self._closed or not self._process:
            raise PublishError("this publisher is not open: use it as a context, or call start")
        if self._process != os.getpid():
            raise PublishError("this publisher was opened in another process: open one after the fork")

    async def _deliver(self, event: UsageEvent) -> Delivered:
        limits, pause_ms, last = self._limits, self._limits.retry_first_ms, "no answer"
        try:
            async with asyncio.timeout(limits.delivery_ms / 1000):
                while True:
                    try:
                        return await self._try(event)
                    except FINAL as error:
                        said = f"{type(error).__name__} {error}".strip()
                        raise NotDelivered(f"Kafka will never take event {event.id}: {said}", event) from error
                    except FAILURES as error:
                        last = f"{type(error).__name__} {error}".strip()
                    await asyncio.sleep(pause_ms / 1000)
                    pause_ms = min(2 * pause_ms, limits.retry_max_ms)
        except TimeoutError as error:
            raise NotDelivered(
                f"event {event.id} was not acknowledged on {self._prefix}{event.topic} in {limits.delivery_ms} ms "
                f"({last}); publish it again under the same id",
                event,
            ) from error

    async def _try(self, event: UsageEvent) -> Delivered:
        producer = await self._producing.current()
        try:
            acknowledged = await producer.send(
                self._prefix + event.topic, event.value, event.key, headers=list(event.headers)
            )
            # a cancelled wait must not cancel the future: it is the producer's
            where = await asyncio.shield(acknowledged)
        except FAILURES as error:
            if not isinstance(error, FINAL) and not mends(error):
                await self._producing.broken(producer)
            raise
        return Delivered(where.topic, where.partition, where.offset)

    def _done(self, task: "asyncio.Task[Delivered]", event: UsageEvent) -> None:
        self._sending.discard(task)
        self._room.give(event.size)
        if not task.cancelled() and (lost := task.exception()) is not None:
            self._first_lost = self._first_lost or lost
            self._lost += 1

    async def flush(self) -> None:
        """Wait until the outcome of every event is known. Raise the first NotDelivered since the last flush."""
        while self._sending:
            await asyncio.wait(self._sending)
            await asyncio.sleep(0)  # the callbacks of those tasks
        first, count = self._first_lost, self._lost
        self._first_lost, self._lost = None, 0
        if first is not None:
            if not isinstance(first, NotDelivered):
                raise first  # a mistake in the program
            more = f" (and {count - 1} more)" if count > 1 else ""
            raise NotDelivered(f"{first}{more}", first.event) from first

    async def close(self) -> None:
        """Flush and disconnect; a second time does nothing. Raise NotDelivered as `flush` does."""
        if self._closed or not self._process:
            return
        self._closed = True
        try:
            await self.flush()
        finally:
            for task in self._sending:  # left only when the close itself was cancelled
                task.cancel()
            await self._producing.stop()
