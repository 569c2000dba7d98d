"""The producer behind a publisher: idempotent, replaced when it is past use."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka

from drawdown.publish.errors import PublishError
from drawdown.publish.limits import Limits

_STOP_SECONDS = 10
_BATCH_BYTES = 256 * 1024
FAILURES = (kafka.KafkaError, kafka.IllegalOperation, OSError, TimeoutError, AssertionError)
# waiting does not help: the record or the right to write it is wrong
FINAL = (
    kafka.MessageSizeTooLargeError,
    kafka.RecordListTooLargeError,
    kafka.TopicAuthorizationFailedError,
    kafka.ClusterAuthorizationFailedError,
    kafka.InvalidTopicError,
    kafka.UnsupportedVersionError,
)


class Producer(Protocol):
    """As much of aiokafka's producer as a publisher uses."""

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""

    async def send(
        self, topic: str, value: bytes | None, key: bytes | None, *, headers: list[tuple[str, bytes]]
    ) -> Awaitable[Any]:
        """Hand over a record; give the future of its position."""


def kafka_producer(servers: str, limits: Limits) -> Producer:
    """Make a producer: acks=all, idempotent, partitioned by murmur2 of the key."""
    made: Producer = AIOKafkaProducer(
        bootstrap_servers=servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=limits.linger_ms,
        max_batch_size=_BATCH_BYTES,
    )
    return made


class Producing:
    """One producer at a time. One that failed in a way that it does not mend by itself is replaced."""

    def __init__(self, make: Callable[[], Producer]) -> None:
        """Make producers so."""
        self._make = make
        self._producer: Producer | None = None
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Connect. Raise PublishError when no broker answers."""
        try:
            await self.current()
        except FAILURES as error:
            raise PublishError(f"Kafka cannot be reached: {type(error).__name__} {error}") from error

    async def current(self) -> Producer:
        """Give the producer, a new one if there is none."""
        if self._producer is not None:
            return self._producer
        async with self._changing:
            if self._producer is None:
                made = self._make()
                try:
                    await made.start()
                except BaseException:
                    await _stopped(made)
                    raise
                self._producer = made
            return self._producer

    async def broken(self, producer: Producer) -> None:
        """Let go of a producer that failed, unless that was done already."""
        if self._producer is producer:
            self._producer = None
            await _stopped(producer)

    async def stop(self) -> None:
        """Disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stopped(producer)


def mends(error: BaseException) -> bool:
    """Say whether the same producer may succeed after this failure: brokers restart, leaders move."""
    waits = (kafka.KafkaTimeoutError, kafka.KafkaConnectionError, kafka.UnknownTopicOrPartitionError, TimeoutError)
    return isinstance(error, waits) or (isinstance(error, kafka.KafkaError) and bool(error.retriable))


async def _stopped(producer: Producer) -> None:
    with contextlib.suppress(*FAILURES):
        async with asyncio.timeout(_STOP_SECONDS):
            await producer.stop()
