"""Top-ups, adjustments and debt: what is refused, what pays debt first, what is taken back."""

import pytest
from msgspec.structs import replace
from tests.support.domain import DAY, T0, item, usd
from tests.support.wallet import World, adjustment, money, top_up, voucher

from drawdown.domain.limits import AMOUNT_MAX, TOP_UPS_MAX, WALLET_PAST_MAX
from drawdown.domain.wallet.model import TopUp, Wallet, WalletCommand

LARGEST = "4611686018.427387903"


# --- top-ups -------------------------------------------------------------------------------------


def test_a_top_up_is_credited_and_told() -> None:
    world = World()
    world.give(top_up("pay-1", "25.5"))
    assert world.told() == [("topped_up", "pay-1", usd("25.5"))]
    assert world.left() == {"pay-1": usd("25.5")}


@pytest.mark.parametrize(
    ("currency", "smallest", "less"),
    [
        ("VND", "500000", "499999.999999"),
        ("JPY", "3000", "2999.999999"),
        ("USD", "25", "24.999999999"),
        ("EUR", "0.000000001", "0"),
    ],
)
def test_the_smallest_top_up_is_that_of_the_currency(currency: str, smallest: str, less: str) -> None:
    world = World(currency=currency)
    assert world.refusal(top_up("less", less, currency)) == "below_minimum"
    world.give(top_up("enough", smallest, currency))
    assert world.left() == {"enough": money(smallest, currency)}


def test_a_refusal_for_its_size_says_what_the_smallest_is() -> None:
    world = World()
    world.apply(top_up("t", "24.99"))
    assert "24.990000000 USD" in world.events()[0].detail
    assert "25.000000000" in world.events()[0].detail


def test_a_payments_reference_is_credited_once_even_when_it_is_spent() -> None:
    world = World()
    world.give(top_up())
    assert world.refusal(top_up()) == "reference_exists"
    assert world.refusal(top_up("t", "99")) == "reference_exists"
    world.use("25")
    assert world.left() == {}
    assert world.refusal(top_up()) == "reference_exists"


def test_ids_of_vouchers_payments_and_adjustments_are_apart() -> None:
    world = World()
    world.give(voucher("same"), top_up("same"), adjustment("1", "same"))


def test_ids_are_known_again_up_to_a_limit_the_oldest_going_first() -> None:
    world = World()
    world.give(top_up("first"), top_up("second"))
    assert world.state is not None
    world.state = replace(world.state, past=(*world.state.past, *(b"%8d" % n for n in range(WALLET_PAST_MAX - 2))))
    assert world.refusal(top_up("first")) == "reference_exists"
    world.give(top_up("third"))
    assert len(world.wallet.past) == WALLET_PAST_MAX
    assert world.refusal(top_up("second")) == "reference_exists"
    assert world.refusal(top_up("third")) == "reference_exists"


# --- debt ----------------------------------------------------------------------------------------


def test_what_nothing_pays_is_debt_without_a_floor() -> None:
    world = World()
    for number in range(1, 5):
        assert world.use("1000000") == [("debt", None, usd("1000000"))]
        assert world.wallet.debt == number * usd("1000000")


def test_a_top_up_pays_debt_first_and_the_rest_stays() -> None:
    world = World()
    world.use("10")
    world.give(top_up())
    assert world.told() == [("topped_up", "t", usd("25")), ("debt_paid", "t", usd("10"))]
    assert world.wallet.debt == 0
    assert world.left() == {"t": usd("15")}


@pytest.mark.parametrize(("owed", "left"), [("25", "0"), ("40", "15")])
def test_a_top_up_that_debt_takes_whole_leaves_no_credit(owed: str, left: str) -> None:
    world = World()
    world.use(owed)
    world.give(top_up())
    assert world.told() == [("topped_up", "t", usd("25")), ("debt_paid", "t", usd("25"))]
    assert (world.wallet.debt, world.left()) == (usd(left), {})


def test_several_top_ups_pay_debt_one_after_the_other() -> None:
    world = World()
    world.use("40")
    world.give(top_up("a"), top_up("b"))
    assert world.told() == [("topped_up", "b", usd("25")), ("debt_paid", "b", usd("15"))]
    world.give(top_up("c"))
    assert world.told() == [("topped_up", "c", usd("25"))]
    assert world.left() == {"b": usd("10"), "c": usd("25")}


def test_a_voucher_pays_no_debt() -> None:
    world = World()
    world.use("10")
    world.give(voucher())
    assert (world.wallet.debt, world.left()) == (usd("10"), {"v": usd("10")})


# --- adjustments ---------------------------------------------------------------------------------


def test_an_adjustment_upwards_is_credit_and_pays_debt_first() -> None:
    world = World()
    world.use("1")
    world.give(adjustment("3", "a-1"))
    assert world.told() == [("adjusted", "a-1", usd("3")), ("debt_paid", "a-1", usd("1"))]
    assert world.left() == {"a-1": usd("2")}
    assert world.use("2") == [("top_up", "a-1", usd("2"))]


def test_an_adjustment_downwards_takes_back_from_the_first_top_ups_and_never_from_vouchers() -> None:
    world = World()
    world.give(top_up("a"), top_up("b"), voucher())
    world.give(adjustment("-30"))
    assert world.told() == [("adjusted", "a", -usd("30"))]
    assert (world.left(), world.wallet.debt) == ({"v": usd("10"), "b": usd("20")}, 0)


def test_what_top_ups_do_not_hold_becomes_debt_when_it_is_taken_back() -> None:
    world = World()
    world.give(top_up(), adjustment("-30"))
    assert (world.left(), world.wallet.debt) == ({}, usd("5"))


def test_an_adjustment_tells_its_reason_and_operator() -> None:
    world = World()
    world.give(adjustment("1", reason="outage of 3 May", operator="mai"))
    assert world.events()[0].detail == "adjusted by mai: outage of 3 May"


def test_an_adjustment_is_applied_once_and_is_not_of_nothing() -> None:
    world = World()
    assert world.refusal(adjustment("0")) == "bad_amount"
    world.give(adjustment("1"))
    assert world.refusal(adjustment("-1")) == "adjustment_exists"


def test_an_adjustment_upwards_needs_no_smallest_amount() -> None:
    world = World()
    world.give(adjustment("0.000000001"))
    assert world.left() == {"a": 1}


def test_a_grant_is_credit_of_any_size_that_pays_debt_first() -> None:
    world = World()
    world.use("1")
    world.give(adjustment("3", kind="grant"))
    assert world.told() == [("adjusted", "a", usd("3")), ("debt_paid", "a", usd("1"))]
    assert world.events()[0].reason == "grant"
    assert world.left() == {"a": usd("2")}


@pytest.mark.parametrize(("amount", "owed"), [("0.000000001", "1.999999999"), ("2", "0")])
def test_a_write_off_lessens_debt_and_nothing_else(amount: str, owed: str) -> None:
    world = World()
    world.give(voucher("v", "10", item("fine-tuning")))
    world.use("2")
    world.give(adjustment(amount, kind="write_off"))
    assert world.told() == [("adjusted", "a", usd(amount)), ("debt_written_off", "a", usd(amount))]
    assert world.events()[0].reason == "write_off"
    assert (world.wallet.debt, world.left()) == (usd(owed), {"v": usd("10")})


def test_no_more_is_written_off_than_is_owed() -> None:
    world = World()
    world.use("2")
    assert world.refusal(adjustment("2.000000001", kind="write_off")) == "more_than_debt"
    assert "2.000000001 USD is more than what is owed, 2.000000000" in world.events()[0].detail
    assert world.wallet.debt == usd("2")


def test_a_write_off_needs_no_room_for_a_top_up() -> None:
    world = full()
    world.use(str(TOP_UPS_MAX + 3))
    world.give(adjustment("3", kind="write_off"))
    assert world.wallet.debt == 0


# --- limits --------------------------------------------------------------------------------------


def full() -> World:
    """A wallet with as many top-ups as there can be."""
    world = World()
    world.state = replace(world.wallet, top_ups=tuple(TopUp(f"t{n}", usd("1")) for n in range(TOP_UPS_MAX)))
    return world


@pytest.mark.parametrize("command", [top_up(), adjustment("1")])
def test_a_wallet_has_at_most_so_many_top_ups(command: WalletCommand) -> None:
    world = full()
    assert world.refusal(command) == "too_many_top_ups"
    world.use("1")
    world.give(command)
    assert len(world.wallet.top_ups) == TOP_UPS_MAX


def test_a_wallet_holds_at_most_the_largest_amount() -> None:
    world = World()
    world.give(top_up("most", LARGEST))
    assert world.refusal(top_up("more")) == "bad_amount"
    assert world.refusal(adjustment("0.000000001")) == "bad_amount"
    assert world.left() == {"most": AMOUNT_MAX}


def test_a_wallet_owes_at_most_the_largest_amount_by_what_is_taken_back() -> None:
    world = World()
    world.give(adjustment(f"-{LARGEST}"))
    assert world.wallet.debt == AMOUNT_MAX
    assert world.refusal(adjustment("-0.000000001", "b")) == "bad_amount"


@pytest.mark.parametrize("command", [voucher(currency="VND"), top_up(currency="VND", amount="500000"),
                                     adjustment("1", currency="VND")])  # fmt: skip
def test_nothing_in_another_currency_is_taken(command: WalletCommand) -> None:
    world = World()
    assert world.refusal(command) == "wrong_currency"


def test_a_wallet_never_owes_while_a_top_up_holds_something() -> None:
    world = World()

    def sound(wallet: Wallet) -> bool:
        return not (wallet.debt and wallet.top_ups)

    world.give(top_up("a"), at=T0 + DAY)
    for command in (adjustment("-30", "b"), adjustment("2", "c"), top_up("d"), adjustment("-20", "e")):
        world.give(command)
        assert sound(world.wallet)
    assert (world.wallet.debt, world.left()) == (0, {"d": usd("2")})
