"""What can go wrong while publishing. An event that would be refused is a Reject of the domain instead."""

from drawdown.errors import UserError
from drawdown.publish.events import UsageEvent


class PublishError(UserError):
    """The publisher cannot be used: no broker answers, it is closed, or it belongs to another process."""


class BufferFull(PublishError):
    """No room came free in time: Kafka takes events more slowly than they come. The event was not taken."""


class NotDelivered(PublishError):
    """Kafka did not acknowledge an event in time, or never will; whether it has it may be unknown.

    event: to publish again, as it is: the same id counts once.
    """

    def __init__(self, message: str, event: UsageEvent) -> None:
        """Tell of an event."""
        super().__init__(message)
        self.event = event
