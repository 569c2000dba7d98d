"""What `publish` gives back at once, and what is known when Kafka has the event."""

import asyncio
from collections.abc import Generator
from typing import Any

import msgspec

from drawdown.publish.events import UsageEvent


class Delivered(msgspec.Struct, frozen=True):
    """Where an event stands. topic: with its prefix."""

    topic: str
    partition: int
    offset: int


class Receipt:
    """An event that the publisher has taken. Await it to know that Kafka has it, or never mind: it is tried anyhow."""

    def __init__(self, event: UsageEvent, delivery: "asyncio.Task[Delivered]") -> None:
        """Tell of an event on its way."""
        self.event = event
        self._delivery = delivery

    @property
    def done(self) -> bool:
        """Whether its outcome is known."""
        return self._delivery.done()

    def __await__(self) -> Generator[Any, None, Delivered]:
        """Wait until Kafka has the event. Raise NotDelivered. Giving up the wait does not stop the delivery."""
        return asyncio.shield(self._delivery).__await__()
