"""A refused command changes nothing but the numbers; an input that is dropped changes not even those."""

import pytest
from msgspec.structs import replace
from tests.support.domain import POLICY, T0
from tests.support.wallet import FORFEITED, World, adjustment, debt_limit, overage, top_up, voucher

from drawdown.domain.errors import Broken, Reject
from drawdown.domain.wallet.decide import decide_wallet
from drawdown.domain.wallet.model import OpenWallet, OverageDue, WalletCommand, WalletTimer

REFUSED: list[tuple[WalletCommand, int, str]] = [
    (OpenWallet("acc", "USD"), T0, "account_exists"),
    (OpenWallet("acc", "VND"), T0, "account_exists"),
    (voucher("v"), T0, "voucher_exists"),
    (voucher("new", currency="JPY"), T0, "wrong_currency"),
    (voucher("new"), FORFEITED, "voucher_expired"),
    (voucher("new", "0"), T0, "bad_amount"),
    (top_up("t"), T0, "reference_exists"),
    (top_up("new", "24"), T0, "below_minimum"),
    (top_up("new", currency="JPY", amount="3000"), T0, "wrong_currency"),
    (top_up("new", "4611686018"), T0, "bad_amount"),
    (adjustment("1", "a"), T0, "adjustment_exists"),
    (adjustment("0", "new"), T0, "bad_amount"),
    (adjustment("-4611686018", "new"), T0, "bad_amount"),
    (adjustment("1", "new", currency="JPY"), T0, "wrong_currency"),
    (adjustment("-1", "new", kind="grant"), T0, "bad_amount"),
    (adjustment("-1", "new", kind="write_off"), T0, "bad_amount"),
    (adjustment("0", "new", kind="write_off"), T0, "bad_amount"),
    (adjustment("0.000000001", "new", kind="write_off"), T0, "more_than_debt"),
    (adjustment("1", "a", kind="write_off"), T0, "adjustment_exists"),
    (debt_limit("500000", "VND"), T0, "wrong_currency"),
    (debt_limit(None, "VND"), T0, "wrong_currency"),
]


def lived() -> World:
    """A wallet with something of everything."""
    world = World()
    world.give(debt_limit("5"))
    world.give(voucher(), top_up(), adjustment("1"))
    world.use("3")
    return world


@pytest.mark.parametrize(("command", "at", "code"), REFUSED)
def test_a_refused_command_only_counts_as_an_input_and_an_event(command: WalletCommand, at: int, code: str) -> None:
    world = lived()
    before = world.wallet
    assert world.refusal(command, at) == code
    assert world.wallet == replace(before, applied=before.applied + 1, seq_events=before.seq_events + 1)


@pytest.mark.parametrize(("command", "at", "code"), REFUSED)
def test_what_was_refused_is_refused_again_for_the_same_reason(command: WalletCommand, at: int, code: str) -> None:
    world = lived()
    assert world.refusal(command, at) == code
    assert world.refusal(command, at) == code


@pytest.mark.parametrize("body", [overage(seq=1), WalletTimer("acc", T0)])
def test_an_input_that_finds_nothing_to_do_is_dropped(body: OverageDue | WalletCommand) -> None:
    world = lived()
    before = world.wallet
    assert world.apply(body) is None
    assert world.wallet == before


def test_a_missing_overage_changes_nothing() -> None:
    world = lived()
    before = world.wallet
    with pytest.raises(Broken):
        world.apply(overage(seq=3))
    assert world.wallet == before


@pytest.mark.parametrize("command", [voucher(), top_up(), adjustment("1"), WalletTimer("acc", T0)])
def test_a_command_for_a_wallet_that_is_not_open_is_rejected(command: WalletCommand) -> None:
    with pytest.raises(Reject, match="unknown_account"):
        decide_wallet(None, command, T0, POLICY)


def test_a_wallet_in_an_unknown_currency_is_not_opened() -> None:
    with pytest.raises(Reject, match="wrong_currency"):
        decide_wallet(None, OpenWallet("acc", "XXX"), T0, POLICY)
