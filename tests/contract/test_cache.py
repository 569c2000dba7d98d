"""The Cache port over Redis: conditional, atomic, checked."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from drawdown.adapters.redis.cache import RedisCache
from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.commit import GENESIS, Cursor
from drawdown.engine.errors import Doubt, Retry
from drawdown.engine.ports import KnownId, StateWrite
from drawdown.local.stack import LocalStack

ONE = Cursor(1, b"a" * 16, 10, 3)
TWO = Cursor(2, b"b" * 16, 20, 6)
ID_A, ID_B = b"A" * 16, b"B" * 16


@pytest.fixture
async def redis(stack: LocalStack) -> AsyncIterator[Redis]:
    client = Redis.from_url(stack.addresses.redis)
    yield client
    await client.aclose()


@pytest.fixture
def cache(redis: Redis, prefix: str) -> RedisCache:
    return RedisCache(redis, "tally", prefix)


async def test_an_empty_shard_is_at_genesis(cache: RedisCache) -> None:
    assert await cache.cursor(0) == GENESIS
    found = await cache.look_up(0, [ID_A], ["x"])
    assert (found.cursor, found.known, found.states) == (GENESIS, {}, [None])


async def test_what_is_applied_is_looked_up(cache: RedisCache) -> None:
    states = [StateWrite("x", 1, b"state", 50)]
    ids = [KnownId(ID_A, b"content1", 0), KnownId(ID_B, b"content2result", 9 * ID_BUCKET_MS)]
    assert await cache.apply(0, GENESIS, ONE, states, ids)
    found = await cache.look_up(0, [b"C" * 16, ID_B, ID_A], ["y", "x"])
    assert found.cursor == ONE
    assert found.known == {1: b"content2result", 2: b"content1"}
    assert found.states == [None, b"state"]


async def test_an_apply_on_another_cursor_changes_nothing(cache: RedisCache) -> None:
    assert await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", None)], [])
    assert not await cache.apply(0, GENESIS, TWO, [StateWrite("x", 2, b"two", None)], [KnownId(ID_A, b"c" * 8, 0)])
    assert not await cache.apply(0, TWO, TWO, [], [])
    found = await cache.look_up(0, [ID_A], ["x"])
    assert (found.cursor, found.known, found.states) == (ONE, {}, [b"one"])


async def test_an_apply_that_cannot_succeed_whole_writes_nothing(cache: RedisCache, redis: Redis, prefix: str) -> None:
    await redis.set(f"{prefix}{{tally:0}}:due", "not a zset")
    with pytest.raises(Doubt) as raised:
        await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", 5)], [])
    assert raised.value.rebuild
    found = await cache.look_up(0, [], ["x"])
    assert (found.cursor, found.states) == (GENESIS, [None])


async def test_shards_are_apart(cache: RedisCache) -> None:
    assert await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", None)], [])
    assert (await cache.look_up(1, [], ["x"])).states == [None]


async def test_an_edited_state_is_in_doubt(cache: RedisCache, redis: Redis, prefix: str) -> None:
    await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", None)], [])
    sealed = await redis.hget(f"{prefix}{{tally:0}}:states", "x")
    assert isinstance(sealed, bytes)
    await redis.hset(f"{prefix}{{tally:0}}:states", "x", sealed[:-1] + b"!")
    with pytest.raises(Doubt) as raised:
        await cache.look_up(0, [], ["x"])
    assert raised.value.rebuild


async def test_a_rebuild_replaces_all(cache: RedisCache) -> None:
    await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", 7)], [KnownId(ID_A, b"c" * 8, 0)])
    token = await cache.begin_rebuild(0)
    assert await cache.cursor(0) == GENESIS
    assert await cache.load(0, token, [StateWrite("y", 2, b"two", 9)], [KnownId(ID_B, b"d" * 8, 0)])
    assert await cache.finish_rebuild(0, token, TWO)
    found = await cache.look_up(0, [ID_A, ID_B], ["x", "y"])
    assert (found.cursor, found.known, found.states) == (TWO, {1: b"d" * 8}, [None, b"two"])
    assert await cache.due(0, 100, 10) == [("y", 9)]


async def test_only_the_newest_rebuild_may_write(cache: RedisCache) -> None:
    old = await cache.begin_rebuild(0)
    new = await cache.begin_rebuild(0)
    assert not await cache.load(0, old, [StateWrite("x", 1, b"one", None)], [])
    assert not await cache.finish_rebuild(0, old, ONE)
    assert await cache.finish_rebuild(0, new, TWO)
    assert await cache.cursor(0) == TWO


async def test_a_first_apply_does_not_slip_into_a_rebuild(cache: RedisCache) -> None:
    await cache.begin_rebuild(0)
    assert not await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", None)], [])


async def test_due_times_come_in_order_and_go_with_none(cache: RedisCache) -> None:
    writes = [StateWrite("x", 1, b"s", 30), StateWrite("y", 1, b"s", 10), StateWrite("z", 1, b"s", 99)]
    await cache.apply(0, GENESIS, ONE, writes, [])
    assert await cache.due(0, 50, 10) == [("y", 10), ("x", 30)]
    assert await cache.due(0, 50, 1) == [("y", 10)]
    await cache.apply(0, ONE, TWO, [StateWrite("y", 2, b"s", None)], [])
    assert await cache.due(0, 50, 10) == [("x", 30)]


async def test_ids_are_forgotten_by_whole_buckets_that_have_passed(cache: RedisCache) -> None:
    ids = [KnownId(ID_A, b"c" * 8, 5), KnownId(ID_B, b"d" * 8, ID_BUCKET_MS + 5)]
    await cache.apply(0, GENESIS, ONE, [], ids)
    assert await cache.forget(0, ID_BUCKET_MS - 1) == 0
    assert await cache.forget(0, ID_BUCKET_MS) == 1
    assert (await cache.look_up(0, [ID_A, ID_B], [])).known == {1: b"d" * 8}


async def test_a_redis_that_does_not_answer_is_tried_again() -> None:
    nobody = RedisCache(Redis(host="127.0.0.1", port=1), "tally")
    with pytest.raises(Retry):
        await nobody.cursor(0)


async def test_thousands_of_ids_and_states_fit_one_look_up(cache: RedisCache) -> None:
    ids = [KnownId(index.to_bytes(16, "big"), b"c" * 8, 0) for index in range(9_000)]
    states = [StateWrite(f"a{index}", 1, b"s", None) for index in range(9_000)]
    assert await cache.apply(0, GENESIS, ONE, states, ids)
    found = await cache.look_up(0, [known.identity for known in ids], [write.account for write in states])
    assert len(found.known) == 9_000
    assert found.states == [b"s"] * 9_000
