"""A verification over the ports' twins in memory."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from tests.support.engine import SHARDS, owner_of
from tests.support.odd_messages import BOOKS
from tests.support.two_ledgers import LEDGERS, POLICY, World

from drawdown.domain.limits import BOOK_LEAD_MS
from drawdown.engine.commit import GENESIS, Cursor
from drawdown.engine.ledger import Ledger
from drawdown.engine.memory.broker import MemoryBroker
from drawdown.engine.memory.cache import MemoryCache
from drawdown.engine.records import Record
from drawdown.topics import PRICES
from drawdown.verify.model import Place, Report, Span
from drawdown.verify.run import Verification
from drawdown.wire.price_book import decode_book

ALL = 1 << 30


class MemorySource:
    """Reads a broker in memory; the price books are those of odd_messages."""

    def __init__(self, broker: MemoryBroker, books: Sequence[bytes] = BOOKS) -> None:
        self._broker = broker
        self._books = [
            Record(PRICES, 0, offset, decode_book(value).effective_from - BOOK_LEAD_MS, None, value)
            for offset, value in enumerate(books)
        ]

    async def spans(self, places: Iterable[Place]) -> dict[Place, Span]:
        found = {}
        for place in places:
            found[place] = (0, len(self._books)) if place[0] == PRICES else self._broker.bounds(*place)
        return found

    async def read(self, spans: Mapping[Place, Span]) -> AsyncIterator[Record]:
        for (topic, partition), (start, end) in spans.items():
            if topic == PRICES:
                for record in self._books[start:end]:
                    yield record
                continue
            for one in self._broker.read(topic, partition, start, end, ALL)[0]:
                yield Record(topic, partition, one.offset, one.timestamp, one.key, one.value, tuple(one.headers))


class MemoryReader:
    """Reads a cache in memory."""

    def __init__(self, cache: MemoryCache) -> None:
        self._cache = cache

    async def cursor(self, shard: int) -> Cursor:
        return self._cache.copy(shard).cursor or GENESIS

    async def states(self, shard: int) -> AsyncIterator[tuple[str, int, bytes]]:
        held = self._cache.copy(shard)
        for account, write in held.states.items():
            yield account, -1 if account in held.damaged else write.number, write.value

    async def ids(self, shard: int) -> AsyncIterator[tuple[int, bytes, bytes]]:
        for bucket, members in self._cache.copy(shard).buckets.items():
            for identity, value in members.items():
                yield bucket, identity, value

    async def due(self, shard: int) -> AsyncIterator[tuple[str, int]]:
        for account, at in self._cache.copy(shard).due.items():
            yield account, at


async def verified(world: World, ledgers: Sequence[Ledger] = LEDGERS) -> Report:
    caches = {name: MemoryReader(cache) for name, cache in world.caches.items()}
    source, now_ms = MemorySource(world.broker), world.clock.now_ms
    return await Verification(source, ledgers, owner_of, POLICY, caches, now_ms=now_ms).run(range(SHARDS))
