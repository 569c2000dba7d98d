"""Both sides of the Cache port's contract, what can happen to what they hold, and values to hold."""

from typing import Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry as Retrying
from redis.backoff import NoBackoff

from drawdown.adapters.redis.cache import RedisCache
from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.commit import GENESIS, Cursor
from drawdown.engine.memory.cache import MemoryCache
from drawdown.engine.ports import Cache, KnownId, StateWrite

ONE = Cursor(1, b"a" * 16, 10, 3)
TWO = Cursor(2, b"b" * 16, 20, 6)
ID_A, ID_B = b"A" * 16, b"B" * 16
ALREADY_THERE = StateWrite("x", 1, b"one", None)


class Harm(Protocol):
    """What can happen to what a cache holds."""

    @property
    def cache(self) -> Cache: ...
    async def edit_state(self, account: str) -> None: ...
    async def edit_cursor(self) -> None: ...
    async def wipe(self) -> None: ...
    async def keep(self) -> None: ...
    async def go_back(self) -> None: ...
    async def disconnect(self) -> Cache: ...


class MemoryHarm:
    def __init__(self) -> None:
        self.cache = MemoryCache()

    async def edit_state(self, account: str) -> None:
        self.cache.damage(0, account)

    async def edit_cursor(self) -> None:
        self.cache.damage_cursor(0)

    async def wipe(self) -> None:
        self.cache.wipe(0)

    async def keep(self) -> None:
        self._kept = self.cache.copy(0)

    async def go_back(self) -> None:
        self.cache.restore(0, self._kept)

    async def disconnect(self) -> Cache:
        self.cache.down = True
        return self.cache


class RedisHarm:
    def __init__(self, redis: Redis, prefix: str) -> None:
        self.redis = redis
        self.cache = RedisCache(redis, "tally", prefix)
        self._prefix = prefix

    def key(self, name: str) -> str:
        return f"{self._prefix}{{tally:0}}:{name}"

    async def edit_state(self, account: str) -> None:
        sealed = await self.redis.hget(self.key("states"), account)
        assert isinstance(sealed, bytes)
        await self.redis.hset(self.key("states"), account, sealed[:-1] + b"!")

    async def edit_cursor(self) -> None:
        await self.redis.set(self.key("cursor"), b"\x00 no cursor")

    async def wipe(self) -> None:
        await self.redis.unlink(*[key async for key in self.redis.scan_iter(match=f"{self._prefix}*")])

    async def keep(self) -> None:
        keys = [key async for key in self.redis.scan_iter(match=f"{self._prefix}*")]
        self._kept = {key: await self.redis.dump(key) for key in keys}

    async def go_back(self) -> None:
        await self.wipe()
        for key, value in self._kept.items():
            assert value is not None
            await self.redis.restore(key, 0, value)

    async def disconnect(self) -> Cache:
        nobody = Redis(host="127.0.0.1", port=1, retry=Retrying(NoBackoff(), 0))
        return RedisCache(nobody, "tally")


async def a_fresh_place(cache: Cache) -> bytes:
    """Fill the shard, then build another content of it in a fresh place."""
    old = [KnownId(ID_A, b"c" * 8, 0), KnownId(ID_A, b"c" * 8, 9 * ID_BUCKET_MS)]
    await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", 7)], old)
    token = await cache.begin_stage(0)
    assert await cache.stage(0, token, [StateWrite("y", 2, b"old", None)], [KnownId(ID_B, b"d" * 8, 0)])
    assert await cache.stage(0, token, [StateWrite("y", 2, b"two", 9)], [KnownId(ID_A, b"e" * 8, ID_BUCKET_MS)])
    return token
