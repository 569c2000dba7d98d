"""Pause, resume, cancel; how much is used and how near the end is, each told once."""

import pytest
from msgspec.structs import replace
from tests.support.domain import DAY, HOUR, T0, World, container, paid_by, quota, tokens, usd
from tests.unit.domain.test_offers_and_payment import POSTPAID, Sale, parts

from drawdown.domain.calendar import add_months
from drawdown.domain.commands import CancelPlan, PausePlan, ResumePlan
from drawdown.domain.cycles import cycle_starts, next_cycle_start
from drawdown.domain.limits import GAPS_MAX
from drawdown.domain.model import Gap

END = T0 + 30 * DAY


def paused(until: int | None = None, at: int = T0) -> World:
    world = World()
    world.activate()
    world.apply(PausePlan("acc", "p", until), at)
    return world


def test_a_paused_plan_covers_nothing_and_its_end_moves_by_the_pause() -> None:
    world = paused(T0 + 10 * DAY)
    charge, overage = world.use(tokens(1_000_000, T0))
    assert charge is None
    assert overage is not None
    charge, _ = world.use(tokens(1_000_000, T0 - 1), at=T0 + HOUR)
    assert paid_by(charge) == [("p", usd("1"))]
    assert world.plan().end == END + 10 * DAY


def test_a_pause_ends_by_itself_at_its_instant_also_for_usage_that_comes_before_the_timer() -> None:
    world = paused(T0 + 2 * DAY)
    charge, _ = world.use(tokens(1_000_000, T0 + 2 * DAY))
    assert paid_by(charge) == [("p", usd("1"))]
    world.timer(T0 + 3 * DAY)
    assert world.kinds() == [("plan_resumed", "time")]
    assert (world.plan().status, world.plan().end) == ("active", END + 2 * DAY)


def test_a_pause_that_is_cut_short_gives_back_what_it_did_not_use() -> None:
    world = paused()
    assert world.plan().end == END + 30 * DAY
    world.apply(ResumePlan("acc", "p"), T0 + 3 * DAY)
    assert world.kinds() == [("plan_resumed", "request")]
    assert world.plan().end == END + 3 * DAY


def test_an_interval_is_cut_where_a_pause_begins_and_ends() -> None:
    world = paused(T0 + HOUR)
    world.timer(T0 + HOUR)
    charge, overage = world.use(container(T0 - HOUR, T0 + 2 * HOUR))
    assert paid_by(charge) == [("p", usd("3.6")), ("p", usd("3.6"))]
    assert overage is not None
    assert overage.total == usd("7.2")


def test_an_open_ended_plan_may_be_paused_too() -> None:
    world = World()
    world.activate(end=None)
    world.apply(PausePlan("acc", "p", None))
    world.apply(ResumePlan("acc", "p"), T0 + DAY)
    assert world.plan().end is None


@pytest.mark.parametrize(
    ("change", "until", "at", "code"),
    [
        ({"plan": "other"}, None, T0, "unknown_plan"),
        ({}, T0, T0, "bad_interval"),
        ({}, T0 + 30 * DAY + 1, T0, "bad_interval"),
        ({"start": T0 + 1}, None, T0, "wrong_status"),
        ({}, None, END, "wrong_status"),
    ],
)
def test_a_pause_that_cannot_be_is_refused(change: dict[str, object], until: int | None, at: int, code: str) -> None:
    world = World()
    world.activate(**change)  # type: ignore[arg-type]
    world.apply(PausePlan("acc", "p", until), at)
    assert world.kinds() == [("command_refused", code)]


def test_a_plan_is_paused_three_times_at_most() -> None:
    world = World()
    world.activate()
    for number in range(3):
        world.apply(PausePlan("acc", "p", None), T0 + number * DAY)
        world.apply(ResumePlan("acc", "p"), T0 + number * DAY + HOUR)
    world.apply(PausePlan("acc", "p", None), T0 + 5 * DAY)
    assert world.kinds() == [("command_refused", "pause_limit")]
    world.apply(ResumePlan("acc", "p"), T0 + 5 * DAY)
    assert world.kinds() == [("command_refused", "wrong_status")]


def test_a_plan_remembers_so_many_pauses_and_suspensions_and_is_then_not_paused() -> None:
    world = World()
    world.activate()
    assert world.state is not None
    suspended = tuple(Gap(T0 - DAY + number, T0 - DAY + number + 1, pause=False) for number in range(GAPS_MAX))
    world.state = replace(world.state, plans=(replace(world.plan(), gaps=suspended[1:]),))
    before = world.state
    world.apply(PausePlan("acc", "p", None))
    assert world.kinds() == [("plan_paused", "")]
    world.state = replace(before, plans=(replace(world.plan(), status="active", gaps=suspended),))
    world.apply(PausePlan("acc", "p", None))
    assert world.kinds() == [("command_refused", "pause_limit")]


def test_cycles_and_statements_move_with_a_pause() -> None:
    world = Sale()
    world.confirmed(POSTPAID, months=3)
    first = add_months(T0, 1, "UTC")
    world.apply(PausePlan("acc", "p", T0 + 5 * DAY), T0 + DAY)
    assert world.plan().statement_at == first + 4 * DAY
    world.apply(ResumePlan("acc", "p"), T0 + 3 * DAY)
    plan = world.plan()
    assert plan.statement_at == first + 2 * DAY == next_cycle_start(plan, T0 + 3 * DAY, "UTC")
    second = add_months(T0, 2, "UTC") + 2 * DAY
    assert cycle_starts(plan, T0, second + 1, "UTC") == [first + 2 * DAY, second]


def test_a_pause_leaves_due_dates_and_ends_where_the_plan_is_suspended() -> None:
    world = Sale()
    world.confirmed(parts(T0 + DAY), months=3)
    world.pay(1, "40")
    end = world.plan().end
    assert end is not None
    world.apply(PausePlan("acc", "p", None), T0 + 4 * DAY)
    world.timer(T0 + 8 * DAY)
    assert world.kinds()[-1] == ("plan_suspended", "payment")
    assert world.plan().end == end + 4 * DAY


def test_a_plan_cancelled_now_covers_nothing_more_and_settles_after_its_grace() -> None:
    world = World()
    world.activate()
    world.apply(CancelPlan("acc", "p", at_cycle_end=False), T0 + HOUR)
    assert world.kinds() == [("plan_cancelled", ""), ("plan_expired", "cancelled")]
    charge, _ = world.use(tokens(1_000_000, T0 + HOUR - 1), at=T0 + 2 * HOUR)
    assert paid_by(charge) == [("p", usd("1"))]
    charge, _ = world.use(tokens(1_000_000, T0 + HOUR))
    assert charge is None
    world.timer(T0 + HOUR + DAY)
    assert world.kinds() == [("plan_settled", "")]
    assert world.plan().forfeited == usd("99")


def test_a_plan_cancelled_at_its_cycles_end_goes_on_until_then() -> None:
    world = World()
    world.activate(start=T0, end=None)
    world.apply(CancelPlan("acc", "p", at_cycle_end=True), T0 + DAY)
    assert world.kinds() == [("plan_cancelled", "")]
    end = add_months(T0, 1, "UTC")
    assert world.plan().end == end
    world.apply(CancelPlan("acc", "p", at_cycle_end=False), T0 + DAY)
    assert world.kinds() == [("command_refused", "wrong_status")]
    world.timer(end)
    assert world.kinds()[-1] == ("plan_expired", "cancelled")


def test_a_paused_plan_may_be_cancelled() -> None:
    world = paused()
    world.apply(CancelPlan("acc", "p", at_cycle_end=False), T0 + DAY)
    assert world.kinds() == [("plan_cancelled", ""), ("plan_expired", "cancelled")]


def test_shares_of_the_amount_and_of_quotas_are_told_once_at_the_very_unit() -> None:
    world = World()
    world.activate(amount="10", quotas=(quota("inference", "4"),))
    world.use(tokens(1_999_999))
    assert world.kinds(notices=True) == []
    world.use(tokens(1, T0 + 1))
    assert world.kinds(notices=True) == [("quota_used", "50")]
    world.use(container(T0, T0 + HOUR))
    assert world.kinds(notices=True) == [("amount_used", "50")]
    world.use(tokens(2_000_000, T0 + 2))
    told = world.kinds(notices=True)
    assert told == [("quota_used", "80"), ("quota_used", "90"), ("quota_used", "100")]
    world.use(container(T0 + HOUR, T0 + 3 * HOUR))
    told = world.kinds(notices=True)
    assert told[:3] == [("amount_used", "80"), ("amount_used", "90"), ("amount_used", "100")]


def test_the_end_is_told_30_7_and_1_days_ahead_and_not_again_after_a_pause() -> None:
    world = World()
    world.activate(end=T0 + 40 * DAY)
    for days in (30, 7, 1):
        at = T0 + (40 - days) * DAY
        assert world.timer(at - 1) is None
        world.timer(at)
        assert world.kinds() == [("plan_ending", str(days))]
    world.apply(PausePlan("acc", "p", None), T0 + 39 * DAY)
    world.apply(ResumePlan("acc", "p"), T0 + 45 * DAY)
    assert world.timer(T0 + 46 * DAY - 1) is None
    world.timer(T0 + 46 * DAY)
    assert world.kinds() == [("plan_expired", "time")]


def test_reminders_whose_time_is_over_at_the_activation_are_left_out() -> None:
    world = World()
    world.activate(end=T0 + 7 * DAY)
    world.timer(T0 + 6 * DAY)
    assert world.kinds() == [("plan_ending", "1")]
