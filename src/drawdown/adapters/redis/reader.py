"""Reads one ledger's Redis as it lies there, in chunks, to compare it with the log. Nothing is written."""

from collections.abc import AsyncIterator
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from drawdown.adapters.redis.cache import RedisCache, opened
from drawdown.engine.commit import Cursor
from drawdown.engine.errors import Doubt, Retry
from drawdown.errors import UserError

_COUNT = 1_000


class RedisReader:
    """States, ids and due times of one ledger, by shard. Raise UserError when Redis does not answer as it should."""

    def __init__(self, redis: Redis, ledger: str, prefix: str = "") -> None:
        """Use a client without response decoding. prefix: before every key."""
        self._redis: Any = redis
        self._cache = RedisCache(redis, ledger, prefix)

    async def cursor(self, shard: int) -> Cursor:
        """Read the cursor; one that is none is told as a commit below all."""
        try:
            return await self._cache.cursor(shard)
        except Doubt:
            return Cursor(-1)
        except Retry as retry:
            raise UserError(str(retry)) from retry

    async def states(self, shard: int) -> AsyncIterator[tuple[str, int, bytes]]:
        """Give account, commit number and bytes of every state."""
        async for account, sealed in self._hash(self._cache.key(shard, "states")):
            name = account.decode("utf-8", "replace")
            yield (name, *opened(name, sealed))

    async def ids(self, shard: int) -> AsyncIterator[tuple[int, bytes, bytes]]:
        """Give bucket, identity and value of every remembered id."""
        try:
            buckets = await self._redis.smembers(self._cache.key(shard, "buckets"))
        except RedisError as error:
            raise _told(error) from error
        for key in sorted(buckets):
            bucket = int(key.rpartition(b":")[2])
            async for identity, value in self._hash(key):
                yield bucket, identity, value

    async def due(self, shard: int) -> AsyncIterator[tuple[str, int]]:
        """Give every account with a timer, and when."""
        try:
            async for account, score in self._redis.zscan_iter(self._cache.key(shard, "due"), count=_COUNT):
                yield account.decode("utf-8", "replace"), int(score)
        except RedisError as error:
            raise _told(error) from error

    async def _hash(self, key: str | bytes) -> AsyncIterator[tuple[bytes, bytes]]:
        try:
            async for field, value in self._redis.hscan_iter(key, count=_COUNT):
                yield field, value
        except RedisError as error:
            raise _told(error) from error


def _told(error: RedisError) -> UserError:
    return UserError(f"Redis cannot be read: {error}")
