"""Counters of tiers and packages: what they count, when they begin anew, when they are dropped, how many may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.domain import DAY, HOUR, POLICY, T0, World, container, item, tokens, tuning, usd
from tests.support.messages import inference, structured
from tests.support.random_worlds import ANCHORS, ZONES

from drawdown.domain import counters as module
from drawdown.domain.calendar import month_end, month_number, month_starts_between, to_local
from drawdown.domain.commands import PausePlan, Replayed
from drawdown.domain.cycles import cycle_end, cycle_number, cycle_starts
from drawdown.domain.errors import Reject
from drawdown.domain.limits import COUNTERS_KEPT_MS, QUANTITY_MAX
from drawdown.domain.model import Dimensions, Gap, Plan
from drawdown.domain.prices import GRADUATED, ON_DEMAND, PACKAGE, PLAN, Book, Price, Prices, Tier
from drawdown.domain.quantity import MILLIONTHS
from drawdown.engine.input import Input
from drawdown.ledgers.plans import PlansLedger

HANOI = "Asia/Ho_Chi_Minh"
FEBRUARY = T0 + 31 * DAY
CLOSES = POLICY.longest_window_ms + COUNTERS_KEPT_MS  # after a period's end
Q: Dimensions = (("model", "Q"),)


def tiered(
    service: str = "inference", meter: str = "input_tokens", dimensions: Dimensions = (), at: str = "1"
) -> Price:
    return Price(service, meter, dimensions, 0, 1, GRADUATED, (Tier(10, usd(at)), Tier(None, usd("0.1"))))


def known(*more: Book, entries: tuple[Price, ...] = (tiered(),)) -> Prices:
    made = Prices()
    made.add(Book("on-demand-usd", 1, ON_DEMAND, "USD", 0, entries), 0)
    made.add(Book("plan-usd", 1, PLAN, "USD", 0, entries), 0)
    for book in more:
        made.add(book, 0)
    return made


def on_demand(world: World) -> list[tuple[int, int]]:
    """Period and whole units of each counter on demand."""
    assert world.state is not None
    return [(counter.period, counter.quantity // MILLIONTHS) for counter in world.state.counters]


def of_plan(world: World, name: str = "p") -> list[tuple[int, int]]:
    return [(counter.period, counter.quantity // MILLIONTHS) for counter in world.plan(name).counters]


def replayed(world: World, count: int, at: int, appended: int) -> None:
    world.apply(Replayed(tokens(count, at)), appended)


def test_a_price_counts_all_that_it_prices_whatever_the_usages_dimensions() -> None:
    world = World(known(entries=(tiered(), tiered(dimensions=(("region", "hn"),)))))
    world.use(tokens(4, T0))
    world.use(tokens(5, T0 + 1, dimensions=(("model", "Z"),)))
    world.use(tokens(6, T0 + 2, dimensions=(*Q, ("region", "hn"))))
    assert world.state is not None
    assert [(one.dimensions, one.quantity // MILLIONTHS) for one in world.state.counters] == [
        ((), 9),
        ((("region", "hn"),), 6),
    ]


def test_a_later_version_of_the_book_goes_on_with_the_months_counter() -> None:
    later = Book("on-demand-usd", 2, ON_DEMAND, "USD", T0 + HOUR, (tiered(at="7"),))
    world = World(known(later))
    world.use(tokens(9, T0 + HOUR - 1))
    _, overage = world.use(tokens(2, T0 + HOUR))
    assert overage is not None
    assert [line.amount for line in overage.lines] == [usd("7"), usd("0.1")]


def test_a_month_on_demand_begins_in_the_accounts_zone() -> None:
    world = World(known(), HANOI)
    for at in (FEBRUARY - 7 * HOUR - 1, FEBRUARY - 7 * HOUR, FEBRUARY):
        world.use(tokens(4, at))
    january = month_number(T0, HANOI)
    assert on_demand(world) == [(january, 4), (january + 1, 8)]


def test_a_plans_counters_begin_anew_with_its_cycle() -> None:
    world = World(known())
    world.activate(start=T0, end=T0 + 100 * DAY)
    for at in (T0, FEBRUARY - 1, FEBRUARY):
        world.use(tokens(4, at))
    assert of_plan(world) == [(0, 8), (1, 4)]


def test_late_usage_takes_its_cycles_counter_as_it_stands() -> None:
    world = World(known())
    world.activate(start=T0, end=T0 + 100 * DAY)
    world.use(tokens(8, FEBRUARY - 2))
    world.use(tokens(8, FEBRUARY))
    charge, _ = world.use(tokens(8, FEBRUARY - 1), FEBRUARY + HOUR)
    assert charge is not None
    assert [(line.tier, line.quantity // MILLIONTHS) for line in charge.lines] == [(1, 2), (2, 6)]
    assert of_plan(world) == [(0, 16), (1, 8)]


def test_a_pause_moves_the_cycle_and_so_its_counter() -> None:
    world = World(known())
    world.activate(start=T0, end=T0 + 100 * DAY)
    world.use(tokens(4, T0 + DAY))
    world.apply(PausePlan("acc", "p", FEBRUARY), FEBRUARY - 2 * DAY)
    for at in (FEBRUARY, FEBRUARY + 2 * DAY - 1, FEBRUARY + 2 * DAY):
        world.use(tokens(4, at))
    assert of_plan(world) == [(0, 12), (1, 4)]


def test_settlement_drops_a_plans_counters() -> None:
    world = World(known())
    world.activate(end=T0 + HOUR)
    world.use(tokens(4))
    world.timer(T0 + HOUR)
    assert of_plan(world) != []
    world.timer(T0 + HOUR + DAY)
    assert of_plan(world) == []


def test_a_plan_that_is_used_up_and_settled_at_once_keeps_no_counter() -> None:
    world = World(known())
    world.activate(amount="4", end=None)
    world.use(tokens(4))
    assert (world.plan().status, of_plan(world)) == ("expired", [])


def test_a_new_counter_drops_those_of_closed_periods_of_all_owners() -> None:
    world = World(known())
    world.activate("old", start=T0, end=T0 + 1_000 * DAY, scope=(item("inference"),))
    world.activate("new", start=T0, end=T0 + 1_000 * DAY, scope=(item("inference", model="Z"),))
    world.use(tokens(1, T0))
    world.use(tokens(1, FEBRUARY))
    world.use(tokens(1, FEBRUARY + CLOSES, dimensions=(("model", "Z"),)))
    assert of_plan(world, "old") == [(0, 1), (1, 1)]  # closed is what ended before, and this ended then
    assert world.state is not None
    world.use(tokens(1, FEBRUARY + CLOSES + 1))
    assert of_plan(world, "old") == [(1, 1), (2, 1)]


def test_a_counter_that_is_there_drops_nothing() -> None:
    world = World(known())
    world.use(tokens(1, T0))
    world.use(tokens(1, FEBRUARY + 28 * DAY))
    replayed(world, 1, FEBRUARY + 28 * DAY, FEBRUARY + CLOSES + 1)
    assert len(on_demand(world)) == 2
    assert world.apply(Replayed(tokens(1, FEBRUARY)), FEBRUARY + CLOSES + 1).grew  # type: ignore[union-attr]
    assert [quantity for _, quantity in on_demand(world)] == [1, 2]


def test_a_replay_finds_the_counter_of_its_month_until_that_is_closed() -> None:
    world = World(known())
    world.use(tokens(9, T0))
    replayed(world, 2, T0, FEBRUARY + CLOSES)
    assert on_demand(world) == [(month_number(T0, "UTC"), 11)]


def test_a_replay_for_a_closed_month_counts_by_itself() -> None:
    world = World(known())
    world.use(tokens(9, T0))
    for _ in range(2):
        replayed(world, 12, T0, FEBRUARY + CLOSES + 1)
        overage = world.outputs[0]
        assert [line.tier for line in overage.lines] == [1, 2]  # type: ignore[union-attr]
    assert on_demand(world) == [(month_number(T0, "UTC"), 9)]


def test_pieces_of_one_replay_for_a_closed_month_count_together() -> None:
    price = tiered("gpu-container", "gpu_seconds")
    world = World(known(Book("on-demand-usd", 2, ON_DEMAND, "USD", T0 + 8_000, (price,)), entries=(price,)))
    world.apply(Replayed(container(T0, T0 + 12_000)), FEBRUARY + CLOSES + 1)
    overage = world.outputs[0]
    assert [(line.tier, line.quantity // MILLIONTHS) for line in overage.lines] == [(1, 8), (1, 2), (2, 2)]  # type: ignore[union-attr]
    assert on_demand(world) == []


def test_the_timer_that_closes_a_job_counts_too() -> None:
    world = World(known(entries=(tiered("fine-tuning", "gpu_seconds"),)))
    world.use(tuning(T0, T0 + 9_000))
    world.timer(T0 + 9_000 + 7 * DAY)
    assert on_demand(world) == [(month_number(T0, "UTC"), 900)]


@pytest.mark.interpreted
def test_counters_are_limited_in_number_and_a_refusal_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNTERS_MAX", 2)
    entries = tuple(tiered(dimensions=(("model", name),)) for name in "ABC")
    world = World(known(entries=entries))
    world.activate(end=T0 + 1_000 * DAY, scope=(item("inference", model="A"),))
    world.use(tokens(1, T0, dimensions=(("model", "A"),)))
    world.use(tokens(1, T0, dimensions=(("model", "B"),)))
    before = world.state
    with pytest.raises(Reject, match="3 counters of graduated and package prices"):
        world.use(tokens(1, T0, dimensions=(("model", "C"),)))
    assert world.state == before
    world.use(tokens(1, T0, dimensions=(("model", "B"),)))
    world.use(tokens(1, FEBRUARY + CLOSES + 1, dimensions=(("model", "C"),)))
    assert of_plan(world) == []
    assert len(on_demand(world)) == 1


@pytest.mark.interpreted
def test_a_job_whose_closing_finds_too_many_counters_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(known(entries=(tiered("fine-tuning", "gpu_seconds"),)))
    world.use(tuning(T0, T0))
    world.use(tuning(T0, T0 + 1_000, job="other"))
    monkeypatch.setattr(module, "COUNTERS_MAX", 0)
    assert world.state is not None
    world.state = replace(world.state, counters=())
    world.timer(T0 + 1_000 + 7 * DAY)
    assert ("job_not_closed", "state_too_large") in world.kinds()
    assert world.state.counters == ()


def test_a_counter_is_limited_in_quantity() -> None:
    world = World(known())
    world.use(tokens(1))
    assert world.state is not None
    full = replace(world.state.counters[0], quantity=QUANTITY_MAX - 5 * MILLIONTHS)
    world.state = replace(world.state, counters=(full,))
    world.use(tokens(5))
    with pytest.raises(Reject, match="the counter of inference input_tokens would stand at"):
        world.use(tokens(1))


def test_an_event_that_brings_a_counter_makes_the_state_grow_and_others_do_not() -> None:
    world = World(known(entries=(tiered(), Price("inference", "images", (), usd("1"), 5, PACKAGE))))
    world.activate(amount="100", end=T0 + 1_000 * DAY)
    grew = []
    for usage in (tokens(1), tokens(1, T0 + 1), tokens(1, FEBRUARY), tokens(0)):
        decision = world.apply(usage, usage.time)
        assert decision is not None
        grew.append(decision.grew)
    assert grew == [True, False, True, False]


def test_the_ledger_has_the_size_of_such_a_state_checked() -> None:
    def item_of(at: int) -> Input:
        return ledger.decode(structured(inference(at, ident=f"e-{at}", input_tokens=1), at))

    ledger = PlansLedger(known(), POLICY)
    state: object = World(known()).state
    grew = []
    for at in (T0, T0 + 1, FEBRUARY):
        outcome = ledger.decide(state, item_of(at))
        state = outcome.state
        grew.append(outcome.grew)
    assert grew == [True, False, True]


def test_counters_are_sorted_whatever_the_order_of_usage() -> None:
    entries = tuple(tiered(dimensions=(("model", name),)) for name in "ABC")
    states = []
    for order in ("ABC", "CBA", "BCA"):
        world = World(known(entries=entries))
        for name in order:
            world.use(tokens(ord(name), T0, dimensions=(("model", name),)))
        assert world.state is not None
        states.append(world.state.counters)
    assert states[0] == states[1] == states[2]
    assert [counter.dimensions[0][1] for counter in states[0]] == ["A", "B", "C"]


# --- periods --------------------------------------------------------------------------------------

PLAN_OF = Plan("p", "b", 1, 1, 0, None, 0, 100, (), (), 1)
instants = st.builds(lambda at, by: at + by, st.sampled_from(ANCHORS), st.integers(-40 * DAY, 40 * DAY))


@given(instants, st.integers(0, 200 * DAY), st.sampled_from(ZONES))
def test_a_month_has_one_number_from_its_start_to_its_end(start: int, length: int, zone: str) -> None:
    bounds = [start, *month_starts_between(start, start + length + 1, zone)]
    numbers = [month_number(at, zone) for at in bounds]
    assert numbers == list(range(numbers[0], numbers[0] + len(bounds)))
    assert [month_number(at - 1, zone) for at in bounds[1:]] == numbers[:-1]
    assert [month_end(number, zone) for number in numbers[:-1]] == bounds[1:]


@given(instants, st.integers(0, 200 * DAY), st.lists(st.tuples(st.integers(1, 60 * DAY), st.integers(1, 30 * DAY))),
       st.sampled_from(ZONES))  # fmt: skip
def test_a_cycle_has_one_number_from_its_start_to_its_end(
    start: int, length: int, pauses: list[tuple[int, int]], zone: str
) -> None:
    gaps, at = [], start
    for wait, lasts in pauses[:3]:
        gaps.append(Gap(at + wait, at + wait + lasts, pause=True))
        at += wait + lasts
    plan = replace(PLAN_OF, start=start, gaps=tuple(gaps))
    bounds = [start, *cycle_starts(plan, start, start + length + 1, zone)]
    numbers = [cycle_number(plan, at, zone) for at in bounds]
    assert numbers == list(range(len(bounds)))
    assert [cycle_end(plan, number, zone) for number in numbers[:-1]] == bounds[1:]
    for end, number in zip(bounds[1:], numbers, strict=False):
        if not any(gap.start <= end - 1 and end - 1 < (gap.end or end) for gap in gaps):
            assert cycle_number(plan, end - 1, zone) == number


def test_a_month_whose_midnight_is_skipped_begins_an_hour_later_by_the_clock() -> None:
    begins = 1_696_132_800_000  # 2023-10-01, when clocks in Asunción went from 0:00 to 1:00
    assert to_local(begins, "America/Asuncion").hour == 1
    assert month_end(month_number(begins - 1, "America/Asuncion"), "America/Asuncion") == begins
    assert month_number(begins, "America/Asuncion") == month_number(begins - 1, "America/Asuncion") + 1


def test_a_month_whose_first_minute_comes_twice_begins_with_the_first() -> None:
    begins = 1_257_042_600_000  # 2009-11-01, when clocks in St. John's went from 0:01 back to 23:01 of the day before
    for at in (begins, begins + HOUR // 2, begins + HOUR):
        assert month_number(at, "America/St_Johns") == month_number(begins - 1, "America/St_Johns") + 1
    assert to_local(begins + HOUR // 2, "America/St_Johns").day == 31
    assert month_end(month_number(begins - 1, "America/St_Johns"), "America/St_Johns") == begins


def test_a_plan_with_less_left_than_the_smallest_part_of_a_unit_costs_counts_nothing() -> None:
    world = World(known(entries=(tiered(at="3"),)))
    world.activate(amount="0.000000001")
    charge, overage = world.use(tokens(1, T0))
    assert charge is not None
    assert [(line.quantity, line.amount) for line in charge.lines] == [(0, 1)]  # 3 x 10^9 quanta a million millionths
    assert overage is not None
    assert of_plan(world) == []
    assert on_demand(world) == [(month_number(T0, "UTC"), 1)]
