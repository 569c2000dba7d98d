"""Inputs lead to outputs once: duplicates, conflicts, refusals, misplaced keys, order."""

import asyncio

import pytest
from tests.support.engine import INPUTS, A, B, Worker, World, account

from drawdown.domain.limits import QUEUE_RECORDS_MAX, REJECTS_SHARE_WINDOW, TAKE_RECORDS_MAX
from drawdown.engine.errors import Halt
from drawdown.engine.records import Batch, OutRecord, Record


async def test_every_input_leads_to_one_output_in_order(world: World) -> None:
    worker = await world.start()
    for number in range(5):
        world.add(A, f"a{number}", number)
    world.add(B, "b0", 7)
    await world.settled()
    assert world.totals(A) == [("a0", 0, 1), ("a1", 1, 2), ("a2", 3, 3), ("a3", 6, 4), ("a4", 10, 5)]
    assert world.totals(B) == [("b0", 7, 1)]
    assert (worker.runtime.counts.taken, worker.runtime.counts.rated) == (6, 6)


async def test_what_waits_before_the_start_is_taken_too(world: World) -> None:
    world.add(A, "early", 3)
    await world.start()
    await world.settled()
    assert world.totals() == [("early", 3, 1)]


async def test_outputs_carry_the_key_of_their_input(world: World) -> None:
    await world.start()
    world.add(B, "b", 7)
    await world.settled()
    assert [entry.key for entry in world.broker.committed("totals", 1)] == [B.encode()]


async def test_a_state_lives_on_from_take_to_take_and_from_owner_to_owner(world: World) -> None:
    first = await world.start()
    world.add(A, "one", 1)
    await world.settled()
    world.add(A, "two", 2)
    await world.settled()
    await first.revoke(0, 1)
    await world.start()
    world.add(A, "three", 3)
    await world.settled()
    assert world.totals(A) == [("one", 1, 1), ("two", 3, 2), ("three", 6, 3)]
    assert world.states() == {A: b"[6, 3, 0]"}


# --- ids -------------------------------------------------------------------------------------


async def test_a_duplicate_within_a_take_is_dropped(world: World) -> None:
    world.add(A, "one", 1)
    world.add(A, "one", 1)
    worker = await world.start()
    await world.settled()
    assert worker.runtime.counts.transactions == 1
    assert worker.runtime.counts.duplicates == 1
    assert world.totals() == [("one", 1, 1)]
    assert world.dead_letters() == []


async def test_a_duplicate_of_an_earlier_take_is_dropped(world: World) -> None:
    worker = await world.start()
    world.add(A, "one", 1)
    await world.settled()
    world.add(A, "one", 1)
    await world.settled()
    assert worker.runtime.counts.transactions == 2
    assert worker.runtime.counts.duplicates == 1
    assert world.totals() == [("one", 1, 1)]


async def test_a_duplicate_in_another_topic_is_dropped(world: World) -> None:
    worker = await world.start()
    world.add(A, "one", 1)
    await world.settled()
    world.add(A, "one", 1, topic="adds-late")
    await world.settled()
    assert worker.runtime.counts.duplicates == 1
    assert world.totals() == [("one", 1, 1)]


async def test_a_duplicate_is_known_to_the_next_owner(world: World) -> None:
    first = await world.start()
    world.add(A, "one", 1)
    await world.settled()
    await first.revoke(0, 1)
    second = await world.start()
    world.add(A, "one", 1)
    await world.settled()
    assert second.runtime.counts.duplicates == 1
    assert world.totals() == [("one", 1, 1)]


@pytest.mark.parametrize("together", [True, False])
async def test_an_id_with_other_content_goes_to_the_dead_letters(world: World, together: bool) -> None:
    worker = await world.start()
    world.add(A, "one", 1)
    if not together:
        await world.settled()
    world.add(A, "one", 2)
    await world.settled()
    assert world.totals() == [("one", 1, 1)]
    assert world.dead_letters() == [("id_conflict", b'{"id": "one", "add": 2}')]
    assert worker.runtime.counts.rejected == {"id_conflict": 1}


# --- refusals --------------------------------------------------------------------------------


async def test_bad_inputs_go_to_the_dead_letters_and_the_rest_goes_on(world: World) -> None:
    worker = await world.start()
    world.add(A, "one", 1)
    world.broker.append("adds", 0, A.encode(), b"{")
    world.add(A, "two", -5)
    world.broker.append("adds", 0, None, b"{}")
    world.add(A, "three", 3)
    await world.settled()
    assert world.totals() == [("one", 1, 1), ("three", 4, 2)]
    assert world.dead_letters() == [
        ("not_json", b"{"),
        ("missing_key", b"{}"),
        ("negative_quantity", b'{"id": "two", "add": -5}'),
    ]
    assert worker.runtime.counts.rejected == {"not_json": 1, "missing_key": 1, "negative_quantity": 1}


async def test_a_refused_id_may_come_again(world: World) -> None:
    await world.start()
    world.add(A, "one", -1)
    await world.settled()
    world.add(A, "one", 1)
    await world.settled()
    assert world.totals() == [("one", 1, 1)]
    assert [reason for reason, _ in world.dead_letters()] == ["negative_quantity"]


async def test_when_nearly_all_is_refused_the_worker_halts_before_it_writes_them(world: World) -> None:
    worker = await world.start()
    for number in range(REJECTS_SHARE_WINDOW):
        world.add(A, f"bad-{number}", -1)
    failure = await world.fails(worker)
    assert isinstance(failure, Halt)
    assert "1000 of the last 1000 inputs were refused (newest reasons: negative_quantity)" in str(failure)
    assert world.dead_letters() == []
    assert worker.runtime.open_shards == {1}


async def test_many_refusals_among_good_inputs_do_not_halt(world: World) -> None:
    await world.start()
    for number in range(REJECTS_SHARE_WINDOW):
        world.add(A, f"id-{number}", 1 if number % 10 == 0 else -1)
    await world.settled()
    assert len(world.totals()) == REJECTS_SHARE_WINDOW // 10
    assert len(world.dead_letters()) == REJECTS_SHARE_WINDOW * 9 // 10


async def test_a_mistake_in_the_ledger_halts_and_commits_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        msg = "a mistake"
        raise ZeroDivisionError(msg)

    worker = await world.start()
    monkeypatch.setattr("tests.support.engine.LEDGER.decide", broken)
    world.add(A, "one", 1)
    assert isinstance(await world.fails(worker), ZeroDivisionError)
    assert world.totals() == []
    assert world.newest_commit(0) is None


# --- misplaced keys --------------------------------------------------------------------------


async def test_a_misplaced_input_is_forwarded_and_rated_by_its_shard(world: World) -> None:
    worker = await world.start()
    world.add(A, "right", 1)
    await world.settled()
    world.add(A, "lost", 2, to=1)
    await world.until(lambda: len(world.totals()) == 2)
    assert world.totals(A) == [("right", 1, 1), ("lost", 3, 2)]
    assert len(world.broker.committed("totals", 0)) == 2
    assert worker.runtime.counts.forwarded == 1
    assert world.dead_letters() == []


async def test_a_misplaced_duplicate_is_dropped_by_its_shard(world: World) -> None:
    worker = await world.start()
    world.add(A, "one", 1)
    world.add(A, "one", 1, to=1)
    await world.until(lambda: worker.runtime.counts.duplicates == 1)
    await world.settled()
    assert world.totals() == [("one", 1, 1)]


async def test_a_forwarded_record_is_the_same_record(world: World) -> None:
    await world.start()
    world.broker.append("adds-late", 1, A.encode(), b'{"id": "x", "add": 1}', headers=(("trace", b"7"),))
    await world.until(lambda: len(world.totals()) == 1)
    (entry,) = world.broker.committed("adds-late", 0)
    assert (entry.key, entry.value, entry.headers) == (A.encode(), b'{"id": "x", "add": 1}', (("trace", b"7"),))


# --- what the transport delivers -------------------------------------------------------------


async def test_more_than_a_queue_holds_is_throttled_and_then_taken(world: World) -> None:
    worker = await world.start()
    worker.transport.records_max = 1_000
    worker.held = asyncio.Event()
    count = QUEUE_RECORDS_MAX + TAKE_RECORDS_MAX + 1_500
    for number in range(count):
        world.add(A, f"id-{number}", 1)
    await world.until(lambda: 0 in worker.transport.throttled)
    worker.held.set()
    await world.settled()
    assert worker.transport.throttled == frozenset()
    assert world.states() == {A: b"[%d, %d, 0]" % (count, count)}


async def test_a_stale_batch_is_dropped(world: World) -> None:
    worker = await world.start()
    stale = Record("adds", 0, 0, 1, A.encode(), b'{"id": "stale", "add": 1}')
    worker.runtime.deliver(Batch(0, 0, [stale], {"adds": 0}, {"adds": 1}))
    worker.runtime.deliver(Batch(7, 1, [stale], {"adds": 0}, {"adds": 1}))
    assert worker.runtime.counts.stale_batches == 2
    world.add(A, "fresh", 1)
    await world.settled()
    assert world.totals() == [("fresh", 1, 1)]


async def test_a_gap_between_batches_halts(world: World) -> None:
    worker = await world.start()
    worker.runtime.deliver(Batch(0, 1, [], {"adds": 3}, {"adds": 4}))
    failure = await world.fails(worker)
    assert isinstance(failure, Halt)
    assert "adds/0 was fetched from 3, after a fetch that ended at 0" in str(failure)


async def test_an_input_that_cannot_be_read_halts(world: World) -> None:
    worker = await world.start()
    world.add(A, "one", 1)
    await world.settled()
    world.broker.recreate("adds")
    world.add(B, "two", 1)
    failure = await world.fails(worker)
    assert isinstance(failure, Halt)
    assert "cannot be read" in str(failure)


async def test_positions_are_committed_for_lag_tools(world: World) -> None:
    worker = await world.start()
    world.add(A, "one", 1)
    world.add(A, "two", 1, topic="adds-late")
    await world.settled()
    await world.pass_time(10_000)
    assert worker.transport.committed[0] == dict(zip(INPUTS, (0, 1, 1), strict=True))


async def test_a_take_that_the_agent_forgets_stops_the_worker_and_is_not_committed(world: World) -> None:
    worker = await world.start()
    worker._agent.cancel()
    await asyncio.sleep(0)
    agent = asyncio.ensure_future(_forget(worker))
    world.add(account(0, 3), "one", 1)
    failure = await world.fails(worker)
    assert isinstance(failure, Halt)
    assert "shard 0: the agent gave a take back without rating it" in str(failure)
    assert worker.runtime.counts.transactions == 0
    await agent


async def _forget(worker: Worker) -> None:
    async for _ in worker.runtime.takes(worker.transport.batches()):
        pass


async def test_commands_on_the_log_at_the_opening_are_taken_before_any_usage(world: World) -> None:
    world.add(A, "add")
    for number in range(200):
        world.set(A, f"set-{number}", number)
    worker = world.worker()
    worker.transport.records_max = 1  # of one fetch: the last command comes long after the first usage could
    await world.start(worker)
    await world.settled()
    assert world.totals(A)[-2:] == [("set-199", 199, 200), ("add", 200, 201)]
    world.add(A, "later")
    await world.settled()
    assert world.totals(A)[-1] == ("later", 201, 202)


async def test_commands_of_which_only_the_end_of_a_transaction_is_left_hold_up_nothing(world: World) -> None:
    world.broker.append("tally-commands", world.place(A), None, b"{", timestamp=None)
    aborted = world.broker.begin("someone", world.broker.fence("someone"))
    record = OutRecord("tally-commands", world.place(A), A.encode(), b"{}")
    world.broker.append_to(aborted, "someone", 1, [record])
    world.broker.end(aborted, "someone", 1, committed=False)
    world.add(A, "add")
    await world.start()
    await world.settled()
    assert world.totals(A) == [("add", 1, 1)]
