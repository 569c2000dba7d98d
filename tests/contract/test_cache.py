"""The Cache port, in memory and over Redis: conditional, atomic, checked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry as Retrying
from redis.backoff import NoBackoff

from drawdown.adapters.redis.cache import RedisCache
from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.commit import GENESIS, Cursor
from drawdown.engine.errors import Doubt, Retry
from drawdown.engine.memory.cache import MemoryCache
from drawdown.engine.ports import Cache, Inventory, KnownId, Sample, StateWrite, Swapped
from drawdown.local.stack import LocalStack

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


@pytest.fixture
async def real(stack: LocalStack, prefix: str) -> AsyncIterator[RedisHarm]:
    async with Redis.from_url(stack.addresses.redis) as redis:
        yield RedisHarm(redis, prefix)


@pytest.fixture
async def harm(servers: LocalStack | None, prefix: str) -> AsyncIterator[Harm]:
    if servers is None:
        yield MemoryHarm()
        return
    async with Redis.from_url(servers.addresses.redis) as redis:
        yield RedisHarm(redis, prefix)


@pytest.fixture
def cache(harm: Harm) -> Cache:
    return harm.cache


# --- apply and look up -----------------------------------------------------------------------


async def test_an_empty_shard_is_at_genesis(cache: Cache) -> None:
    assert await cache.cursor(0) == GENESIS
    found = await cache.look_up(0, [ID_A], ["x"])
    assert (found.cursor, found.known, found.states) == (GENESIS, {}, [None])


async def test_a_look_up_of_nothing_gives_the_cursor(cache: Cache) -> None:
    assert await cache.apply(0, GENESIS, ONE, [ALREADY_THERE], [])
    found = await cache.look_up(0, [], [])
    assert (found.cursor, found.known, found.states) == (ONE, {}, [])


async def test_what_is_applied_is_looked_up(cache: Cache) -> None:
    states = [StateWrite("x", 1, b"state", 50)]
    ids = [KnownId(ID_A, b"content1", 0), KnownId(ID_B, b"content2result", 9 * ID_BUCKET_MS)]
    assert await cache.apply(0, GENESIS, ONE, states, ids)
    found = await cache.look_up(0, [b"C" * 16, ID_B, ID_A], ["y", "x"])
    assert found.cursor == ONE
    assert found.known == {1: b"content2result", 2: b"content1"}
    assert found.states == [None, b"state"]


async def test_an_identity_asked_twice_is_found_twice(cache: Cache) -> None:
    await cache.apply(0, GENESIS, ONE, [], [KnownId(ID_A, b"content1", 0)])
    assert (await cache.look_up(0, [ID_A, ID_B, ID_A], [])).known == {0: b"content1", 2: b"content1"}


async def test_a_later_apply_replaces_a_state_and_keeps_the_others(cache: Cache) -> None:
    await cache.apply(0, GENESIS, ONE, [ALREADY_THERE, StateWrite("y", 1, b"why", None)], [])
    assert await cache.apply(0, ONE, TWO, [StateWrite("x", 2, b"two", None)], [])
    assert (await cache.look_up(0, [], ["x", "y"])).states == [b"two", b"why"]


async def test_names_and_bytes_of_any_kind_come_back_as_they_were(cache: Cache) -> None:
    value = bytes(range(256))
    assert await cache.apply(0, GENESIS, ONE, [StateWrite("Công ty {1}:\n", 1, value, 1)], [])
    assert (await cache.look_up(0, [], ["Công ty {1}:\n"])).states == [value]
    assert await cache.due(0, 1, 1) == [("Công ty {1}:\n", 1)]


async def test_an_apply_on_another_cursor_changes_nothing(cache: Cache) -> None:
    assert await cache.apply(0, GENESIS, ONE, [ALREADY_THERE], [])
    assert not await cache.apply(0, GENESIS, TWO, [StateWrite("x", 2, b"two", 9)], [KnownId(ID_A, b"c" * 8, 0)])
    assert not await cache.apply(0, TWO, TWO, [], [])
    found = await cache.look_up(0, [ID_A], ["x"])
    assert (found.cursor, found.known, found.states) == (ONE, {}, [b"one"])
    assert await cache.due(0, 100, 10) == []


async def test_the_same_apply_a_second_time_is_refused(cache: Cache) -> None:
    assert await cache.apply(0, GENESIS, ONE, [], [])
    assert await cache.apply(0, ONE, TWO, [], [])
    assert not await cache.apply(0, ONE, TWO, [], [])


async def test_shards_are_apart(cache: Cache) -> None:
    assert await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", 5)], [KnownId(ID_A, b"c" * 8, 0)])
    found = await cache.look_up(1, [ID_A], ["x"])
    assert (found.cursor, found.known, found.states) == (GENESIS, {}, [None])
    await cache.begin_rebuild(1)
    assert await cache.due(1, 100, 10) == []
    assert await cache.forget(1, 9 * ID_BUCKET_MS) == 0
    assert (await cache.look_up(0, [ID_A], ["x"])).states == [b"one"]


async def test_thousands_of_ids_and_states_fit_one_look_up(cache: Cache) -> None:
    ids = [KnownId(index.to_bytes(16, "big"), b"c" * 8, 0) for index in range(9_000)]
    states = [StateWrite(f"a{index}", 1, b"s", None) for index in range(9_000)]
    assert await cache.apply(0, GENESIS, ONE, states, ids)
    found = await cache.look_up(0, [known.identity for known in ids], [write.account for write in states])
    assert len(found.known) == 9_000
    assert found.states == [b"s"] * 9_000


# --- rebuilds --------------------------------------------------------------------------------


async def test_a_rebuild_replaces_all(cache: Cache) -> None:
    await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", 7)], [KnownId(ID_A, b"c" * 8, 0)])
    token = await cache.begin_rebuild(0)
    assert await cache.cursor(0) == GENESIS
    assert await cache.load(0, token, [StateWrite("y", 2, b"two", 9)], [KnownId(ID_B, b"d" * 8, 0)])
    assert await cache.cursor(0) == GENESIS
    assert await cache.finish_rebuild(0, token, TWO)
    found = await cache.look_up(0, [ID_A, ID_B], ["x", "y"])
    assert (found.cursor, found.known, found.states) == (TWO, {1: b"d" * 8}, [None, b"two"])
    assert await cache.due(0, 100, 10) == [("y", 9)]


async def test_a_rebuild_from_an_empty_log_ends_at_genesis(cache: Cache) -> None:
    await cache.apply(0, GENESIS, ONE, [ALREADY_THERE], [])
    token = await cache.begin_rebuild(0)
    assert await cache.finish_rebuild(0, token, GENESIS)
    assert await cache.cursor(0) == GENESIS
    assert await cache.apply(0, GENESIS, ONE, [], [])


async def test_only_the_newest_rebuild_may_write(cache: Cache) -> None:
    old = await cache.begin_rebuild(0)
    new = await cache.begin_rebuild(0)
    assert not await cache.load(0, old, [ALREADY_THERE], [])
    assert not await cache.finish_rebuild(0, old, ONE)
    assert await cache.finish_rebuild(0, new, TWO)
    assert await cache.cursor(0) == TWO
    assert (await cache.look_up(0, [], ["x"])).states == [None]


async def test_a_rebuild_that_ended_cannot_write_any_more(cache: Cache) -> None:
    token = await cache.begin_rebuild(0)
    assert await cache.finish_rebuild(0, token, ONE)
    assert not await cache.load(0, token, [ALREADY_THERE], [])
    assert not await cache.finish_rebuild(0, token, TWO)
    assert await cache.cursor(0) == ONE


async def test_a_first_apply_does_not_slip_into_a_rebuild(cache: Cache) -> None:
    await cache.begin_rebuild(0)
    assert not await cache.apply(0, GENESIS, ONE, [ALREADY_THERE], [])


async def test_a_former_owners_apply_does_not_slip_into_a_rebuild(cache: Cache) -> None:
    await cache.apply(0, GENESIS, ONE, [], [])
    token = await cache.begin_rebuild(0)
    assert not await cache.apply(0, ONE, TWO, [ALREADY_THERE], [])
    assert await cache.load(0, token, [StateWrite("y", 2, b"two", None)], [])
    assert await cache.finish_rebuild(0, token, TWO)
    assert (await cache.look_up(0, [], ["x", "y"])).states == [None, b"two"]


# --- rebuilds beside what readers see ---------------------------------------------------------


async def a_fresh_place(cache: Cache) -> bytes:
    """Fill the shard, then build another content of it in a fresh place."""
    old = [KnownId(ID_A, b"c" * 8, 0), KnownId(ID_A, b"c" * 8, 9 * ID_BUCKET_MS)]
    await cache.apply(0, GENESIS, ONE, [StateWrite("x", 1, b"one", 7)], old)
    token = await cache.begin_stage(0)
    assert await cache.stage(0, token, [StateWrite("y", 2, b"old", None)], [KnownId(ID_B, b"d" * 8, 0)])
    assert await cache.stage(0, token, [StateWrite("y", 2, b"two", 9)], [KnownId(ID_A, b"e" * 8, ID_BUCKET_MS)])
    return token


async def test_a_fresh_place_is_not_seen_until_it_is_swapped_in_whole(cache: Cache) -> None:
    token = await a_fresh_place(cache)
    assert (await cache.look_up(0, [ID_A, ID_B], ["x", "y"])).states == [b"one", None]
    assert await cache.swap(0, token, TWO, ONE) is Swapped.DONE
    found = await cache.look_up(0, [ID_A, ID_B], ["x", "y"])
    assert (found.cursor, found.known, found.states) == (TWO, {0: b"e" * 8, 1: b"d" * 8}, [None, b"two"])
    assert await cache.due(0, 100, 10) == [("y", 9)]
    assert await cache.inventory(0) == Inventory(TWO, 1, 1, {0: 1, 1: 1})
    assert await cache.swap(0, token, TWO, TWO) is Swapped.LOST
    assert not await cache.stage(0, token, [ALREADY_THERE], [])
    assert await cache.apply(0, TWO, Cursor(3, b"c" * 16, 30, 9), [], [KnownId(b"C" * 16, b"f" * 8, 0)])
    assert await cache.forget(0, 2 * ID_BUCKET_MS) == 2


async def test_a_shard_that_moved_on_is_not_swapped_until_it_is_caught_up(cache: Cache) -> None:
    token = await a_fresh_place(cache)
    assert await cache.apply(0, ONE, TWO, [StateWrite("z", 2, b"zed", None)], [])
    assert await cache.swap(0, token, ONE, ONE) is Swapped.MOVED
    assert (await cache.look_up(0, [], ["x", "z"])).states == [b"one", b"zed"]
    assert await cache.stage(0, token, [StateWrite("z", 2, b"zed", None)], [])
    assert await cache.swap(0, token, TWO, TWO) is Swapped.DONE
    assert (await cache.look_up(0, [], ["x", "y", "z"])).states == [None, b"two", b"zed"]


async def test_an_empty_shard_takes_a_fresh_place(harm: Harm) -> None:
    token = await a_fresh_place(harm.cache)
    await harm.wipe()
    assert await harm.cache.swap(0, token, TWO, GENESIS) is Swapped.LOST
    token = await harm.cache.begin_stage(0)
    assert await harm.cache.stage(0, token, [ALREADY_THERE], [])
    assert await harm.cache.swap(0, token, ONE, GENESIS) is Swapped.DONE
    assert await harm.cache.inventory(0) == Inventory(ONE, 1, 0, {})


async def test_of_two_rebuilds_only_the_newest_is_swapped_in(cache: Cache) -> None:
    first = await a_fresh_place(cache)
    second = await cache.begin_stage(0)
    assert not await cache.stage(0, first, [ALREADY_THERE], [])
    assert await cache.swap(0, first, TWO, ONE) is Swapped.LOST
    in_place = await cache.begin_rebuild(0)
    assert await cache.swap(0, second, TWO, ONE) is Swapped.MOVED
    assert await cache.swap(0, second, TWO, GENESIS) is Swapped.DONE
    assert not await cache.load(0, in_place, [ALREADY_THERE], [])
    assert not await cache.finish_rebuild(0, in_place, ONE)
    assert await cache.cursor(0) == TWO


async def test_a_cursor_that_cannot_be_read_is_swapped_away(harm: Harm) -> None:
    token = await a_fresh_place(harm.cache)
    await harm.edit_cursor()
    assert await harm.cache.swap(0, token, TWO, ONE) is Swapped.MOVED
    assert await harm.cache.swap(0, token, TWO, None) is Swapped.DONE
    assert await harm.cache.cursor(0) == TWO


# --- due times and forgetting ----------------------------------------------------------------


async def test_due_times_come_in_order_and_go_with_none(cache: Cache) -> None:
    writes = [StateWrite("x", 1, b"s", 30), StateWrite("y", 1, b"s", 10), StateWrite("z", 1, b"s", 99)]
    await cache.apply(0, GENESIS, ONE, writes, [])
    assert await cache.due(0, 50, 10) == [("y", 10), ("x", 30)]
    assert await cache.due(0, 50, 1) == [("y", 10)]
    assert await cache.due(0, 30, 10) == [("y", 10), ("x", 30)]
    await cache.apply(0, ONE, TWO, [StateWrite("y", 2, b"s", None), StateWrite("x", 2, b"s", 51)], [])
    assert await cache.due(0, 50, 10) == []
    assert await cache.due(0, 51, 10) == [("x", 51)]


async def test_due_times_that_are_equal_come_by_account(cache: Cache) -> None:
    await cache.apply(0, GENESIS, ONE, [StateWrite(name, 1, b"s", 7) for name in ("b", "é", "a", "B")], [])
    assert await cache.due(0, 7, 10) == [("B", 7), ("a", 7), ("b", 7), ("é", 7)]


async def test_ids_are_forgotten_by_whole_buckets_that_have_passed(cache: Cache) -> None:
    ids = [KnownId(ID_A, b"c" * 8, 5), KnownId(ID_B, b"d" * 8, ID_BUCKET_MS + 5)]
    await cache.apply(0, GENESIS, ONE, [ALREADY_THERE], ids)
    assert await cache.forget(0, ID_BUCKET_MS - 1) == 0
    assert await cache.forget(0, ID_BUCKET_MS) == 1
    assert await cache.forget(0, ID_BUCKET_MS) == 0
    found = await cache.look_up(0, [ID_A, ID_B], ["x"])
    assert (found.cursor, found.known, found.states) == (ONE, {1: b"d" * 8}, [b"one"])


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
