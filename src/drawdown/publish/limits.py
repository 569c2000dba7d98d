"""How much a publisher holds and how long it waits."""

import msgspec

from drawdown.domain.limits import EVENT_BYTES_MAX, ID_LENGTH_MAX, NAME_LENGTH_MAX

_MS = 1_000
_ENTRY_BYTES_MAX = EVENT_BYTES_MAX + 4 * (NAME_LENGTH_MAX + ID_LENGTH_MAX)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of a publisher. Raise ValueError for one that cannot work.

    buffer_records, buffer_bytes: accepted and not yet acknowledged by Kafka.
    room_ms: how long `publish` waits for room before it raises BufferFull.
    delivery_ms: how long an event is tried before its receipt raises NotDelivered.
    retry_first_ms, retry_max_ms: pauses between two tries; they double.
    linger_ms: how long a batch waits for more events.
    """

    buffer_records: int = 10_000
    buffer_bytes: int = 32 * 1024 * 1024
    room_ms: int = 30 * _MS
    delivery_ms: int = 120 * _MS
    retry_first_ms: int = 100
    retry_max_ms: int = 5 * _MS
    linger_ms: int = 5

    def __post_init__(self) -> None:
        """Check the bounds."""
        if self.buffer_records < 1 or self.buffer_bytes < _ENTRY_BYTES_MAX:
            raise ValueError(f"a buffer holds at least 1 record and {_ENTRY_BYTES_MAX} bytes: the largest event")
        if min(self.room_ms, self.linger_ms) < 0 or min(self.delivery_ms, self.retry_first_ms) < 1:
            raise ValueError("waits are not negative, delivery_ms and retry_first_ms at least 1")
        if self.retry_max_ms < self.retry_first_ms:
            raise ValueError("retry_max_ms is at least retry_first_ms")
