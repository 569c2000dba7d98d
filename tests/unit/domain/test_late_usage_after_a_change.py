"""Late usage from before a change of plans: the old prices, paid by the plan that took the place."""

from typing import Any

from msgspec.structs import replace
from tests.support.domain import DAY, HOUR, container, item, paid_by, quota, tokens, usd
from tests.unit.domain.test_renewals import MILLION, MONTH, TWO, Chain, follower
from tests.unit.domain.test_upgrades_and_downgrades import NOW, upfront, used

from drawdown.domain.commands import Replayed


def changed(**change: Any) -> Chain:
    """20 of 100 are spent; then q takes the place of p, at half the price of a token."""
    world = used(20)
    terms = {"follows": follower("now"), "book": "cheap-usd", **change}
    world.bought("q", upfront("200"), NOW, **terms)
    return world


def test_late_usage_from_before_takes_the_old_prices_and_is_paid_by_the_new_plan() -> None:
    world = changed()
    charge, overage = world.use(tokens(4 * MILLION, NOW - HOUR), at=NOW + HOUR)
    assert paid_by(charge) == [("q", usd("4"))]
    assert charge is not None
    assert [line.book for line in charge.lines] == ["plan-usd"]
    assert overage is None
    assert (world.plan().spent, world.plan("q").spent) == (usd("20"), usd("4"))


def test_usage_across_the_change_is_cut_there() -> None:
    world = changed()
    charge, _ = world.use(container(NOW - HOUR, NOW + HOUR))
    assert charge is not None
    assert [(line.plan, line.book, line.time) for line in charge.lines] == [
        ("q", "plan-usd", NOW - HOUR),
        ("q", "cheap-usd", NOW),
    ]


def test_late_usage_is_paid_by_the_new_plan_also_when_its_scope_does_not_include_it() -> None:
    world = changed(scope=(item("gpu-container"),))
    charge, _ = world.use(tokens(4 * MILLION, NOW - HOUR), at=NOW + HOUR)
    assert paid_by(charge) == [("q", usd("4"))]
    assert [balance.plan for balance in charge.balances] == ["q"] if charge else False


def test_late_usage_is_paid_by_the_last_of_several_changes() -> None:
    world = changed()
    world.bought("r", upfront("300"), NOW + HOUR, follows=follower("now", "q"))
    charge, _ = world.use(tokens(4 * MILLION, NOW - HOUR), at=NOW + 2 * HOUR)
    assert paid_by(charge) == [("r", usd("4"))]


def test_late_usage_is_on_demand_when_the_new_plan_is_used_up() -> None:
    world = changed()
    world.use(tokens(200 * MILLION, NOW + HOUR))
    charge, overage = world.use(tokens(4 * MILLION, NOW - HOUR), at=NOW + 2 * HOUR)
    assert charge is None
    assert overage is not None
    assert overage.total == usd("8")


def test_late_usage_is_paid_up_to_a_quota_of_the_new_plan() -> None:
    world = changed(quotas=(quota("inference", "3"),))
    charge, overage = world.use(tokens(4 * MILLION, NOW - HOUR), at=NOW + HOUR)
    assert paid_by(charge) == [("q", usd("3"))]
    assert overage is not None
    assert overage.total == usd("2")


def test_late_usage_that_uses_the_new_plan_up_ends_it() -> None:
    world = changed(amount=usd("3"))
    charge, overage = world.use(tokens(4 * MILLION, NOW - HOUR), at=NOW + HOUR)
    assert paid_by(charge) == [("q", usd("3"))]
    assert overage is not None
    assert world.kinds() == [("plan_expired", "amount")]


def test_usage_after_the_grace_of_the_old_plan_is_on_demand() -> None:
    world = changed()
    charge, overage = world.use(container(NOW - 2 * HOUR, NOW - HOUR), at=NOW + DAY)
    assert charge is None
    assert overage is not None


def test_what_rolls_over_into_a_renewal_that_was_changed_goes_to_the_plan_in_its_place() -> None:
    for months in (1, None):
        world = used(30, replace(upfront("100"), rollover=True))
        world.renewed(NOW)
        world.timer(MONTH)
        world.bought("q", upfront("200"), MONTH + HOUR, months=months, follows=follower("now", "p-r1"))
        world.use(tokens(100 * MILLION, MONTH + 2 * HOUR))
        assert world.plan("q").status == "settling"
        world.timer(MONTH + DAY)
        assert world.amounts("amount_added") == [("q", usd("70"))]
        assert (world.plan("q").amount, world.plan("q").status) == (usd("170"), "active")
        assert world.plan("p-r1").amount == usd("100")


def test_late_usage_is_on_demand_when_the_new_plan_is_closed_with_something_left() -> None:
    world = used(20, grace_ms=90 * DAY)
    world.bought("q", upfront("200"), NOW, grace_ms=0, follows=follower("now"))
    world.timer(TWO)
    assert world.plan("q").status == "expired"
    world.apply(Replayed(tokens(4 * MILLION, NOW - HOUR)), TWO)
    assert world.plan("q").spent == 0


def test_late_usage_is_held_to_no_quota_of_the_new_plan_that_does_not_include_it() -> None:
    world = changed(scope=(item("gpu-container"),), quotas=(quota("gpu-container", "3"),))
    charge, _ = world.use(tokens(4 * MILLION, NOW - HOUR), at=NOW + HOUR)
    assert paid_by(charge) == [("q", usd("4"))]
