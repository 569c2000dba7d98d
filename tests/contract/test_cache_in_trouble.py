"""What can happen to a Redis, over the Cache port: it is noticed, and nothing is written by halves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.support.caches import ALREADY_THERE, ID_A, ID_B, ONE, TWO, Harm, RedisHarm, a_fresh_place

from drawdown.adapters.redis.cache import RedisCache
from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.commit import GENESIS
from drawdown.engine.errors import Doubt, Retry
from drawdown.engine.ports import Cache, Inventory, KnownId, Sample, StateWrite, Swapped
from drawdown.local.stack import LocalStack

# --- what the scrub asks ---------------------------------------------------------------------


async def test_an_inventory_counts_what_is_held(cache: Cache) -> None:
    assert await cache.inventory(0) == Inventory(GENESIS, 0, 0, {})
    states = [StateWrite("x", 1, b"one", 50), StateWrite("y", 1, b"two", None)]
    ids = [KnownId(ID_A, b"c" * 8, 5), KnownId(ID_B, b"d" * 8, 6), KnownId(b"C" * 16, b"e" * 8, ID_BUCKET_MS)]
    await cache.apply(0, GENESIS, ONE, states, ids)
    assert await cache.inventory(0) == Inventory(ONE, 2, 1, {0: 2, 1: 1})
    await cache.forget(0, ID_BUCKET_MS)
    assert (await cache.inventory(0)).ids == {1: 1}
    assert await cache.inventory(1) == Inventory(GENESIS, 0, 0, {})


async def test_a_sample_holds_states_with_number_and_due_time_and_ids_of_their_buckets(cache: Cache) -> None:
    states = [StateWrite("x", 1, b"one", 1_767_225_600_123), StateWrite("y", 1, b"two", None)]
    known = [KnownId(ID_A, b"c" * 8, 5), KnownId(ID_B, b"d" * 8 + b"result", ID_BUCKET_MS)]
    await cache.apply(0, GENESIS, ONE, states, known)
    sample = await cache.sample(0, ["y", "nobody", "x"], [known[1], KnownId(b"C" * 16, b"", 5), known[0]])
    assert sample == Sample(ONE, [states[1], None, states[0]], [known[1].value, None, known[0].value])
    elsewhere = [KnownId(ID_A, b"c" * 8, ID_BUCKET_MS), KnownId(ID_B, b"d" * 8, 9 * ID_BUCKET_MS)]
    assert (await cache.sample(0, [], elsewhere)).ids == [None, None]
    assert await cache.sample(1, ["x"], [known[0]]) == Sample(GENESIS, [None], [None])
    assert await cache.sample(0, [], []) == Sample(ONE, [], [])


async def test_thousands_fit_one_sample(cache: Cache) -> None:
    states = [StateWrite(f"a{index}", 1, b"s", index) for index in range(5_000)]
    ids = [KnownId(index.to_bytes(16, "big"), b"c" * 8, index % 3 * ID_BUCKET_MS) for index in range(5_000)]
    await cache.apply(0, GENESIS, ONE, states, ids)
    sample = await cache.sample(0, [write.account for write in states], ids)
    assert sample == Sample(ONE, list(states), [b"c" * 8] * 5_000)


async def test_an_edited_state_is_in_doubt_in_a_sample(harm: Harm) -> None:
    await harm.cache.apply(0, GENESIS, ONE, [ALREADY_THERE], [])
    await harm.edit_state("x")
    with pytest.raises(Doubt, match="x in Redis does not match its checksum") as raised:
        await harm.cache.sample(0, ["x"], [])
    assert raised.value.rebuild


# --- what can happen to it -------------------------------------------------------------------


async def test_an_edited_state_is_in_doubt_until_it_is_written_anew(harm: Harm) -> None:
    cache = harm.cache
    await cache.apply(0, GENESIS, ONE, [ALREADY_THERE, StateWrite("y", 1, b"why", None)], [])
    await harm.edit_state("x")
    with pytest.raises(Doubt, match="x in Redis does not match its checksum") as raised:
        await cache.look_up(0, [], ["y", "x"])
    assert raised.value.rebuild
    assert (await cache.look_up(0, [], ["y"])).states == [b"why"]
    await cache.apply(0, ONE, TWO, [StateWrite("x", 2, b"two", None)], [])
    assert (await cache.look_up(0, [], ["x"])).states == [b"two"]


async def test_an_edited_cursor_is_in_doubt_and_a_rebuild_mends_it(harm: Harm) -> None:
    cache = harm.cache
    await cache.apply(0, GENESIS, ONE, [ALREADY_THERE], [])
    await harm.edit_cursor()
    for call in (cache.cursor(0), cache.look_up(0, [], ["x"])):
        with pytest.raises(Doubt, match="cursor in Redis is not one") as raised:
            await call
        assert raised.value.rebuild
    assert not await cache.apply(0, ONE, TWO, [], [])
    token = await cache.begin_rebuild(0)
    assert await cache.finish_rebuild(0, token, TWO)
    assert await cache.cursor(0) == TWO


async def test_a_wiped_shard_is_at_genesis_and_takes_no_late_write(harm: Harm) -> None:
    cache = harm.cache
    await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", 4)], [KnownId(ID_A, b"c" * 8, 0)])
    await harm.wipe()
    found = await cache.look_up(0, [ID_A], ["x"])
    assert (found.cursor, found.known, found.states) == (GENESIS, {}, [None])
    assert await cache.due(0, 100, 10) == []
    assert not await cache.apply(0, ONE, TWO, [ALREADY_THERE], [])


async def test_a_rebuild_whose_token_was_wiped_cannot_end(harm: Harm) -> None:
    token = await harm.cache.begin_rebuild(0)
    await harm.wipe()
    assert not await harm.cache.load(0, token, [ALREADY_THERE], [])
    assert not await harm.cache.finish_rebuild(0, token, ONE)


@pytest.mark.parametrize("kept_before", ["beginning", "states", "ids"])
async def test_a_fresh_place_of_which_redis_lost_a_chunk_is_not_swapped_in(harm: Harm, kept_before: str) -> None:
    if kept_before == "beginning":
        await harm.keep()
    token = await harm.cache.begin_stage(0)
    for chunk in ("states", "ids"):
        if chunk == kept_before:
            await harm.keep()
        states = [ALREADY_THERE] if chunk == "states" else []
        ids = [KnownId(ID_A, b"c" * 8, 0)] if chunk == "ids" else []
        assert await harm.cache.stage(0, token, states, ids)
    await harm.go_back()
    assert not await harm.cache.stage(0, token, [], [KnownId(ID_B, b"c" * 8, 0)])
    assert await harm.cache.swap(0, token, ONE, GENESIS) is Swapped.LOST
    assert await harm.cache.inventory(0) == Inventory(GENESIS, 0, 0, {})


@pytest.mark.parametrize("kept_before", ["states", "ids"])
async def test_a_rebuild_of_which_redis_lost_a_chunk_cannot_end(harm: Harm, kept_before: str) -> None:
    token = await harm.cache.begin_rebuild(0)
    for chunk in ("states", "ids"):
        if chunk == kept_before:
            await harm.keep()
        states = [ALREADY_THERE] if chunk == "states" else []
        ids = [KnownId(ID_A, b"c" * 8, 0)] if chunk == "ids" else []
        assert await harm.cache.load(0, token, states, ids)
    await harm.go_back()
    assert not await harm.cache.load(0, token, [], [KnownId(ID_B, b"c" * 8, 0)])
    assert not await harm.cache.finish_rebuild(0, token, ONE)
    assert await harm.cache.cursor(0) == GENESIS


async def test_nothing_is_decided_on_a_rebuild_under_way(cache: Cache) -> None:
    token = await cache.begin_rebuild(0)
    assert await cache.load(0, token, [ALREADY_THERE], [])
    with pytest.raises(Doubt, match="a rebuild is under way"):
        await cache.look_up(0, [ID_A], ["x"])
    assert await cache.finish_rebuild(0, token, ONE)
    assert (await cache.look_up(0, [ID_A], ["x"])).cursor == ONE


class Held(RedisCache):
    """Another worker's cache, that stands still in the middle of the beginning of a rebuild."""

    def held_by(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        scan = self._redis.scan_iter

        async def scan_iter(**options: Any) -> AsyncIterator[bytes]:
            await meanwhile()
            async for key in scan(**options):
                yield key

        self._redis.scan_iter = scan_iter


async def test_a_rebuild_that_stood_still_deletes_nothing_of_a_newer_one(
    real: RedisHarm, stack: LocalStack, prefix: str
) -> None:
    async def meanwhile() -> None:
        token = await real.cache.begin_rebuild(0)
        assert await real.cache.load(0, token, [ALREADY_THERE], [KnownId(ID_A, b"c" * 8, 0)])
        assert await real.cache.finish_rebuild(0, token, ONE)

    async with Redis.from_url(stack.addresses.redis) as other:
        paused = Held(other, "tally", prefix)
        paused.held_by(meanwhile)
        token = await paused.begin_rebuild(0)
        assert not await paused.load(0, token, [], [KnownId(ID_B, b"c" * 8, 0)])
        assert not await paused.finish_rebuild(0, token, TWO)
    found = await real.cache.look_up(0, [ID_A, ID_B], ["x"])
    assert (found.cursor, found.known, found.states) == (ONE, {0: b"c" * 8}, [b"one"])


async def test_a_rebuild_by_hand_that_stood_still_deletes_nothing_of_a_newer_one(
    real: RedisHarm, stack: LocalStack, prefix: str
) -> None:
    token = b""

    async def meanwhile() -> None:
        nonlocal token
        token = await real.cache.begin_stage(0)
        assert await real.cache.stage(0, token, [ALREADY_THERE], [KnownId(ID_A, b"c" * 8, 0)])

    async with Redis.from_url(stack.addresses.redis) as other:
        paused = Held(other, "tally", prefix)
        paused.held_by(meanwhile)
        old = await paused.begin_stage(0)
        assert not await paused.stage(0, old, [], [KnownId(ID_B, b"c" * 8, 0)])
        assert await paused.swap(0, old, TWO, GENESIS) is Swapped.LOST
    assert await real.cache.swap(0, token, ONE, GENESIS) is Swapped.DONE
    found = await real.cache.look_up(0, [ID_A, ID_B], ["x"])
    assert (found.cursor, found.known, found.states) == (ONE, {0: b"c" * 8}, [b"one"])


async def test_a_first_apply_does_not_slip_into_the_beginning_of_a_rebuild(
    real: RedisHarm, stack: LocalStack, prefix: str
) -> None:
    async def meanwhile() -> None:
        assert not await real.cache.apply(0, GENESIS, ONE, [ALREADY_THERE], [])

    async with Redis.from_url(stack.addresses.redis) as other:
        paused = Held(other, "tally", prefix)
        paused.held_by(meanwhile)
        token = await paused.begin_rebuild(0)
        assert await paused.finish_rebuild(0, token, TWO)


async def test_a_redis_that_does_not_answer_is_tried_again(harm: Harm) -> None:
    cache = await harm.disconnect()
    for call in (
        cache.cursor(0),
        cache.look_up(0, [ID_A], ["x"]),
        cache.apply(0, GENESIS, ONE, [], []),
        cache.begin_rebuild(0),
        cache.load(0, b"t" * 16, [], []),
        cache.finish_rebuild(0, b"t" * 16, ONE),
        cache.due(0, 1, 1),
        cache.forget(0, 1),
        cache.inventory(0),
        cache.begin_stage(0),
        cache.stage(0, b"t" * 16, [], []),
        cache.swap(0, b"t" * 16, ONE, GENESIS),
        cache.sample(0, ["x"], []),
    ):
        with pytest.raises(Retry, match="Redis cannot be used now"):
            await call


async def test_an_apply_that_cannot_succeed_whole_writes_nothing(real: RedisHarm) -> None:
    await real.redis.set(real.key("due"), "not a zset")
    with pytest.raises(Doubt) as raised:
        await real.cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", 5)], [])
    assert raised.value.rebuild
    found = await real.cache.look_up(0, [], ["x"])
    assert (found.cursor, found.states) == (GENESIS, [None])


@pytest.mark.parametrize("name", ["cursor", "states", "due", "token", "buckets"])
async def test_a_rebuild_mends_a_key_of_a_wrong_type(real: RedisHarm, name: str) -> None:
    await real.redis.rpush(real.key(name), "a list")
    token = await real.cache.begin_rebuild(0)
    assert await real.cache.load(0, token, [StateWrite("x", 1, b"one", 5)], [KnownId(ID_A, b"c" * 8, 0)])
    assert await real.cache.finish_rebuild(0, token, ONE)
    assert (await real.cache.look_up(0, [ID_A], ["x"])).known == {0: b"c" * 8}


@pytest.mark.parametrize("name", ["cursor", "states", "due", "buckets", "ids:0"])
async def test_a_swap_mends_a_key_of_a_wrong_type(real: RedisHarm, name: str) -> None:
    token = await a_fresh_place(real.cache)
    await real.redis.unlink(real.key(name))
    await real.redis.rpush(real.key(name), "a list")
    if name == "cursor":
        assert await real.cache.swap(0, token, TWO, ONE) is Swapped.MOVED
    assert await real.cache.swap(0, token, TWO, None if name == "cursor" else ONE) is Swapped.DONE
    assert await real.cache.inventory(0) == Inventory(TWO, 1, 1, {0: 1, 1: 1})
    assert [key async for key in real.redis.scan_iter(match=real.key("new:*"))] == []


@pytest.mark.parametrize("name", ["cursor", "states", "due", "buckets"])
async def test_a_key_of_a_wrong_type_is_in_doubt_when_it_is_counted(real: RedisHarm, name: str) -> None:
    await real.cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", 5)], [KnownId(ID_A, b"c" * 8, 0)])
    await real.redis.unlink(real.key(name))
    await real.redis.rpush(real.key(name), "a list")
    with pytest.raises(Doubt) as raised:
        await real.cache.inventory(0)
    assert raised.value.rebuild


async def test_names_that_nobody_of_ours_wrote_are_in_doubt(real: RedisHarm) -> None:
    await real.cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", 5)], [])
    await real.redis.sadd(real.key("buckets"), "a bucket")
    await real.redis.zadd(real.key("due"), {b"\xff": 1})
    for call in (real.cache.inventory(0), real.cache.forget(0, 9 * ID_BUCKET_MS), real.cache.due(0, 9, 9)):
        with pytest.raises(Doubt, match="in Redis is no") as raised:
            await call
        assert raised.value.rebuild


async def test_ids_in_a_bucket_that_no_look_up_asks_are_not_there(real: RedisHarm) -> None:
    known = KnownId(ID_A, b"c" * 8, 0)
    await real.cache.apply(0, GENESIS, ONE, [], [known])
    await real.redis.srem(real.key("buckets"), real.key("ids:0"))
    assert (await real.cache.look_up(0, [ID_A], [])).known == {}
    assert (await real.cache.sample(0, [], [known])).ids == [None]
    assert (await real.cache.inventory(0)).ids == {}


async def test_a_redis_that_is_full_is_tried_again(real: RedisHarm, stack: LocalStack) -> None:
    if stack.redis is None:
        pytest.skip("the limit of a Redis that is not ours is not changed")
    await real.redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(Retry):
            await real.cache.apply(0, GENESIS, ONE, [ALREADY_THERE], [])
    finally:
        await real.redis.config_set("maxmemory", 0)
    assert await real.cache.apply(0, GENESIS, ONE, [ALREADY_THERE], [])
