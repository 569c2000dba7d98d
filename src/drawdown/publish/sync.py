"""The publisher for services without asyncio: a thread of its own runs the async one."""

import asyncio
import atexit
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from drawdown.publish.errors import PublishError
from drawdown.publish.events import UsageEvent
from drawdown.publish.limits import Limits
from drawdown.publish.producing import Producer
from drawdown.publish.publisher import Publisher
from drawdown.publish.receipt import Delivered, Receipt
from drawdown.publish.services import Services

R = TypeVar("R")


class SyncReceipt:
    """An event that the publisher has taken."""

    def __init__(self, receipt: Receipt, loop: asyncio.AbstractEventLoop) -> None:
        """Tell of an event on its way."""
        self.event = receipt.event
        self._receipt = receipt
        self._loop = loop

    @property
    def done(self) -> bool:
        """Whether its outcome is known."""
        return self._receipt.done

    def wait(self, timeout: float | None = None) -> Delivered:
        """Wait until Kafka has the event. Raise NotDelivered; TimeoutError after `timeout` seconds."""

        async def delivered() -> Delivered:
            return await self._receipt

        return asyncio.run_coroutine_threadsafe(delivered(), self._loop).result(timeout)


class SyncPublisher(Services[SyncReceipt]):
    """Publishes usage from any thread; see Publisher for what it promises. It flushes when the interpreter ends."""

    def __init__(
        self,
        servers: str,
        source: str,
        *,
        prefix: str = "",
        limits: Limits | None = None,
        make: Callable[[], Producer] | None = None,
    ) -> None:
        """Connect to nothing yet; the arguments are those of Publisher."""
        self.source = source
        self._told: dict[str, Any] = {"prefix": prefix, "limits": limits, "make": make}
        self._servers = servers
        self._loop: asyncio.AbstractEventLoop | None = None
        self._publisher: Publisher | None = None
        self._thread: threading.Thread | None = None
        self._changing = threading.Lock()
        self._process = 0

    def __enter__(self) -> Self:
        """Connect. Raise PublishError when no broker answers."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Flush and disconnect."""
        self.close()

    def start(self) -> None:
        """Connect. Raise PublishError when no broker answers."""
        with self._changing:
            if self._loop is not None:
                return
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=_run, args=(loop,), name="drawdown-publisher", daemon=True)
            thread.start()
            try:
                publisher = asyncio.run_coroutine_threadsafe(self._open(), loop).result()
            except BaseException:
                _end(loop, thread)
                raise
            self._loop, self._thread, self._publisher, self._process = loop, thread, publisher, os.getpid()
            atexit.register(self.close)

    async def _open(self) -> Publisher:
        publisher = Publisher(self._servers, self.source, **self._told)
        await publisher.start()
        return publisher

    def publish(self, event: UsageEvent) -> SyncReceipt:
        """Take an event; waits while the buffer is full. Raise Reject with its code, BufferFull, or PublishError."""
        publisher, loop = self._opened()
        return SyncReceipt(_asked(publisher.publish(event), loop), loop)

    def flush(self) -> None:
        """Wait until the outcome of every event is known. Raise NotDelivered as Publisher.flush does."""
        publisher, loop = self._opened()
        _asked(publisher.flush(), loop)

    def close(self) -> None:
        """Flush and disconnect; a second time does nothing. Raise NotDelivered as `flush` does."""
        with self._changing:
            loop, thread, publisher = self._loop, self._thread, self._publisher
            if loop is None or thread is None or publisher is None:
                return
            self._loop = self._thread = self._publisher = None
            atexit.unregister(self.close)
            if self._process != os.getpid():
                return  # the thread stayed with the process before the fork
            try:
                _asked(publisher.close(), loop)
            finally:
                _end(loop, thread)

    def _opened(self) -> tuple[Publisher, asyncio.AbstractEventLoop]:
        publisher, loop = self._publisher, self._loop
        if publisher is None or loop is None:
            raise PublishError("this publisher is not open: use it as a context, or call start")
        if self._process != os.getpid():
            raise PublishError("this publisher was opened in another process: open one after the fork")
        return publisher, loop


def _asked(work: Coroutine[Any, Any, R], loop: asyncio.AbstractEventLoop) -> R:
    """Run something in the loop; interrupted (Ctrl-C), it is called off."""
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    with contextlib.suppress(RuntimeError):
        loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
