"""May a resource start: by what plans and credit could pay of its first hour, and by the debt limit."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.support import wallet as credit
from tests.support.domain import DAY, HOUR, T0, World, item, quota, usd

from drawdown.domain.authorize import Authorization, Wish, authorized
from drawdown.domain.commands import PausePlan
from drawdown.domain.model import ScopeItem
from drawdown.domain.wallet.model import Wallet, WalletCommand

GPU = Wish("gpu-container", (("gpu_model", "H100"),), usd("4"))


def world(amount: str = "100", **change: object) -> World:
    made = World()
    made.activate("p", amount, **change)
    return made


def wallet(*commands: WalletCommand) -> Wallet:
    made = credit.World()
    for command in commands:
        made.give(command)
    return made.wallet


def judged(plans: World, held: Wallet | None = None, wish: Wish = GPU, now: int = T0 + HOUR) -> Authorization:
    assert plans.state is not None
    return authorized(plans.state, held, wish, now)


def test_a_plan_that_lasts_an_hour_covers() -> None:
    assert judged(world("4")) == ("yes", "covered", usd("4"), 0, 3_600)
    assert judged(world("100")).seconds == 3_600


def test_a_plan_that_lasts_less_is_limited_and_says_how_long() -> None:
    assert judged(world("1")) == ("limited", "runs_into_debt", usd("1"), 0, 900)
    assert judged(world("3.999999999")).seconds == 3_599


def test_plans_and_credit_count_together() -> None:
    held = wallet(credit.voucher("v", "10"), credit.top_up("t", "25"))
    assert judged(world("1"), held) == ("yes", "covered", usd("1"), usd("35"), 3_600)
    both = world("2")
    both.activate("q", "2")
    assert judged(both).plans == usd("4")


@pytest.mark.parametrize(
    "change",
    [
        {"scope": (item("inference"),)},
        {"scope": (item("gpu-container", gpu_model="A100"),)},
        {"start": T0 + 2 * HOUR},
        {"end": T0 + HOUR},
        {"quotas": (quota("gpu-container", "0"),)},
    ],
    ids=["service", "product", "not yet", "over", "quota"],
)
def test_a_plan_that_would_not_pay_does_not_count(change: dict[str, Any]) -> None:
    assert judged(world(**change)) == ("limited", "runs_into_debt", 0, 0, 0)


def test_a_paused_plan_does_not_count() -> None:
    paused = world()
    paused.apply(PausePlan("acc", "p", None), T0 + HOUR // 2)
    assert judged(paused).plans == 0


def test_a_quota_of_it_bounds_a_plan_and_one_of_another_product_does_not() -> None:
    bounded = world(quotas=(quota("gpu-container", "3"), quota("inference", "1")))
    assert judged(bounded).plans == usd("3")


def test_vouchers_of_other_services_or_past_their_expiry_do_not_count() -> None:
    split = (
        credit.part("1", ScopeItem("inference")),
        credit.part("2", others_than=("inference",)),
        credit.part("5", others_than=("gpu-container",)),
    )
    held = wallet(credit.voucher("v", parts=split))
    assert judged(world("1"), held).credit == usd("2")
    assert judged(world("1"), held, now=credit.EXPIRES).credit == usd("2")
    assert judged(world("1"), held, now=credit.EXPIRES + 1).credit == 0


def test_at_the_debt_limit_nothing_starts_whatever_is_left() -> None:
    held = replace(wallet(credit.debt_limit("5")), debt=usd("5"))
    assert judged(world("100"), held) == ("no", "debt_limit_reached", usd("100"), 0, 3_600)
    assert judged(world("100"), replace(held, debt=usd("5") - 1)).answer == "yes"


def test_without_funds_and_without_allowed_debt_nothing_starts() -> None:
    none = wallet(credit.debt_limit("0"))
    broke = world("1", scope=(item("inference"),))
    assert judged(broke, none) == ("no", "no_funds", 0, 0, 0)
    assert judged(broke, wallet(credit.debt_limit("0.01"))).answer == "limited"
    assert judged(broke, wallet()).answer == "limited"
    assert judged(world("1"), none).answer == "limited"


def test_nothing_is_set_aside() -> None:
    plans = world("4")
    before = plans.state
    judged(plans)
    assert plans.state == before
    assert judged(plans, now=T0 + DAY).answer == "yes"
