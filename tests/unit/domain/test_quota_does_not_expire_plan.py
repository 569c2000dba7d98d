"""Quotas: money, per service or product; a used-up one ends neither the plan nor what other usage may draw."""

from tests.support.domain import HOUR, T0, World, container, item, paid_by, quota, tokens, usd


def test_a_used_up_quota_does_not_expire_the_plan() -> None:
    world = World()
    world.activate(quotas=(quota("inference", "1"),))
    world.use(tokens(1_000_000))
    assert world.kinds() == []
    plan = world.plan()
    assert (plan.status, plan.expired_by, plan.quotas[0].spent) == ("active", "", usd("1"))
    charge, overage = world.use(tokens(1_000_000, T0 + 1))
    assert charge is None
    assert overage is not None
    charge, _ = world.use(container(T0, T0 + HOUR))
    assert paid_by(charge) == [("p", usd("3.6"))]


def test_quotas_may_sum_above_the_amount_and_the_amount_still_limits() -> None:
    world = World()
    world.activate(amount="4", quotas=(quota("inference", "3"), quota("gpu-container", "3")))
    world.use(tokens(2_000_000))
    charge, _ = world.use(container(T0, T0 + HOUR))
    assert paid_by(charge) == [("p", usd("2"))]
    assert world.kinds() == [("plan_expired", "amount")]


def test_usage_that_no_quota_includes_is_limited_by_the_amount_alone() -> None:
    world = World()
    world.activate(quotas=(quota("inference", "0.5"),))
    charge, _ = world.use(container(T0, T0 + HOUR))
    assert paid_by(charge) == [("p", usd("3.6"))]
    assert world.plan().quotas[0].spent == 0


def test_a_products_quota_leaves_other_products_alone() -> None:
    world = World()
    world.activate(quotas=(quota("inference", "0.25", model="Q"),))
    charge, _ = world.use(tokens(1_000_000))
    assert paid_by(charge) == [("p", usd("0.25"))]
    charge, _ = world.use(tokens(1_000_000, T0 + 1, dimensions=(("model", "Z"),)))
    assert paid_by(charge) == [("p", usd("1"))]


def test_usage_in_two_quotas_draws_on_both_and_stops_at_the_smaller() -> None:
    world = World()
    world.activate(quotas=(quota("inference", "2"), quota("inference", "0.75", model="Q")))
    charge, overage = world.use(tokens(1_000_000))
    assert paid_by(charge) == [("p", usd("0.75"))]
    assert overage is not None
    assert overage.lines[0].quantity == 250_000 * 1_000_000
    assert [entry.spent for entry in world.plan().quotas] == [usd("0.75"), usd("0.75")]
    charge, _ = world.use(tokens(2_000_000, T0 + 1, dimensions=(("model", "Z"),)))
    assert paid_by(charge) == [("p", usd("1.25"))]


def test_what_a_quota_stops_the_next_plan_pays() -> None:
    world = World()
    world.activate("first", priority=1, quotas=(quota("inference", "0.5"),))
    world.activate("second", priority=2, scope=(item("inference"),))
    charge, overage = world.use(tokens(1_000_000))
    assert paid_by(charge) == [("first", usd("0.5")), ("second", usd("0.5"))]
    assert overage is None
