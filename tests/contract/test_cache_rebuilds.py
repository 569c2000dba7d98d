"""Rebuilds over the Cache port: in place, and in a fresh place that is swapped in whole."""

from tests.support.caches import ALREADY_THERE, ID_A, ID_B, ONE, TWO, Harm, a_fresh_place

from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.commit import GENESIS, Cursor
from drawdown.engine.ports import Cache, Inventory, KnownId, StateWrite, Swapped

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
