"""The Cache port, in memory and over Redis: conditional, atomic, timers and ids by their time."""

from tests.support.caches import ALREADY_THERE, ID_A, ID_B, ONE, TWO

from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.commit import GENESIS
from drawdown.engine.ports import Cache, KnownId, StateWrite

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
