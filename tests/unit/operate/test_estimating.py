"""What usage would cost and who would pay: as the ledgers would decide it, and nothing changes."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.support import wallet as credit
from tests.support.domain import DAY, HOUR, POLICY, T0, World, prices

from drawdown.domain.errors import Reject
from drawdown.domain.wallet.model import Wallet
from drawdown.operate.estimating import Asked, Estimate, estimated

CALL = {"endpoint": "chat", "model": "Q", "input_tokens": 1_000_000}  # 1 USD by the plan, 2 on demand


def made(world: World, wallet: Wallet | None, data: dict[str, Any] = CALL, now: int = T0) -> Estimate:
    assert world.state is not None
    return estimated(world.state, wallet, Asked("inference", data, now), prices(), POLICY, now)


def world(amount: str = "100") -> World:
    held = World()
    held.activate("p", amount)
    return held


def payers(estimate: Estimate) -> list[tuple[str, str, str, str]]:
    balances = [one for charge in estimate.charges for one in charge["balances"]]
    return [(one["kind"], one["id"], one["before"], one["after"]) for one in balances]


def test_a_plan_pays_and_keeps_its_amount() -> None:
    plans = world()
    before = plans.state
    estimate = made(plans, None)
    assert payers(estimate) == [("plan", "p", "100.000000000", "99.000000000")]
    assert (estimate.overage, estimate.events) == (None, [])
    assert plans.state == before


def test_what_exceeds_the_plan_is_drawn_from_credit_on_demand_and_the_plans_end_is_told() -> None:
    wallet = credit.World()
    wallet.give(credit.voucher("v", "0.25"))
    estimate = made(world("0.5"), wallet.wallet)
    assert payers(estimate) == [
        ("plan", "p", "0.500000000", "0.000000000"),
        ("voucher", "v", "0.250000000", "0.000000000"),
        ("debt", None, "0.000000000", "0.750000000"),
    ]
    assert estimate.overage is not None
    assert estimate.overage["total"] == "1.000000000"
    assert "plan_expired" in [event["kind"] for event in estimate.events]


def test_a_wallet_that_is_behind_the_plans_is_reckoned_as_if_it_were_not() -> None:
    plans = world("1")
    wallet = credit.World()
    wallet.give(credit.top_up("t", "25"))
    assert plans.state is not None
    behind = replace(plans.state, seq_overages=7)
    asked = Asked("inference", CALL | {"input_tokens": 2_000_000}, T0)
    estimate = estimated(behind, wallet.wallet, asked, prices(), POLICY, T0)
    assert payers(estimate)[-1] == ("top_up", "t", "25.000000000", "23.000000000")


def test_without_a_wallet_an_overage_is_told_and_nobody_pays_it() -> None:
    estimate = made(world("0.5"), None)
    assert payers(estimate) == [("plan", "p", "0.500000000", "0.000000000")]
    assert estimate.overage is not None


@pytest.mark.parametrize(
    ("data", "at", "code"),
    [
        (CALL | {"model": 5}, 0, "wrong_type"),
        (CALL | {"tokens_of_thought": 1, "thinking_tokens": 5}, 0, "unknown_meter"),
        (CALL, -30 * DAY, "too_late"),
        (CALL, 2 * HOUR, "in_the_future"),
    ],
)
def test_usage_that_would_be_refused_is(data: dict[str, Any], at: int, code: str) -> None:
    plans = world()
    assert plans.state is not None
    with pytest.raises(Reject) as refused:
        estimated(plans.state, None, Asked("inference", data, T0 + at), prices(), POLICY, T0)
    assert refused.value.code == code
