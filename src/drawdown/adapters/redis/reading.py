"""Reads a shard of a ledger's Redis whole, a piece at a time: for checks, and while nobody need wait for it."""

from collections.abc import AsyncIterator

from drawdown.adapters.redis.cache import RedisCache
from drawdown.engine.errors import Doubt

_PIECE = 500


class RedisReader(RedisCache):
    """The same keys, streamed. What is written meanwhile may be seen or not."""

    async def states(self, shard: int) -> AsyncIterator[tuple[str, bytes | None]]:
        """Give accounts and their states, bytes None where the checksum does not match."""
        names = []
        seen: set[bytes] = set()  # a scan may give an entry twice
        async for name, _ in self._redis.hscan_iter(self._key(shard, "states"), count=_PIECE):
            if name in seen:
                continue
            seen.add(name)
            names.append(name.decode("utf-8", "replace"))
            if len(names) == _PIECE:
                for entry in await self._looked_up(shard, names):
                    yield entry
                names = []
        for entry in await self._looked_up(shard, names):
            yield entry

    async def _looked_up(self, shard: int, names: list[str]) -> list[tuple[str, bytes | None]]:
        try:
            return list(zip(names, (await self.look_up(shard, [], names)).states, strict=True))
        except Doubt:  # one of them is not what was written: ask for each
            if len(names) == 1:
                return [(names[0], None)]
            middle = len(names) // 2
            return [*await self._looked_up(shard, names[:middle]), *await self._looked_up(shard, names[middle:])]

    async def ids(self, shard: int) -> AsyncIterator[tuple[int, bytes, bytes]]:
        """Give bucket, identity and value of each id."""
        for key in sorted(await self._redis.smembers(self._key(shard, "buckets"))):
            bucket = int(key.rpartition(b":")[2])
            seen: set[bytes] = set()
            async for identity, value in self._redis.hscan_iter(key, count=_PIECE):
                if identity not in seen:
                    seen.add(identity)
                    yield bucket, identity, value

    async def due_times(self, shard: int) -> AsyncIterator[tuple[str, int]]:
        """Give accounts and their due times, earliest first."""
        start = 0
        while found := await self._redis.zrange(self._key(shard, "due"), start, start + _PIECE - 1, withscores=True):
            for account, score in found:
                yield account.decode("utf-8", "replace"), int(score)
            start += _PIECE
