"""Overages are taken by their seq: none twice, none left out, whatever comes of each."""

import pytest
from tests.support.domain import T0, usd
from tests.support.wallet import World, money, overage, top_up

from drawdown.domain.errors import Broken
from drawdown.domain.limits import AMOUNT_MAX
from drawdown.domain.outputs import AccountEvent
from drawdown.domain.wallet.model import OpenWallet, WalletCharge

LARGEST = "4611686018.427387903"


def test_overages_are_counted_one_by_one() -> None:
    world = World()
    for seq in (1, 2, 3):
        assert world.apply(overage(seq=seq)) is not None
        assert world.wallet.overage_seq == seq
    assert world.wallet.debt == usd("3")


def test_the_last_overage_again_is_a_duplicate_and_changes_nothing() -> None:
    world = World()
    world.apply(overage("5"))
    before = world.state
    assert world.apply(overage("5")) is None
    assert world.apply(overage("5"), T0 + 1) is None
    assert world.state == before


@pytest.mark.parametrize("seq", [3, 4, 100])
def test_a_missing_overage_stops_the_wallet(seq: int) -> None:
    world = World()
    world.apply(overage())
    before = world.state
    with pytest.raises(Broken, match=f"overage {seq} came after 1"):
        world.apply(overage(seq=seq))
    assert world.state == before


@pytest.mark.parametrize("opened", [True, False])
def test_the_first_overage_that_is_not_number_one_stops_the_wallet(opened: bool) -> None:
    world = World(opened=opened)
    with pytest.raises(Broken, match="account acc: overage 2 came after 0"):
        world.apply(overage(seq=2))


def test_the_first_overage_opens_the_wallet_in_its_currency() -> None:
    world = World(opened=False)
    world.apply(overage("500", currency="VND"), T0 + 7)
    assert [type(output) for output in world.outputs] == [AccountEvent, WalletCharge, AccountEvent]
    assert world.kinds() == [("wallet_opened", ""), ("debt_begun", "")]
    assert (world.wallet.currency, world.wallet.opened, world.wallet.applied) == ("VND", T0 + 7, 1)
    assert world.wallet.debt == money("500", "VND")
    assert world.refusal(OpenWallet("acc", "USD")) == "account_exists"
    assert world.wallet.currency == "VND"


def test_an_overage_in_another_currency_is_told_counted_and_not_drawn() -> None:
    world = World()
    world.give(top_up())
    world.apply(overage("10000", currency="VND"))
    assert world.kinds() == [("overage_refused", "wrong_currency")]
    (event,) = world.events()
    assert (event.credit, event.currency, event.amount) == ("o-1", "USD", 0)
    assert (world.wallet.overage_seq, world.wallet.debt, world.left()) == (1, 0, {"t": usd("25")})
    assert world.apply(overage("10000", currency="VND")) is None
    assert world.apply(overage(seq=2)) is not None
    assert world.left() == {"t": usd("24")}


def test_outputs_are_numbered_by_topic_and_inputs_by_one() -> None:
    world = World()
    seqs: list[tuple[str, int, int]] = []
    for body in (overage(), top_up(), overage(seq=2), top_up()):
        world.apply(body)
        numbered = [output for output in world.outputs if isinstance(output, WalletCharge | AccountEvent)]
        seqs += [(type(output).__name__, output.seq, output.applied) for output in numbered]
    assert seqs == [
        ("WalletCharge", 1, 2),
        ("AccountEvent", 2, 2),
        ("AccountEvent", 3, 3),
        ("AccountEvent", 4, 3),
        ("WalletCharge", 2, 4),
        ("AccountEvent", 5, 5),
    ]


def test_debt_reaches_the_largest_amount_and_an_overage_past_it_is_not_drawn_but_counted() -> None:
    world = World()
    world.apply(overage(LARGEST))
    assert world.wallet.debt == AMOUNT_MAX
    world.apply(overage("0.000000001", seq=2))
    assert [(event.kind, event.code) for event in world.outputs if isinstance(event, AccountEvent)] == [
        ("overage_refused", "amount_too_large")
    ]
    assert (world.wallet.debt, world.wallet.overage_seq) == (AMOUNT_MAX, 2)
