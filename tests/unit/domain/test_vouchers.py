"""A voucher's life: granted or refused, used up, forfeited by a timer and never before, all of it conserved."""

import pytest
from msgspec.structs import replace
from tests.support.domain import DAY, POLICY, T0, item, usd
from tests.support.wallet import EXPIRES, FORFEITED, World, part, top_up, voucher

from drawdown.domain.limits import AMOUNT_MAX, SKEW_MS, VOUCHERS_MAX, WINDOW_DEFAULT_MS
from drawdown.domain.policy import Policy
from drawdown.domain.wallet.decide import due_of_wallet, forfeited_at
from drawdown.domain.wallet.model import GrantVoucher, Part, Voucher


def test_a_granted_voucher_is_told_with_its_whole_amount() -> None:
    world = World()
    world.give(voucher("welcome", parts=(part("1.5", item("inference")), part("2"))))
    assert world.told() == [("voucher_granted", "welcome", usd("3.5"))]
    (granted,) = world.wallet.vouchers
    assert (granted.priority, granted.expires, granted.granted) == (100, EXPIRES, world.wallet.applied)


# --- refusals ------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[GrantVoucher, int, str]] = {
    "another currency": (voucher("new", currency="VND"), T0, "wrong_currency"),
    "an id granted before": (voucher("old", "99"), T0, "voucher_exists"),
    "expired too long ago": (voucher("new"), FORFEITED, "voucher_expired"),
    "nothing": (voucher("new", "0"), T0, "bad_amount"),
    "nothing in any part": (voucher("new", parts=(part("0"), part("0"))), T0, "bad_amount"),
    "too much over its parts": (
        voucher("new", parts=(Part((), (), AMOUNT_MAX), Part((), (), 1))),
        T0,
        "bad_amount",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_grant_is_refused(case: str) -> None:
    command, at, code = REFUSED[case]
    world = World()
    world.give(voucher("old"))
    assert world.refusal(command, at) == code
    assert world.left() == {"old": usd("10")}


def test_a_wallet_has_at_most_so_many_vouchers_with_something_left() -> None:
    world = World()
    held = tuple(Voucher(f"v{n}", 100, EXPIRES, 1, (part("1"),)) for n in range(VOUCHERS_MAX))
    world.state = replace(world.wallet, vouchers=held)
    assert world.refusal(voucher()) == "too_many_vouchers"
    world.use("1")
    world.give(voucher())
    assert len(world.wallet.vouchers) == VOUCHERS_MAX


def test_an_expired_voucher_may_be_granted_while_usage_from_before_can_still_come() -> None:
    world = World()
    world.give(voucher(), at=FORFEITED - 1)
    assert world.use(time=EXPIRES, at=FORFEITED - 1) == [("voucher", "v", usd("1"))]


def test_a_refused_id_may_be_granted_once_the_cause_is_mended() -> None:
    world = World()
    assert world.refusal(voucher("v", "0")) == "bad_amount"
    world.give(voucher("v", "1"))


@pytest.mark.parametrize("end", ["used up", "forfeited"])
def test_the_id_of_a_voucher_that_is_gone_is_never_granted_again(end: str) -> None:
    world = World()
    world.give(voucher())
    if end == "used up":
        world.use("10")
    else:
        world.timer(FORFEITED)
    assert world.left() == {}
    assert world.refusal(voucher(expires=FORFEITED + 30 * DAY), FORFEITED) == "voucher_exists"


# --- used up -------------------------------------------------------------------------------------


def test_a_voucher_is_used_up_at_its_last_unit_by_itself() -> None:
    world = World()
    world.give(voucher())
    world.use("9.999999999")
    assert world.kinds() == [("low_balance", "")]
    world.use("0.000000001")
    assert world.told() == [("voucher_used_up", "v", 0)]
    assert world.wallet.vouchers == ()
    assert due_of_wallet(world.wallet, POLICY) is None


def test_vouchers_used_up_by_one_overage_are_told_by_name() -> None:
    world = World()
    world.give(voucher("z"), voucher("a"), voucher("kept"))
    world.use("25")
    assert world.told()[:2] == [("voucher_used_up", "a", 0), ("voucher_used_up", "z", 0)]


# --- forfeited -----------------------------------------------------------------------------------


def test_a_voucher_is_forfeited_at_its_expiry_plus_the_longest_window_plus_the_skew() -> None:
    assert FORFEITED == EXPIRES + WINDOW_DEFAULT_MS + SKEW_MS
    assert forfeited_at(T0, Policy({"inference": 7}, 5, 1)) == T0 + 8
    assert forfeited_at(T0, Policy({}, 5, 1)) == T0 + 6


def test_a_timer_forfeits_what_is_left_then_and_never_before() -> None:
    world = World()
    world.give(voucher())
    world.use("4")
    world.timer(EXPIRES)  # what is told before the expiry
    for early in (EXPIRES + 1, FORFEITED - 1):
        assert world.timer(early) is None
    assert world.timer(FORFEITED) is not None
    assert world.told() == [("voucher_forfeited", "v", usd("6"))]
    assert world.wallet.vouchers == ()
    assert world.timer(FORFEITED + 1) is None


def test_only_the_vouchers_whose_time_is_over_are_forfeited_the_earliest_first() -> None:
    world = World()
    world.give(voucher("kept", expires=EXPIRES + 2), voucher("second", expires=EXPIRES + 1), voucher("first"), top_up())
    world.timer(EXPIRES)
    world.timer(FORFEITED + 1)
    assert world.told() == [("voucher_forfeited", "first", usd("10")), ("voucher_forfeited", "second", usd("10"))]
    assert world.left() == {"kept": usd("10"), "t": usd("25")}


def test_all_parts_of_a_split_voucher_are_forfeited_together() -> None:
    world = World()
    world.give(voucher(parts=(part("1", item("inference")), part("2", item("fine-tuning")))))
    world.use("1")
    world.timer(EXPIRES)
    world.timer(FORFEITED)
    assert world.told() == [("voucher_forfeited", "v", usd("2"))]


def test_the_wallet_wants_a_timer_at_the_earliest_forfeiture() -> None:
    world = World()
    assert due_of_wallet(world.wallet, POLICY) is None
    world.give(top_up(), voucher("later", expires=EXPIRES + 5), voucher("soon"))
    world.timer(EXPIRES)
    assert due_of_wallet(world.wallet, POLICY) == FORFEITED
    world.timer(FORFEITED)
    assert due_of_wallet(world.wallet, POLICY) == FORFEITED + 5


def test_a_command_after_the_time_forfeits_nothing_by_itself() -> None:
    world = World()
    world.give(voucher())
    world.give(top_up(), at=FORFEITED + DAY)
    assert world.left() == {"v": usd("10"), "t": usd("25")}


@pytest.mark.parametrize("used", ["0", "3.3", "10", "11"])
def test_what_was_granted_is_spent_or_forfeited(used: str) -> None:
    world = World()
    world.give(voucher())
    spent = sum(amount for kind, _, amount in world.use(used) if kind == "voucher")
    world.timer(FORFEITED)
    forfeited = sum(event.amount for event in world.events() if event.kind == "voucher_forfeited")
    assert spent + forfeited == usd("10")
