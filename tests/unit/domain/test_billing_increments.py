"""Billing increments: an event's quantity rounds up once, before any split (design section 5)."""

import pytest
from msgspec.structs import replace
from tests.support.domain import HOUR, T0, World, container, tokens, tuning, usd

from drawdown.domain.catalogue import rounded_up
from drawdown.domain.policy import Policy

MINUTE_OF_GPU = 60 * 1_000_000
BY_THE_MINUTE = replace(Policy.default(), increments={"gpu-container": {"gpu_seconds": MINUTE_OF_GPU}})


@pytest.mark.parametrize(
    ("quantity", "billed"),
    [(0, 0), (1, MINUTE_OF_GPU), (MINUTE_OF_GPU, MINUTE_OF_GPU), (MINUTE_OF_GPU + 1, 2 * MINUTE_OF_GPU)],
)
def test_a_quantity_rounds_up_to_its_increment(quantity: int, billed: int) -> None:
    assert rounded_up(BY_THE_MINUTE.increments["gpu-container"], "gpu_seconds", quantity) == billed


def test_an_event_rounds_up_once_before_it_is_cut_in_time() -> None:
    world = World(policy=BY_THE_MINUTE)
    world.activate(start=T0 + 30_000, end=None)
    charge, overage = world.use(container(T0, T0 + 90_000))  # 90 s are billed as 120
    assert charge is not None
    assert overage is not None
    assert [line.quantity // 1_000_000 for line in (*overage.lines, *charge.lines)] == [40, 80]


def test_an_event_rounds_up_once_before_plans_split_it() -> None:
    world = World(policy=BY_THE_MINUTE)
    world.activate(amount="0.03")
    charge, overage = world.use(container(T0, T0 + 61_000))
    assert charge is not None
    assert overage is not None
    assert [line.quantity // 1_000_000 for line in (*charge.lines, *overage.lines)] == [30, 90]


def test_each_event_rounds_up_for_itself_and_other_meters_do_not() -> None:
    world = World(policy=BY_THE_MINUTE)
    for start in (T0, T0 + 1_000):
        _, overage = world.use(container(start, start + 1_000, storage=1_000))
        assert overage is not None
        assert [line.quantity // 1_000_000 for line in overage.lines] == [60, 1]


def test_todays_services_bill_what_was_used() -> None:
    assert not Policy.default().increments
    _, overage = World().use(tokens(1))
    assert overage is not None
    assert overage.total == usd("0.000002")


def test_a_session_rounds_up_over_all_its_events_and_not_by_event() -> None:
    world = World()
    for start in range(T0, T0 + HOUR, HOUR // 4):
        _, overage = world.use(tuning(start, start + 1_000, final=start == T0 + 3 * HOUR // 4))
    assert overage is not None
    assert [line.quantity // 1_000_000 for line in overage.lines] == [1, 896]
