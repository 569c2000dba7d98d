"""What a ledger reads a record as. A plain class, so that a compiled worker fills and reads it fast."""

from typing import Final

from drawdown.engine.records import Record


class Input:
    """A decoded input.

    key: account, the Kafka key of all it touches. identity: 16 bytes, digest of what identifies it (never the time);
    content: 8 bytes, digest of what it says. forget_at: instant past which the identity may be forgotten.
    appended: append time, ms. remember: False for inputs whose identity is never kept. service: under which it is
    counted; '' counts it under its topic.
    """

    def __init__(
        self,
        key: str,
        identity: bytes,
        content: bytes,
        forget_at: int,
        appended: int,
        body: object,
        record: Record,
        *,
        remember: bool = True,
        service: str = "",
    ) -> None:
        """Hold all."""
        self.key: Final = key
        self.identity: Final = identity
        self.content: Final = content
        self.forget_at: Final = forget_at
        self.appended: Final = appended
        self.body: Final = body
        self.record: Final = record
        self.remember: Final = remember
        self.service: Final = service
