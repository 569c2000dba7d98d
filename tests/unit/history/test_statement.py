"""A period's statement: what each balance was, what came, what was used, what is left."""

from collections.abc import Sequence
from dataclasses import astuple, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.told import HOUR, OWNER, T0, event

from drawdown.history.filters import Period
from drawdown.history.happenings import effect_of
from drawdown.history.rows import AsOf, EventRow
from drawdown.history.statement import PlanLine, Statement, Used, statement_of

PERIOD = Period(T0, T0 + 24 * HOUR)
AT = AsOf(3, 10, 20, "2026-01-02T00:00:00.000Z")
BEFORE, IN = T0 - 1, T0
PLAN = "plan"


def happened(kind: str, amount: int = 0, at: int = IN, *, begun: bool = False, plan: str | None = "p") -> EventRow:
    balance, change, status = effect_of(kind, amount, begun=begun)
    return event(kind, amount, change, balance, plan=plan, appended=at, status=status)


def used(amount: int, part: int = 1, payer: str = PLAN, payer_id: str = "p", service: str = "inference") -> Used:
    return Used(service, payer, payer_id, part, amount)


def made(events: Sequence[EventRow] = (), usage: Sequence[Used] = (), period: Period = PERIOD) -> Statement:
    return statement_of(OWNER, period, usage, events, AT)


def cells(line: object) -> tuple[int, ...]:
    """Give a line's amounts in quanta."""
    told = [text for text in astuple(line) if "." in text]  # type: ignore[call-overload]
    return tuple(int(Decimal(text).scaleb(9)) for text in told)


def plan(*events: EventRow, usage: Sequence[Used] = ()) -> tuple[int, ...]:
    """Give the one plan's opening, purchased, added, used, forfeited, moved, closing."""
    (line,) = made(events, usage).plans
    assert line.plan == "p"
    return cells(line)


def test_an_account_of_which_nothing_is_known_has_nothing() -> None:
    told = made()
    assert (told.account, told.currency, told.whole, told.as_of) == ("acc", "USD", True, AT)
    assert (told.start, told.end) == ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z")
    assert (told.plans, told.services, told.paid) == ([], [], "0.000000000")
    assert cells(told.vouchers) == (0, 0, 0, 0, 0)
    assert cells(told.top_ups_less_debt) == (0, 0, 0, 0, 0)
    assert not statement_of(replace(OWNER, whole=False), PERIOD, (), (), AT).whole


def test_a_plan_is_bought_and_used() -> None:
    assert plan(happened("plan_activated", 100), usage=[used(30)]) == (0, 100, 0, 30, 0, 0, 70)
    assert plan(happened("plan_activated", 100, BEFORE), usage=[used(30, 0), used(5)]) == (70, 0, 0, 5, 0, 0, 65)


def test_an_instant_at_the_beginning_is_in_the_period() -> None:
    assert plan(happened("plan_activated", 9, T0)) == (0, 9, 0, 0, 0, 0, 9)
    assert plan(happened("plan_activated", 9, T0 - 1)) == (9, 0, 0, 0, 0, 0, 9)


def test_a_plan_that_was_scheduled_brings_its_amount_once() -> None:
    events = happened("plan_scheduled", 100, BEFORE), happened("plan_activated", 100, begun=True)
    assert plan(*events) == (100, 0, 0, 0, 0, 0, 100)


def test_what_is_added_to_a_plan() -> None:
    events = happened("plan_activated", 100, BEFORE), happened("amount_added", 20)
    assert plan(*events, usage=[used(110)]) == (100, 0, 20, 110, 0, 0, 10)


def test_a_settled_plan_has_nothing_left() -> None:
    events = happened("plan_activated", 100, BEFORE), happened("plan_settled", 70)
    assert plan(*events, usage=[used(20, 0), used(10)]) == (80, 0, 0, 10, 70, 0, 0)


def test_what_a_settled_plan_neither_spent_nor_forfeited_has_moved() -> None:
    old = happened("plan_activated", 100, BEFORE), happened("plan_settled", 0)
    new = happened("plan_activated", 50, plan="q"), happened("amount_added", 60, plan="q")
    assert [(line.plan, cells(line)) for line in made([*old, *new], [used(40, 0)]).plans] == [
        ("p", (60, 0, 0, 0, 0, 60, 0)),
        ("q", (0, 50, 60, 0, 0, 0, 110)),
    ]


def test_what_a_replaced_plan_had_left_has_moved() -> None:
    events = happened("plan_activated", 100), happened("plan_replaced"), happened("plan_settled")
    assert plan(*events, usage=[used(25)]) == (0, 100, 0, 25, 0, 75, 0)


def test_a_plan_that_is_cancelled_before_it_begins_is_taken_back() -> None:
    assert plan(happened("plan_scheduled", 100), happened("plan_cancelled", 30)) == (0, 100, 0, 0, 0, 100, 0)


def test_a_plan_that_is_cancelled_while_it_runs_closes_when_it_is_settled() -> None:
    running = happened("plan_activated", 100, BEFORE)
    cancelled = replace(happened("plan_cancelled"), about={"period": {"start": "a", "end": "b"}})
    assert plan(running, cancelled, usage=[used(10)]) == (100, 0, 0, 10, 0, 0, 90)
    assert plan(running, cancelled, happened("plan_settled", 90), usage=[used(10)]) == (100, 0, 0, 10, 90, 0, 0)


@pytest.mark.parametrize("kind", ["plan_settled", "plan_replaced", "plan_cancelled"])
def test_a_plan_that_was_over_before_the_period_is_not_on_it(kind: str) -> None:
    assert made([happened("plan_activated", 100, BEFORE), happened(kind, 0, BEFORE)], [used(40, 0)]).plans == []


@pytest.mark.parametrize("kind", ["plan_drafted", "plan_offered", "plan_confirmed", "plan_lapsed", "plan_cancelled"])
def test_a_plan_that_was_only_offered_is_not_on_it(kind: str) -> None:
    assert made([happened("plan_drafted", 100), happened(kind, 100)]).plans == []


def test_vouchers_are_one_line() -> None:
    events = [
        happened(kind, amount, at, plan=None)
        for kind, amount, at in (
            ("voucher_granted", 100, BEFORE),
            ("voucher_forfeited", 10, BEFORE),
            ("voucher_granted", 50, IN),
            ("voucher_used_up", 0, IN),
            ("voucher_expiring", 7, IN),
            ("voucher_forfeited", 5, IN),
        )
    ]
    told = made(events, [used(20, 0, "voucher", "v"), used(30, 1, "voucher", "v"), used(1, 1, "voucher", "w")])
    assert cells(told.vouchers) == (70, 50, 31, 5, 84)
    assert told.plans == []


def test_top_ups_less_debt_are_one_line() -> None:
    events = [
        happened(kind, amount, at, plan=None)
        for kind, amount, at in (
            ("topped_up", 10, BEFORE),
            ("debt_begun", 15, BEFORE),
            ("topped_up", 40, IN),
            ("debt_paid", 15, IN),
            ("adjusted", -5, IN),
            ("adjusted", 3, IN),
            ("debt_written_off", 3, IN),
        )
    ]
    usage = [used(10, 0, "top_up", "t"), used(15, 0, "debt", ""), used(8, 1, "top_up", "u"), used(2, 1, "debt", "")]
    assert cells(made(events, usage).top_ups_less_debt) == (-15, 40, -2, 10, 13)


def test_services_tell_who_paid_and_what_was_before_is_not_on_them() -> None:
    usage = [
        used(1),
        used(2, payer_id="q"),
        used(4, payer="voucher", payer_id="v"),
        used(8, payer="top_up", payer_id="t"),
        used(16, payer="debt", payer_id=""),
        used(0, payer="none", payer_id=""),
        used(32, service="fine-tuning", payer="debt", payer_id=""),
        used(64, 0),
        used(128, 0, service="gpu-container"),
    ]
    assert [(line.service, cells(line)) for line in made(usage=usage).services] == [
        ("fine-tuning", (0, 0, 0, 32, 32)),
        ("inference", (3, 4, 8, 16, 31)),
    ]


def test_paid_is_what_came_in_for_plans_in_the_period() -> None:
    events = [
        happened("payment_recorded", 5, BEFORE),
        happened("payment_recorded", 7),
        happened("payment_requested", 11),
        happened("payment_recorded", 13),
        happened("topped_up", 17, plan=None),
    ]
    assert made(events).paid == "0.000000020"


def test_plans_are_in_the_order_of_their_names() -> None:
    events = [happened("plan_activated", 1, plan=name) for name in ("b", "c", "a")]
    assert [line.plan for line in made(events).plans] == ["a", "b", "c"]


KINDS = (
    *("plan_activated", "amount_added", "plan_settled", "plan_replaced", "plan_cancelled", "voucher_granted"),
    *("voucher_forfeited", "topped_up", "adjusted", "payment_recorded"),
)
EVENTS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 2**61), st.integers(-3, 4), st.sampled_from("pq")), max_size=12
)
USAGE = st.lists(
    st.tuples(st.sampled_from(("plan", "voucher", "top_up", "debt")), st.integers(0, 2**61), st.integers(-3, 3)),
    max_size=8,
)


@examples(200)
@given(EVENTS, USAGE, st.integers(-2, 2), st.integers(-2, 2))
def test_a_period_opens_with_what_the_one_before_closed_with(
    told: list[tuple[str, int, int, str]], usage: list[tuple[str, int, int]], one: int, two: int
) -> None:
    start, middle, end = -4, min(one, two), max(one, two) + 1
    first, second, whole = (of_hours(told, usage, *period) for period in ((start, middle), (middle, end), (start, end)))
    for line in (*first.plans, *second.plans, *whole.plans):
        opening, purchased, added, spent, forfeited, moved, closing = cells(line)
        assert closing == opening + purchased + added - spent - forfeited - moved
    closed, opened = _left(first.plans, -1), _left(second.plans, 0)
    assert closed == opened
    assert _left(second.plans, -1) == _left(whole.plans, -1)
    for which in ("vouchers", "top_ups_less_debt"):
        early, late, both = (cells(getattr(made, which)) for made in (first, second, whole))
        assert early[-1] == late[0]
        assert late[-1] == both[-1]
        assert [a + b for a, b in zip(early[1:-1], late[1:-1], strict=True)] == list(both[1:-1])
    assert Decimal(first.paid) + Decimal(second.paid) == Decimal(whole.paid)


def of_hours(
    told: list[tuple[str, int, int, str]], usage: list[tuple[str, int, int]], start: int, end: int
) -> Statement:
    """Make the statement from one hour to another."""
    rows = sorted(told, key=lambda one: one[2])
    events = [happened(kind, amount, T0 + hour * HOUR, plan=name) for kind, amount, hour, name in rows if hour < end]
    spent = [used(amount, int(hour >= start), payer) for payer, amount, hour in usage if hour < end]
    return made(events, spent, Period(T0 + start * HOUR, T0 + end * HOUR))


def _left(lines: Sequence[PlanLine], which: int) -> dict[str, int]:
    return {line.plan: amount for line in lines if (amount := cells(line)[which])}
