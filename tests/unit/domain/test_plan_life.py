"""Activation, refusals, expiry by time, settlement; windows; numbering."""

import pytest
from tests.support.domain import DAY, HOUR, T0, World, item, prices, quota, tokens, usd

from drawdown.domain.commands import OpenAccount
from drawdown.domain.errors import Reject
from drawdown.domain.outputs import AccountEvent
from drawdown.domain.prices import Prices


def test_time_expires_a_plan_and_settles_it_after_the_grace() -> None:
    world = World()
    world.activate(end=T0 + HOUR, grace_ms=HOUR)
    assert world.timer(T0 + HOUR - 1) is None
    world.timer(T0 + HOUR)
    assert world.kinds() == [("plan_expired", "time")]
    world.use(tokens(1_000_000, T0), at=T0 + HOUR)
    assert world.plan().spent == usd("1")
    assert world.timer(T0 + 2 * HOUR - 1) is None
    world.timer(T0 + 2 * HOUR)
    assert world.kinds() == [("plan_settled", "")]
    plan = world.plan()
    assert (plan.status, plan.spent, plan.forfeited) == ("expired", usd("1"), usd("99"))
    assert plan.amount == plan.spent + plan.forfeited


def test_a_plan_expires_once_also_when_late_usage_uses_up_what_its_time_left() -> None:
    world = World()
    world.activate(amount="1", end=T0 + HOUR, grace_ms=HOUR)
    world.timer(T0 + HOUR)
    world.use(tokens(1_000_000, T0), at=T0 + HOUR)
    assert world.kinds() == []
    assert (world.plan().status, world.plan().expired_by, world.plan().spent) == ("settling", "time", usd("1"))


def test_a_plan_whose_book_was_not_read_is_never_rated_by_another() -> None:
    world = World()
    world.activate()
    world.prices = Prices()
    with pytest.raises(LookupError, match="plan p pins book plan-usd:1, which is not among the prices read"):
        world.use(tokens(1, T0))


def test_one_late_timer_does_all_that_is_due() -> None:
    world = World()
    world.activate(end=T0 + HOUR, grace_ms=HOUR)
    world.timer(T0 + DAY)
    assert world.kinds() == [("plan_expired", "time"), ("plan_settled", "")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"plan": "p"}, "plan_exists"),
        ({"currency": "VND"}, "wrong_currency"),
        ({"book_version": 9}, "unknown_book"),
        ({"end": T0 - DAY}, "bad_interval"),
        ({"scope": (item("inference"),), "quotas": (quota("fine-tuning", "1"),)}, "bad_quota"),
    ],
)
def test_a_refused_activation_says_why_and_changes_nothing_else(change: dict[str, object], code: str) -> None:
    world = World()
    world.activate("p")
    assert world.state is not None
    before = world.state.plans
    world.activate(**{"plan": "q", **change})  # type: ignore[arg-type]
    assert world.kinds() == [("command_refused", code)]
    assert world.state.plans == before


def test_an_account_opens_once() -> None:
    world = World()
    world.apply(OpenAccount("acc", "VND", "UTC"))
    assert world.kinds() == [("command_refused", "account_exists")]
    assert world.state is not None
    assert world.state.currency == "USD"


def test_usage_of_an_unknown_account_is_refused() -> None:
    world = World()
    world.state = None
    with pytest.raises(Reject, match="unknown_account"):
        world.use(tokens(1))


@pytest.mark.parametrize(
    ("late", "reason"),
    [(6 * HOUR, ""), (6 * HOUR + 1, "too_late"), (-300_000, ""), (-300_001, "in_the_future")],
)
def test_the_window_is_judged_by_append_time(late: int, reason: str) -> None:
    world = World()
    if not reason:
        world.use(tokens(1), at=T0 + late)
        return
    with pytest.raises(Reject, match=reason):
        world.use(tokens(1), at=T0 + late)


def test_an_amount_beyond_any_sum_is_refused() -> None:
    with pytest.raises(Reject, match="amount_too_large"):
        World(prices(demand_token="4000000000")).use(tokens(10**12))


def test_every_output_is_numbered_without_gaps() -> None:
    world = World()
    world.activate(amount="1")
    events = [output.seq for output in world.outputs if isinstance(output, AccountEvent)]
    assert events == [2]
    charge, overage = world.use(tokens(1_500_000))
    assert charge is not None
    assert overage is not None
    assert (charge.seq, overage.seq, charge.applied, overage.applied) == (1, 1, 3, 3)
    _, overage = world.use(tokens(1_000, T0 + 1))
    assert overage is not None
    assert (overage.seq, overage.applied) == (2, 4)
