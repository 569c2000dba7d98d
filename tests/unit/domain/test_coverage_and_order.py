"""Which plan pays: validity, scope, quota, grace, and the order of plans (design section 5)."""

import pytest
from tests.support.domain import DAY, HOUR, T0, World, container, item, paid_by, quota, tokens, usd

from drawdown.domain.coverage import narrowness


def test_a_plan_in_force_pays_at_its_own_prices() -> None:
    world = World()
    world.activate()
    charge, overage = world.use(tokens(1_000_000))
    assert paid_by(charge) == [("p", usd("1"))]
    assert overage is None
    assert world.plan().spent == usd("1")


def test_without_a_plan_usage_is_an_overage_on_demand() -> None:
    charge, overage = World().use(tokens(1_000_000))
    assert charge is None
    assert overage is not None
    assert overage.total == usd("2")


@pytest.mark.parametrize(("at", "covered"), [(-1, False), (0, True), (HOUR - 1, True), (HOUR, False)])
def test_validity_is_from_start_inclusive_to_end_exclusive(at: int, covered: bool) -> None:
    world = World()
    world.activate(start=T0, end=T0 + HOUR)
    charge, _ = world.use(tokens(1_000, T0 + at), at=T0 + HOUR)
    assert (charge is not None) == covered


@pytest.mark.parametrize(("late", "covered"), [(-1, True), (0, False)])
def test_late_usage_draws_until_end_and_grace(late: int, covered: bool) -> None:
    world = World()
    world.activate(start=T0, end=T0 + HOUR, grace_ms=HOUR)
    charge, _ = world.use(tokens(1_000, T0), at=T0 + 2 * HOUR + late)
    assert (charge is not None) == covered


def test_event_time_decides_and_not_arrival() -> None:
    world = World()
    world.activate(start=T0 + HOUR, end=T0 + DAY)
    charge, _ = world.use(tokens(1_000, T0), at=T0 + 2 * HOUR)
    assert charge is None


def test_a_plan_pays_only_for_its_scope() -> None:
    world = World()
    world.activate(scope=(item("gpu-container"),))
    charge, overage = world.use(tokens(1_000))
    assert charge is None
    assert overage is not None
    charge, _ = world.use(container(T0, T0 + HOUR))
    assert paid_by(charge) == [("p", usd("3.6"))]


def test_a_product_needs_all_its_dimensions() -> None:
    world = World()
    world.activate("other", scope=(item("inference", model="Z"),))
    world.activate("mine", scope=(item("inference", model="Q"),))
    charge, _ = world.use(tokens(1_000_000))
    assert paid_by(charge) == [("mine", usd("1"))]


def test_order_is_priority_then_narrower_scope_then_earlier_end_then_activation() -> None:
    world = World()
    world.activate("late", scope=(item("inference"),), end=None)
    world.activate("all", priority=100)
    world.activate("several", scope=(item("inference"), item("fine-tuning")))
    world.activate("early", scope=(item("inference"),), end=T0 + DAY)
    world.activate("early-too", scope=(item("inference"),), end=T0 + DAY)
    world.activate("product", scope=(item("inference", model="Q"),))
    world.activate("first", priority=1)
    assert world.state is not None
    order = [plan.id for plan in world.state.plans]
    assert order == ["first", "product", "early", "early-too", "late", "several", "all"]


def test_a_scope_is_as_narrow_as_its_items() -> None:
    assert narrowness((item("inference", model="Q"), item("inference", model="Z"))) == 0
    assert narrowness((item("inference"), item("inference", model="Z"))) == 1
    assert narrowness((item("inference"), item("fine-tuning"))) == 2
    assert narrowness(()) == 3


def test_a_used_up_quota_sends_usage_on_and_the_plan_goes_on() -> None:
    world = World()
    world.activate(quotas=(quota("inference", "0.5"),))
    charge, overage = world.use(tokens(1_000_000))
    assert paid_by(charge) == [("p", usd("0.5"))]
    assert overage is not None
    assert overage.total == usd("1")  # half of the tokens, at twice the price
    charge, overage = world.use(tokens(1_000_000, T0 + 1))
    assert charge is None
    charge, _ = world.use(container(T0, T0 + HOUR))
    assert paid_by(charge) == [("p", usd("3.6"))]
    assert world.plan().status == "active"


def test_a_plan_whose_book_has_no_price_for_it_does_not_cover() -> None:
    world = World()
    world.activate()
    with pytest.raises(Exception, match="unknown_price"):
        world.use(container(T0, T0 + HOUR, model="B200"))
