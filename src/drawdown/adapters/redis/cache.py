"""The Cache port over Redis: one script a look-up, one a write; every key carries the shard's hash tag."""

import secrets
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from importlib.resources import files
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
from redis.asyncio import Redis
from redis.exceptions import (
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from drawdown.adapters.redis.arguments import CHECKSUM_BYTES, NUMBER_BYTES, checksum, of_ids, of_states
from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.commit import GENESIS, Cursor, decode_cursor, encode_cursor
from drawdown.engine.errors import REDIS, REDIS_ALTERED, Doubt, Retry
from drawdown.engine.ports import Inventory, KnownId, LookUp, Sample, StateWrite, Swapped

_HEAD_BYTES = CHECKSUM_BYTES + NUMBER_BYTES

P = ParamSpec("P")
R = TypeVar("R")


def _in_the_ports_words(
    call: Callable[Concatenate["RedisCache", P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate["RedisCache", P], Coroutine[Any, Any, R]]:
    """Turn Redis's errors into the port's: Retry where nothing is in doubt, Doubt for the rest."""

    @wraps(call)
    async def told(self: "RedisCache", *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await call(self, *args, **kwargs)
        except (RedisConnectionError, RedisTimeoutError, BusyLoadingError, OutOfMemoryError, ReadOnlyError) as error:
            raise Retry(f"Redis cannot be used now: {error}", part=REDIS) from error
        except RedisError as error:
            msg = f"Redis answered what it should not: {error}"
            raise Doubt(msg, kind=REDIS_ALTERED, rebuild=True) from error

    return told  # type: ignore[return-value]  # wraps and Concatenate disagree on positional self


class RedisCache:
    """One ledger's Redis. Design section 4, step 6; layout in docs/decisions/0008."""

    def __init__(self, redis: Redis, ledger: str, prefix: str = "") -> None:
        """Use a client without response decoding. prefix: before every key."""
        self._redis: Any = redis  # its types do not know that replies stay bytes
        self._prefix = f"{prefix}{{{ledger}:"
        scripts = files("drawdown.adapters.redis")
        self._look_up = redis.register_script(scripts.joinpath("look_up.lua").read_text())
        self._write = redis.register_script(scripts.joinpath("write.lua").read_text())
        self._clear = redis.register_script(scripts.joinpath("clear.lua").read_text())
        self._rebuilding: dict[str, tuple[bytes, int]] = {}  # by place: our newest token, writes done
        self._inventory = redis.register_script(scripts.joinpath("inventory.lua").read_text())
        self._swap = redis.register_script(scripts.joinpath("swap.lua").read_text())
        self._sample = redis.register_script(scripts.joinpath("sample.lua").read_text())

    def _place(self, shard: int) -> str:
        return f"{self._prefix}{shard}}}:"

    def _fresh(self, shard: int) -> str:
        return self._place(shard) + "new:"

    def key(self, shard: int, name: str) -> str:
        """Name one of a shard's keys."""
        return self._place(shard) + name

    @_in_the_ports_words
    async def look_up(self, shard: int, identities: Sequence[bytes], accounts: Sequence[str]) -> LookUp:
        """Read cursor, ids and states in one atomic script."""
        keys = [self.key(shard, name) for name in ("cursor", "states", "buckets", "token")]
        cursor, indices, values, states = await self._look_up(keys=keys, args=[b"".join(identities), *accounts])
        return LookUp(
            cursor=_cursor(shard, cursor),
            known=dict(zip(indices, values, strict=True)),
            states=[_unseal(shard, name, sealed) for name, sealed in zip(accounts, states, strict=True)],
        )

    @_in_the_ports_words
    async def cursor(self, shard: int) -> Cursor:
        """Read the shard's cursor; a missing one is GENESIS."""
        return _cursor(shard, await self._redis.get(self.key(shard, "cursor")))

    async def apply(
        self, shard: int, expected: Cursor, new: Cursor, states: Sequence[StateWrite], ids: Sequence[KnownId]
    ) -> bool:
        """Write all, if the cursor is `expected`."""
        guard = b"" if expected == GENESIS else encode_cursor(expected)
        return await self._written(self._place(shard), "cursor", guard, new, states, ids)

    async def begin_rebuild(self, shard: int) -> bytes:
        """Take the cursor away and set a new token at once, then delete the rest unless another rebuild has begun."""
        return await self._begun(self._place(shard))

    async def load(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        """Write a chunk of a rebuild, if the token is still the shard's and Redis holds every chunk before."""
        return await self._loaded(self._place(shard), token, states, ids)

    async def finish_rebuild(self, shard: int, token: bytes, cursor: Cursor) -> bool:
        """Set the cursor and drop the token, if it is still the shard's and Redis holds every chunk."""
        new, place = None if cursor == GENESIS else cursor, self._place(shard)
        return await self._written(place, "token", self._guard(place, token), new, (), (), last=True)

    async def begin_stage(self, shard: int) -> bytes:
        """Set a new token, then delete what an earlier rebuild left in the fresh place, unless another has begun."""
        return await self._begun(self._fresh(shard))

    async def stage(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        """Write to the fresh place, if the token is still its and Redis holds every chunk before."""
        return await self._loaded(self._fresh(shard), token, states, ids)

    @_in_the_ports_words
    async def swap(self, shard: int, token: bytes, cursor: Cursor, held: Cursor | None) -> Swapped:
        """Rename the fresh place's keys over the shard's, in one script, if Redis holds every chunk of it."""
        old = [key async for key in self._redis.scan_iter(match=self.key(shard, "ids:*"), count=1_000)]
        names = ("new:token", "new:states", "new:due", "new:buckets", "states", "due", "buckets", "cursor", "token")
        guard = b"" if held in {None, GENESIS} else encode_cursor(held)
        args: list[Any] = [self._guard(self._fresh(shard), token), encode_cursor(cursor), guard, int(held is None)]
        done = await self._swap(keys=[*(self.key(shard, name) for name in names), *old], args=args)
        return {1: Swapped.DONE, 0: Swapped.MOVED, -1: Swapped.LOST}[done]

    @_in_the_ports_words
    async def _begun(self, place: str) -> bytes:
        """Begin to load a place: its token comes first, so that nobody else's chunk or end slips in between."""
        token = secrets.token_bytes(16)
        self._rebuilding[place] = (token, 0)
        async with self._redis.pipeline(transaction=True) as at_once:
            at_once.unlink(place + "cursor").set(place + "token", self._guard(place, token))
            await at_once.execute()
        buckets = [key async for key in self._redis.scan_iter(match=f"{place}ids:*", count=1_000)]
        names = [place + name for name in ("token", "states", "due", "buckets")]
        guards = [self._guard(place, token), self._guard(place, token, after=1)]
        if await self._clear(keys=[*names, *buckets], args=guards):
            self._rebuilding[place] = (token, 1)
        return token

    async def _loaded(self, place: str, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        guard, following = self._guard(place, token), self._guard(place, token, after=1)
        written = await self._written(place, "token", guard, None, states, ids, following=following)
        if written:
            self._rebuilding[place] = (token, self._rebuilding[place][1] + 1)
        return written

    def _guard(self, place: str, token: bytes, *, after: int = 0) -> bytes:
        """Give what the token's key holds: the token and the writes done, so that one that Redis lost is noticed."""
        held, writes = self._rebuilding.get(place, (token, 0))
        return token + (writes + after if held == token else 0).to_bytes(8, "big")

    @_in_the_ports_words
    async def due(self, shard: int, until: int, limit: int) -> list[tuple[str, int]]:
        """List accounts with a timer due, earliest first."""
        found = await self._redis.zrangebyscore(
            self.key(shard, "due"), "-inf", until, start=0, num=limit, withscores=True
        )
        return [(_account(shard, account), int(score)) for account, score in found]

    @_in_the_ports_words
    async def inventory(self, shard: int) -> Inventory:
        """Count what the shard holds, in one script."""
        keys = [self.key(shard, name) for name in ("cursor", "states", "due", "buckets")]
        cursor, states, due, names, numbers = await self._inventory(keys=keys)
        buckets = [self._bucket(shard, name) for name in names]
        return Inventory(_cursor(shard, cursor), states, due, dict(zip(buckets, numbers, strict=True)))

    @_in_the_ports_words
    async def sample(self, shard: int, accounts: Sequence[str], ids: Sequence[KnownId]) -> Sample:
        """Read states, due times and ids in one script."""
        places: dict[int, list[int]] = {}
        for place, known in enumerate(ids):
            places.setdefault(known.forget_at // ID_BUCKET_MS, []).append(place)
        keys = [self.key(shard, name) for name in ("cursor", "states", "due", "buckets")]
        args: list[Any] = [len(accounts), *accounts]
        for bucket, members in places.items():
            keys.append(self.key(shard, f"ids:{bucket}"))
            args += (len(members), *(ids[place].identity for place in members))
        cursor, states, due, values = await self._sample(keys=keys, args=args)
        found: list[bytes | None] = [None] * len(ids)
        for place, value in zip([place for members in places.values() for place in members], values, strict=True):
            found[place] = value
        held = [_held(shard, *one) for one in zip(accounts, states, due, strict=True)]
        return Sample(_cursor(shard, cursor), held, found)

    @_in_the_ports_words
    async def forget(self, shard: int, before: int) -> int:
        """Drop the id buckets that end before `before` (ms)."""
        live = await self._redis.smembers(self.key(shard, "buckets"))
        old = [key for key in live if (self._bucket(shard, key) + 1) * ID_BUCKET_MS <= before]
        if old:
            await self._redis.unlink(*old)
            await self._redis.srem(self.key(shard, "buckets"), *old)
        return len(old)

    def _bucket(self, shard: int, key: bytes) -> int:
        """Give the number of a bucket of ids from its key."""
        number = key.removeprefix(self.key(shard, "ids:").encode())
        if number == key or not number.isdigit():
            msg = f"shard {shard}: {key[:80]!r} in Redis is no bucket of ids"
            raise Doubt(msg, kind=REDIS_ALTERED, rebuild=True)
        return int(number)

    @_in_the_ports_words
    async def _written(
        self,
        place: str,
        guard: str,
        expected: bytes,
        cursor: Cursor | None,
        states: Sequence[StateWrite],
        ids: Sequence[KnownId],
        *,
        last: bool = False,
        following: bytes = b"",
    ) -> bool:
        keys = [place + name for name in (guard, "states", "due", "buckets", "cursor", "token")]
        new = b"" if cursor is None else encode_cursor(cursor)
        buckets, members = of_ids(ids)
        keys += [f"{place}ids:{bucket}" for bucket in buckets]
        args: list[Any] = [expected, new, following or int(last), *of_states(states), *members]
        return bool(await self._write(keys=keys, args=args))


def _cursor(shard: int, value: bytes | None) -> Cursor:
    if value is None:
        return GENESIS
    try:
        return decode_cursor(value)
    except msgspec.MsgspecError as error:
        msg = f"shard {shard}: the cursor in Redis is not one: {value[:40]!r}"
        raise Doubt(msg, kind=REDIS_ALTERED, rebuild=True) from error


def _account(shard: int, name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        msg = f"shard {shard}: {name[:80]!r} in Redis is no account"
        raise Doubt(msg, kind=REDIS_ALTERED, rebuild=True) from error


def _held(shard: int, account: str, sealed: bytes | None, due: bytes | None) -> StateWrite | None:
    """Give a state with its commit number and due time; None if there is none."""
    value = _unseal(shard, account, sealed)
    if sealed is None or value is None:
        return None
    number = int.from_bytes(sealed[CHECKSUM_BYTES:_HEAD_BYTES], "big")
    return StateWrite(account, number, value, None if due is None else int(float(due)))


def _unseal(shard: int, account: str, sealed: bytes | None) -> bytes | None:
    if sealed is None:
        return None
    if sealed[:CHECKSUM_BYTES] != checksum(account, sealed[CHECKSUM_BYTES:]):
        msg = f"shard {shard}: the state of {account} in Redis does not match its checksum"
        raise Doubt(msg, kind=REDIS_ALTERED, rebuild=True)
    return sealed[_HEAD_BYTES:]


def opened(account: str, sealed: bytes) -> tuple[int, bytes]:
    """Give a sealed state's commit number and bytes; -1 and all of it when its checksum is wrong."""
    if sealed[:CHECKSUM_BYTES] != checksum(account, sealed[CHECKSUM_BYTES:]):
        return -1, sealed
    return int.from_bytes(sealed[CHECKSUM_BYTES:_HEAD_BYTES], "big"), sealed[_HEAD_BYTES:]
