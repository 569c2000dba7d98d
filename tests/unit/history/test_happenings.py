"""What each kind of account event does to a balance, and how it went."""

import re

import pytest
from msgspec import UNSET

from drawdown.domain.outputs import AccountEvent
from drawdown.history.happenings import BEGUN, NO_BALANCE, PLAN, TOP_UP, VOUCHER, Effect, decode_happening, effect_of

KINDS = (
    ("plan_scheduled", PLAN, 7, "processed"),
    ("plan_activated", PLAN, 7, "success"),
    ("amount_added", PLAN, 7, "processed"),
    ("plan_settled", PLAN, -7, "processed"),
    ("plan_replaced", NO_BALANCE, 0, "processed"),
    ("plan_confirmed", NO_BALANCE, 0, "success"),
    ("plan_cancelled", NO_BALANCE, 0, "processed"),
    ("payment_recorded", NO_BALANCE, 0, "success"),
    ("voucher_granted", VOUCHER, 7, "success"),
    ("voucher_forfeited", VOUCHER, -7, "processed"),
    ("voucher_used_up", NO_BALANCE, 0, "processed"),
    ("redemption_refused", VOUCHER, 0, "failed"),
    ("topped_up", TOP_UP, 7, "success"),
    ("adjusted", TOP_UP, 7, "processed"),
    ("debt_paid", NO_BALANCE, 0, "processed"),
    ("debt_written_off", NO_BALANCE, 0, "processed"),
    ("command_refused", NO_BALANCE, 0, "failed"),
    ("overage_refused", NO_BALANCE, 0, "failed"),
    ("of_a_later_release", NO_BALANCE, 0, "processed"),
)


@pytest.mark.parametrize(("kind", "balance", "change", "status"), KINDS)
def test_a_kind_changes_a_balance_and_has_a_status(kind: str, balance: str, change: int, status: str) -> None:
    assert effect_of(kind, 7, begun=False) == Effect(balance, change, status)


def test_all_kinds_named_here_are_those_of_the_ledgers() -> None:
    told = set(re.findall(r"[a-z_]+", AccountEvent.__doc__ or "")) | {"redemption_refused"}
    assert {kind for kind, *_ in KINDS} - told == {"of_a_later_release"}


@pytest.mark.parametrize("kind", BEGUN)
def test_a_plans_amount_comes_with_the_first_of_its_beginnings(kind: str) -> None:
    assert effect_of(kind, 7, begun=True).change == 0
    assert effect_of("amount_added", 7, begun=True).change == 7


def test_an_adjustment_has_its_own_sign() -> None:
    assert effect_of("adjusted", -7, begun=False).change == -7


def test_an_event_is_read_with_whatever_a_later_release_adds() -> None:
    head = b'{"ledger":"plans","account":"acc","kind":"plan_paused","plan":"p","credit":null,"code":null,"reason":null,'
    rest = b'"amount":"0.000000000","currency":"USD","detail":"d","seq":1,"applied":1,"command":null,"appended":"t"'
    assert decode_happening(head + rest + b',"new":{"x":1}}').about is UNSET
    about = decode_happening(head + rest + b',"about":{"period":{"end":null}}}').about
    assert isinstance(about, bytes) is False
    assert bytes(about) == b'{"period":{"end":null}}'  # type: ignore[arg-type]
