"""Low balance: how the rate is measured, what counts as left, and when it is told."""

import pytest
from msgspec.structs import replace
from tests.support.domain import DAY, HOUR, T0, item, usd
from tests.support.wallet import World, adjustment, overage, part, top_up, voucher

from drawdown.domain.limits import AMOUNT_MAX, SPEND_SERVICES_MAX
from drawdown.domain.wallet.draft import Draft
from drawdown.domain.wallet.model import Spending
from drawdown.domain.wallet.spending import left_at, rates, shortfall

assert T0 % HOUR == 0


def lows(world: World) -> list[tuple[int, str]]:
    return [(event.amount, event.reason) for event in world.events() if event.kind == "low_balance"]


def rates_at(world: World, at: int) -> dict[str, int]:
    return {service: rate for service, rate in rates(Draft(world.wallet), at).items() if rate}


def funded(amount: str = "25") -> World:
    world = World()
    world.give(top_up("t", amount))
    return world


# --- the rate ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "rate"),
    [(T0, "3"), (T0 + HOUR - 1, "3"), (T0 + HOUR, "3"), (T0 + 2 * HOUR - 1, "3"), (T0 + 2 * HOUR, None)],
)
def test_an_hours_spend_counts_in_it_and_in_the_next(at: int, rate: str | None) -> None:
    world = funded()
    world.use("1")
    world.use("2", at=T0 + HOUR - 1)
    assert rates_at(world, at) == ({"inference": usd(rate)} if rate else {})


def test_the_rate_is_the_larger_of_the_two_hours_of_each_service() -> None:
    world = funded()
    world.use("3")
    world.use("1", service="fine-tuning")
    world.use("2", at=T0 + HOUR)
    world.use("4", service="fine-tuning", at=T0 + HOUR)
    assert rates_at(world, T0 + HOUR) == {"inference": usd("3"), "fine-tuning": usd("4")}
    assert rates_at(world, T0 + 2 * HOUR) == {"inference": usd("2"), "fine-tuning": usd("4")}


def test_the_append_counts_and_not_the_time_of_the_usage() -> None:
    world = funded()
    world.use("1", time=T0 - DAY, at=T0)
    world.use("1", time=T0 + HOUR, at=T0)
    assert rates_at(world, T0) == {"inference": usd("2")}


@pytest.mark.parametrize(
    ("length", "rate"), [(0, "24"), (HOUR - 1, "24"), (HOUR, "24"), (2 * HOUR, "12"), (24 * HOUR, "1")]
)
def test_usage_longer_than_an_hour_counts_with_an_hours_share(length: int, rate: str) -> None:
    world = funded("100")
    world.use("24", start=T0 - length)
    assert rates_at(world, T0) == {"inference": usd(rate)}


def test_a_share_rounds_down() -> None:
    world = funded()
    world.use("0.000000002", start=T0 - HOUR - 1)
    assert rates_at(world, T0) == {"inference": 1}


def test_appends_that_go_back_stay_in_the_newest_hour() -> None:
    world = funded()
    world.use("1", at=T0 + HOUR)
    world.use("2", at=T0)
    assert (world.wallet.hour, rates_at(world, T0)) == (T0 + HOUR, {"inference": usd("3")})


def test_an_overage_that_is_not_drawn_counts_nothing() -> None:
    world = funded()
    world.apply(overage("1", currency="VND"))
    assert world.wallet.spending == ()


def test_what_is_kept_is_bounded() -> None:
    world = funded()
    rows = tuple(Spending(f"s-{number}", 1, 0) for number in range(SPEND_SERVICES_MAX))
    world.state = replace(world.wallet, hour=T0, spending=rows)
    world.use("1")
    assert [row.service for row in world.wallet.spending] == [*(row.service for row in rows[1:]), "inference"]
    world.state = replace(world.wallet, spending=(Spending("inference", AMOUNT_MAX, 0),))
    world.use("1")
    assert rates_at(world, T0) == {"inference": AMOUNT_MAX}


# --- what is left --------------------------------------------------------------------------------


def short(world: World, at: int = T0) -> int:
    return shortfall(Draft(world.wallet), at)


def test_just_enough_for_an_hour_is_enough() -> None:
    world = funded()
    world.use("12.5")
    assert (short(world), lows(world)) == (0, [])
    world.use("0.000000001")
    assert short(world) == 2
    assert lows(world) == [(usd("12.499999999"), "12.500000001")]


def test_a_voucher_counts_until_its_very_expiry() -> None:
    world = World()
    world.give(voucher("v", "10", expires=T0 + HOUR))
    assert left_at(world.wallet, T0 + HOUR) == usd("10")
    assert left_at(world.wallet, T0 + HOUR + 1) == 0


def test_credit_covers_the_services_that_it_is_for() -> None:
    world = World()
    world.give(voucher("calls", "10", item("inference", model="Z")), voucher("tuning", "10", item("fine-tuning")))
    world.use("4")  # of another model: debt; a product counts as its service all the same
    assert short(world) == 0
    world.use("7", service="gpu-container")
    assert short(world) == usd("7")
    world.give(top_up("t", "25"))  # 11 of it pays the debt
    assert short(world) == 0
    world.give(adjustment("-10"))
    assert short(world) == usd("3")


def test_narrower_credit_covers_first() -> None:
    world = World()
    world.give(voucher("all", "20"), voucher("gpu", "10", item("gpu-container"), priority=200))
    world.use("5")
    world.use("5", service="gpu-container")  # 10 left of each, and 10 an hour is spent
    assert short(world) == 0
    world.give(voucher("two", "1", item("inference"), item("gpu-container"), priority=300))
    world.use("5.5", service="fine-tuning")
    # gpu covers its 5; of calls' 5, two covers 1; all has 4.5 for the 5.5 of fine-tuning
    assert short(world) == usd("4") + usd("1")


def test_a_part_for_other_services_covers_those() -> None:
    world = World()
    parts = (part("1", item("inference")), part("20", others_than=("inference",)))
    world.give(voucher(parts=parts))
    world.use("2")
    assert short(world) == usd("2")
    world.use("10", service="fine-tuning")
    assert short(world) == usd("2")


# --- when it is told -----------------------------------------------------------------------------


def test_it_is_told_once() -> None:
    world = funded()
    world.use("13")
    assert lows(world) == [(usd("12"), "13.000000000")]
    assert world.events()[0].detail == (
        "12.000000000 USD is left; of the 13.000000000 USD that an hour takes it would not pay 1.000000000 USD"
    )
    for _ in range(3):
        world.use("1")
        assert lows(world) == []


def test_credit_that_lifts_it_arms_it_again_and_less_does_not() -> None:
    world = funded()
    world.use("13")
    world.give(adjustment("0.999999999", "less"))
    assert world.wallet.low_told
    world.use("0.000000001")
    assert lows(world) == []
    world.give(adjustment("0.000000003", "enough"))
    assert not world.wallet.low_told
    world.use("0.000000001")
    assert lows(world) == [(usd("13"), "13.000000002")]


@pytest.mark.parametrize("amount", ["1", "30"])
def test_an_account_without_credit_is_told_of_debt_only(amount: str) -> None:
    world = World()
    world.use(amount)
    assert [event.kind for event in world.events()] == ["debt_begun"]
    assert not world.wallet.low_told


def test_credit_that_an_overage_uses_up_at_once_is_told() -> None:
    world = World()
    world.give(voucher("v", "1"))
    world.use("30")
    assert [event.kind for event in world.events()] == ["voucher_used_up", "debt_begun", "low_balance"]
    assert lows(world) == [(0, "30.000000000")]


def test_what_is_taken_back_is_told() -> None:
    world = funded()
    world.use("5")
    world.give(adjustment("-15"))
    assert lows(world) == []
    world.give(adjustment("-0.000000001", "b"))
    assert lows(world) == [(usd("4.999999999"), "5.000000000")]


def test_a_command_that_moves_no_credit_tells_nothing_though_time_has_passed() -> None:
    world = World()
    world.give(voucher("v", "100", expires=T0 + HOUR), top_up())
    world.use("50")
    assert world.refusal(top_up(), T0 + HOUR + 1) == "reference_exists"
    assert world.use("1", time=T0, at=T0 + HOUR + 1) == [("voucher", "v", usd("1"))]
    assert lows(world) == [(usd("25"), "50.000000000")]
