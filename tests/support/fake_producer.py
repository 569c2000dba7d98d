"""A producer in memory that fails as it is told."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Any

from aiokafka.structs import RecordMetadata, TopicPartition


def metadata(topic: str, offset: int) -> RecordMetadata:
    return RecordMetadata(topic, 0, TopicPartition(topic, 0), offset, -1, 0, 0)


class FakeProducer:
    """Acknowledges every record at once, unless `held`; `failures` are raised first, one a send."""

    def __init__(self, failures: Sequence[BaseException] = (), *, refuses_start: BaseException | None = None) -> None:
        self.sent: list[tuple[str, bytes | None, bytes | None]] = []
        self.failures = deque(failures)
        self.held: deque[asyncio.Future[RecordMetadata]] | None = None
        self.refuses_start = refuses_start
        self.started = self.stopped = 0

    async def start(self) -> None:
        self.started += 1
        if self.refuses_start is not None:
            raise self.refuses_start

    async def stop(self) -> None:
        self.stopped += 1

    async def send(
        self, topic: str, value: bytes | None, key: bytes | None, *, headers: list[tuple[str, bytes]]
    ) -> Awaitable[Any]:
        assert isinstance(headers, list)
        assert dict(headers)["content-type"].startswith(b"application/cloudevents")
        self.sent.append((topic, key, value))
        future: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        if self.failures:
            future.set_exception(self.failures.popleft())
        elif self.held is not None:
            self.held.append(future)
        else:
            future.set_result(metadata(topic, len(self.sent) - 1))
        return future

    def acknowledge(self, count: int) -> None:
        assert self.held is not None
        for _ in range(count):
            self.held.popleft().set_result(metadata("t", 0))
