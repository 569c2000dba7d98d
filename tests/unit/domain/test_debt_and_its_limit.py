"""Debt is told when it begins and when it reaches its limit, once each until it is paid back below; never refused."""

import pytest
from msgspec.structs import replace
from tests.support.domain import T0, usd
from tests.support.wallet import World, adjustment, debt_limit, overage, top_up, voucher

from drawdown.domain.limits import AMOUNT_MAX
from drawdown.domain.wallet.notices import limit_reached


def kinds(world: World) -> list[str]:
    return [event.kind for event in world.events()]


def limited(limit: str = "5") -> World:
    world = World()
    world.give(debt_limit(limit))
    return world


def test_a_limit_is_told_and_kept_and_taken_away() -> None:
    world = limited()
    assert world.told() == [("debt_limit_set", None, usd("5"))]
    assert world.events()[0].detail == "the debt limit is set to 5.000000000 USD by ops-1: new customer"
    assert world.wallet.debt_limit == usd("5")
    world.give(debt_limit(None))
    assert world.told() == [("debt_limit_removed", None, 0)]
    assert world.wallet.debt_limit is None


def test_debt_that_begins_is_told_once_until_all_of_it_is_paid() -> None:
    world = World()
    world.use("1")
    assert world.told() == [("debt_begun", None, usd("1"))]
    world.use("1")
    assert world.told() == []
    world.give(adjustment("1.999999999"))
    world.use("1")
    assert world.told() == []
    world.give(top_up())
    world.use("24")
    assert kinds(world) == ["debt_begun", "low_balance"]


def test_debt_that_a_correction_makes_is_told() -> None:
    world = World()
    world.give(adjustment("-3"))
    assert world.told() == [("adjusted", "a", -usd("3")), ("debt_begun", None, usd("3"))]


def test_the_limit_is_reached_at_its_very_amount() -> None:
    world = limited()
    world.use("4.999999999")
    assert kinds(world) == ["debt_begun"]
    assert not limit_reached(world.wallet)
    world.use("0.000000001")
    assert world.told() == [("debt_limit_reached", None, usd("5"))]
    assert world.events()[0].reason == "5.000000000"
    assert limit_reached(world.wallet)


def test_the_limit_is_told_once_until_debt_is_below_it_again() -> None:
    world = limited()
    world.use("7")
    assert kinds(world) == ["debt_begun", "debt_limit_reached"]
    world.give(adjustment("2", "to-the-limit"))
    world.use("1")
    assert kinds(world) == []
    world.give(adjustment("1.000000001", "below"))
    world.use("0.000000001")
    assert world.told() == [("debt_limit_reached", None, usd("5"))]


@pytest.mark.parametrize("kind", ["correction", "grant", "write_off"])
def test_whatever_lessens_debt_below_the_limit_arms_it_again(kind: str) -> None:
    world = limited()
    world.use("5")
    world.give(adjustment("0.000000001", kind=kind))
    world.use("1")
    assert "debt_limit_reached" in kinds(world)


def test_a_limit_of_nothing_is_reached_by_any_debt_and_not_without() -> None:
    world = limited("0")
    assert not limit_reached(world.wallet)
    world.use("0.000000001")
    assert kinds(world) == ["debt_begun", "debt_limit_reached"]


def test_a_limit_below_what_is_owed_is_told_at_once_and_one_above_is_not() -> None:
    world = World()
    world.use("5")
    world.give(debt_limit("5.000000001"))
    assert kinds(world) == ["debt_limit_set"]
    world.give(debt_limit("5"))
    assert kinds(world) == ["debt_limit_set", "debt_limit_reached"]
    world.give(debt_limit("4"))
    assert kinds(world) == ["debt_limit_set"]  # reached before, and since


def test_usage_is_drawn_whatever_the_limit() -> None:
    world = limited("0")
    assert world.use("1000000") == [("debt", None, usd("1000000"))]
    world.state = replace(world.wallet, debt=AMOUNT_MAX - 1)
    world.use("0.000000001")
    assert world.wallet.debt == AMOUNT_MAX


def test_an_overage_that_credit_pays_tells_no_debt() -> None:
    world = limited("0")
    world.give(voucher("v", "30"), top_up())
    world.use("55")
    assert "debt_begun" not in kinds(world)
    world.apply(overage("1", seq=2), T0)
    assert kinds(world)[:2] == ["debt_begun", "debt_limit_reached"]
