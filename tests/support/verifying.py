"""A verification's source over the broker and caches in memory."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping

from drawdown.engine.commit import GENESIS, Cursor
from drawdown.engine.memory.broker import MemoryBroker
from drawdown.engine.memory.cache import MemoryCache
from drawdown.engine.ports import Clock
from drawdown.engine.records import Record
from drawdown.verify.source import Place

_CHUNK = 100


class MemorySource:
    """Reads a MemoryBroker and a MemoryCache a ledger."""

    def __init__(
        self,
        broker: MemoryBroker,
        caches: Mapping[str, MemoryCache],
        clock: Clock,
        shard_of: Callable[[bytes], int],
        shards: int,
    ) -> None:
        self.shards = shards
        self.shard_of = shard_of
        self._broker = broker
        self._caches = caches
        self._clock = clock

    def now_ms(self) -> int:
        return self._clock.now_ms()

    async def spans(self, places: Iterable[Place]) -> dict[Place, tuple[int, int]]:
        return {place: self._broker.bounds(*place) for place in places}

    async def read(self, place: Place, start: int, end: int) -> AsyncIterator[Record]:
        position = start
        while position < end:
            found, position = self._broker.read(*place, position, end, _CHUNK)
            for one in found:
                yield Record(*place, one.offset, one.timestamp, one.key, one.value, one.headers)

    async def cursor(self, ledger: str, shard: int) -> Cursor | None:
        held = self._caches[ledger].copy(shard)
        return None if held.cursor_damaged else held.cursor or GENESIS

    async def states(self, ledger: str, shard: int) -> AsyncIterator[tuple[str, bytes | None]]:
        held = self._caches[ledger].copy(shard)
        for account, write in held.states.items():
            yield account, None if account in held.damaged else write.value

    async def ids(self, ledger: str, shard: int) -> AsyncIterator[tuple[int, bytes, bytes]]:
        for bucket, members in self._caches[ledger].copy(shard).buckets.items():
            for identity, value in members.items():
                yield bucket, identity, value

    async def due(self, ledger: str, shard: int) -> AsyncIterator[tuple[str, int]]:
        for entry in self._caches[ledger].copy(shard).due.items():
            yield entry
