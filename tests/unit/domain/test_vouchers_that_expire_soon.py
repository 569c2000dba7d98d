"""Reminders before a voucher's expiry: each once, late rather than never, and none from before the grant."""

import pytest
from msgspec.structs import replace
from tests.support.codes import CODE, answer
from tests.support.domain import DAY, POLICY, T0, usd
from tests.support.wallet import World, voucher

from drawdown.domain.outputs import AccountEvent, Period
from drawdown.domain.wallet.decide import due_of_wallet
from drawdown.domain.wallet.model import RedeemCode

END = T0 + 40 * DAY
THIRTY, SEVEN, ONE = END - 30 * DAY, END - 7 * DAY, END - DAY


def told(world: World) -> list[tuple[str | None, str]]:
    return [(event.credit, event.reason) for event in world.events() if event.kind == "voucher_expiring"]


def granted(*names: str, expires: int = END) -> World:
    world = World()
    world.give(*(voucher(name, expires=expires) for name in names))
    return world


def test_each_reminder_is_due_and_told_at_its_instant_and_not_before() -> None:
    world = granted("v")
    for at, days in ((THIRTY, "30"), (SEVEN, "7"), (ONE, "1")):
        assert due_of_wallet(world.wallet, POLICY) == at
        assert world.timer(at - 1) is None
        world.timer(at)
        assert told(world) == [("v", days)]
        assert world.timer(at) is None
    assert due_of_wallet(world.wallet, POLICY) == END + POLICY.longest_window_ms + POLICY.skew_ms


def test_a_reminder_tells_what_is_left_and_until_when() -> None:
    world = granted("v")
    world.use("4")
    world.timer(SEVEN)
    event = world.outputs[-1]
    assert isinstance(event, AccountEvent)
    assert (event.amount, event.about) == (usd("6"), Period(SEVEN, END))
    assert event.detail == "voucher v expires within 7 days"


def test_late_reminders_are_all_told_in_order_and_not_twice() -> None:
    world = granted("b", "a")
    world.timer(ONE)
    assert told(world) == [("b", "30"), ("a", "30"), ("b", "7"), ("a", "7"), ("b", "1"), ("a", "1")]
    assert world.timer(END) is None


def test_very_late_ones_come_before_the_forfeiture() -> None:
    world = granted("v")
    world.timer(END + 30 * DAY)
    assert [event.kind for event in world.events()] == ["voucher_expiring"] * 3 + ["voucher_forfeited"]
    assert world.wallet.vouchers == ()


@pytest.mark.parametrize(
    ("at", "days"),
    [
        (THIRTY - 1, ["30", "7", "1"]),
        (THIRTY, ["7", "1"]),
        (SEVEN - 1, ["7", "1"]),
        (SEVEN, ["1"]),
        (ONE, []),
        (END, []),
    ],
)
def test_reminders_from_before_the_grant_are_left_out(at: int, days: list[str]) -> None:
    world = World()
    world.give(voucher(expires=END), at=at)
    world.timer(END + DAY)
    assert [reason for _, reason in told(world)] == days if days else world.timer(END + DAY) is None


def test_so_is_it_for_the_credit_of_a_code() -> None:
    world = World()
    world.give(RedeemCode("acc", "r", CODE), answer(expires=END), at=SEVEN)
    assert due_of_wallet(world.wallet, POLICY) == ONE


def test_a_voucher_that_is_used_up_is_not_told() -> None:
    world = granted("v", "w")
    world.use("10")
    world.timer(THIRTY)
    assert told(world) == [("w", "30")]


def test_a_state_from_before_there_were_reminders_is_told_late() -> None:
    world = granted("v")
    world.state = replace(world.wallet, vouchers=tuple(replace(one, reminded=0) for one in world.wallet.vouchers))
    world.timer(SEVEN)
    assert told(world) == [("v", "30"), ("v", "7")]
