"""What an account and an event may hold at most, and what is dropped to stay within it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.domain import DAY, HOUR, T0, World, book, container, prices, tokens, tuning
from tests.unit.domain.test_offers_and_payment import Sale, offer

from drawdown.domain import decide, rate
from drawdown.domain.errors import Reject
from drawdown.domain.limits import JOBS_MAX, LINES_MAX, PLANS_CLOSED_KEPT_MAX, PLANS_MAX, PLANS_PAST_MAX
from drawdown.domain.pieces import divide_in_time


def test_an_account_has_at_most_so_many_plans() -> None:
    world = World()
    for number in range(PLANS_MAX):
        world.activate(f"p{number}")
    world.activate("one-more")
    assert world.kinds() == [("command_refused", "too_many_plans")]
    assert world.state is not None
    assert len(world.state.plans) == PLANS_MAX


def test_a_plan_id_is_never_given_twice_even_when_its_plan_is_kept_no_more() -> None:
    world = World()
    for number in range(PLANS_CLOSED_KEPT_MAX + 2):
        world.activate(f"p{number}", "0.000001", end=None)
        world.use(tokens(1, T0 + number))
    world.activate("open")
    assert world.state is not None
    assert "p0" not in {plan.id for plan in world.state.plans}
    world.activate("p0")
    assert world.kinds() == [("command_refused", "plan_exists")]


def test_closed_plans_make_room_the_earliest_activated_first() -> None:
    world = World()
    for number in range(PLANS_CLOSED_KEPT_MAX + 2):
        world.activate(f"p{number}", "0.000001", end=None)
        world.use(tokens(1, T0 + number))
    world.activate("open")
    assert world.state is not None
    assert {plan.id for plan in world.state.plans} == {f"p{n}" for n in range(2, PLANS_CLOSED_KEPT_MAX + 2)} | {"open"}


def test_an_account_has_at_most_so_many_jobs() -> None:
    world = World()
    for number in range(JOBS_MAX):
        world.use(tuning(T0, T0, job=f"ft-{number}"))
    world.use(tuning(T0, T0 + 1, job="ft-0"))
    with pytest.raises(Reject, match="state_too_large"):
        world.use(tuning(T0, T0, job="one-more"))


def test_closed_jobs_that_can_be_forgotten_make_room() -> None:
    world = World()
    for number in range(JOBS_MAX):
        world.use(tuning(T0, T0, job=f"ft-{number}", final=True))
    world.use(tuning(T0 + 4 * DAY, T0 + 4 * DAY, job="one-more"))
    assert world.state is not None
    assert [job.id for job in world.state.jobs] == ["one-more"]


def test_an_event_falls_into_at_most_so_many_pieces() -> None:
    changes = [
        book("on-demand-usd", version=2 + number, since=T0 + HOUR + number, kind="on_demand") for number in range(128)
    ]
    world = World(prices(*changes[:127]))
    _, overage = world.use(container(T0, T0 + DAY, storage=1_000))
    assert overage is not None
    assert len(overage.lines) == 256 <= LINES_MAX
    with pytest.raises(Reject, match="too_many_pieces"):
        World(prices(*changes)).use(container(T0, T0 + DAY, storage=1_000))


def test_a_sum_of_lines_past_the_largest_amount_is_refused() -> None:
    world = World(prices(demand_token="4000000000"))
    world.use(tokens(1_000_000))
    with pytest.raises(Reject, match="amount_too_large"):
        world.use(tokens(2_000_000))


@given(st.integers(0, 10**12), st.lists(st.integers(1, 10**8), min_size=1, max_size=6))
def test_parts_in_time_sum_to_the_whole_and_all_but_the_last_round_down(quantity: int, lengths: list[int]) -> None:
    bounds = [0]
    for length in lengths:
        bounds.append(bounds[-1] + length)
    parts = divide_in_time(quantity, bounds)
    assert sum(parts) == quantity
    assert parts[:-1] == [quantity * (end - start) // bounds[-1] for start, end in pairwise(bounds[:-1])]
    exact_last = quantity * lengths[-1] // bounds[-1]
    assert exact_last <= parts[-1] <= exact_last + len(lengths)


@pytest.mark.interpreted
def test_a_timer_does_so_many_steps_and_the_next_does_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "STEPS_MAX", 2)
    world = World()
    for number in range(3):
        world.activate(f"p{number}", end=T0 + HOUR + number)
    world.timer(T0 + HOUR + 5)
    assert [event.plan for event in world.events()] == ["p0", "p1"]
    world.timer(T0 + HOUR + 5)
    assert [event.plan for event in world.events()] == ["p2"]


def test_an_account_has_at_most_so_many_past_plans() -> None:
    world = Sale()
    assert world.state is not None
    world.state = replace(world.state, past_plans=tuple(b"%08d" % number for number in range(PLANS_PAST_MAX + 1)))
    world.activate()
    assert world.kinds() == [("command_refused", "too_many_plans")]
    world.draft(offer())
    assert world.kinds() == [("command_refused", "too_many_plans")]
    world.state = replace(world.state, past_plans=world.state.past_plans[1:])
    world.activate()
    assert world.kinds() == [("plan_activated", "")]


@pytest.mark.interpreted
def test_an_event_has_at_most_so_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "LINES_MAX", 2)
    World().use(container(T0, T0 + HOUR, storage=1))
    with pytest.raises(Reject, match="too_many_pieces"):
        World().use(container(T0 - HOUR, T0 + HOUR, storage=1))  # four, for a month begins at T0
