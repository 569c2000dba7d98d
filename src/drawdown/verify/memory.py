"""The ids that the replay has accepted, as long as a worker may hold them."""

from drawdown.domain.limits import ID_BUCKET_MS, VERIFY_ID_SLACK_MS
from drawdown.engine.ports import KnownId


class Memory:
    """Ids and their values, by the bucket in which they are forgotten."""

    def __init__(self) -> None:
        """Know no id."""
        self._buckets: dict[int, dict[bytes, bytes]] = {}
        self._oldest = self.clock = 0
        self.forgotten_to = 0  # instant, ms: what was to be forgotten before it is gone

    def get(self, identity: bytes) -> bytes | None:
        """Give an id's value, None for one that is not known."""
        for members in self._buckets.values():
            value = members.get(identity)
            if value is not None:
                return value
        return None

    def add(self, known: KnownId) -> None:
        """Take up an id."""
        self._buckets.setdefault(known.forget_at // ID_BUCKET_MS, {})[known.identity] = known.value

    def pass_time(self, instant: int) -> None:
        """Forget what no worker can hold any more. instant: append time reached, ms."""
        horizon = (instant - VERIFY_ID_SLACK_MS) // ID_BUCKET_MS
        if horizon <= self._oldest:
            return
        self._oldest, self.clock = horizon, instant
        for bucket in [bucket for bucket in self._buckets if bucket < horizon]:
            del self._buckets[bucket]
            self.forgotten_to = max(self.forgotten_to, (bucket + 1) * ID_BUCKET_MS)

    def items(self) -> list[tuple[int, bytes, bytes]]:
        """List bucket, identity and value of each."""
        return [(bucket, *pair) for bucket, members in self._buckets.items() for pair in members.items()]

    def restore(self, bucket: int, identity: bytes, value: bytes) -> None:
        """Take up what `items` gave."""
        self._buckets.setdefault(bucket, {})[identity] = value
