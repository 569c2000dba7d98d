"""Tiers and packages: each unit costs what its tier says, a begun package its whole price; lines explain themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain import T0, USD, World, container, prices, quota, tokens, usd
from tests.support.domain import book as standard

from drawdown.domain.calendar import to_local
from drawdown.domain.errors import Reject
from drawdown.domain.limits import LINES_MAX, TIERS_MAX
from drawdown.domain.money import divide_half_up, format_amount
from drawdown.domain.parts import Part, parts_of
from drawdown.domain.prices import GRADUATED, ON_DEMAND, PACKAGE, PLAN, Book, Model, Price, Prices, Tier
from drawdown.domain.quantity import MILLIONTHS
from drawdown.domain.rated import Line

Told = list[tuple[int, str, int | None, int | None]]


def graduated(*steps: tuple[int | None, str], per: int = 1) -> Price:
    tiers = tuple(Tier(up_to, usd(unit_price)) for up_to, unit_price in steps)
    return Price("inference", "input_tokens", (), 0, per, GRADUATED, tiers)


def package(size: int, unit_price: str) -> Price:
    return Price("inference", "input_tokens", (), usd(unit_price), size, PACKAGE)


def known(on_demand: Price, plan: Price) -> Prices:
    made = Prices()
    made.add(Book("on-demand-usd", 1, ON_DEMAND, "USD", 0, (on_demand,)), 0)
    made.add(Book("plan-usd", 1, PLAN, "USD", 0, (plan,)), 0)
    return made


TIERS = graduated((10, "1"), (20, "0.5"), (None, "0.1"))
PACKAGES = package(10, "3")


def told(lines: tuple[Line, ...]) -> Told:
    """Whole units, amount, tier and packages of each line."""
    return [
        (line.quantity // MILLIONTHS, format_amount(line.amount, USD)[:-7], line.tier, line.packages) for line in lines
    ]


def on_demand(world: World, count: int, at: int = T0) -> Told:
    charge, overage = world.use(tokens(count, at))
    assert charge is None
    assert overage is not None
    return told(overage.lines)


def paid(world: World, count: int, at: int = T0) -> Told:
    charge, _ = world.use(tokens(count, at))
    assert charge is not None
    return told(charge.lines)


def test_each_unit_costs_what_its_tier_says() -> None:
    world = World(known(TIERS, TIERS))
    assert on_demand(world, 25) == [(10, "10.00", 1, None), (10, "5.00", 2, None), (5, "0.50", 3, None)]
    assert on_demand(world, 1, T0 + 1) == [(1, "0.10", 3, None)]


def test_the_unit_at_a_bound_is_the_last_of_its_tier() -> None:
    world = World(known(TIERS, TIERS))
    assert on_demand(world, 9) == [(9, "9.00", 1, None)]
    assert on_demand(world, 1, T0 + 1) == [(1, "1.00", 1, None)]
    assert on_demand(world, 1, T0 + 2) == [(1, "0.50", 2, None)]


def test_a_begun_package_costs_its_whole_price_and_its_rest_nothing() -> None:
    world = World(known(PACKAGES, PACKAGES))
    assert on_demand(world, 1) == [(1, "3.00", None, 1)]
    assert on_demand(world, 9, T0 + 1) == [(9, "0.00", None, 0)]
    assert on_demand(world, 1, T0 + 2) == [(1, "3.00", None, 1)]
    assert on_demand(world, 31, T0 + 3) == [(9, "0.00", None, 0), (22, "9.00", None, 3)]


def test_a_package_of_exactly_its_size_opens_no_other() -> None:
    world = World(known(PACKAGES, PACKAGES))
    assert on_demand(world, 10) == [(10, "3.00", None, 1)]
    assert on_demand(world, 20, T0 + 1) == [(20, "6.00", None, 2)]


def test_what_a_package_still_holds_is_told_at_a_price_of_nothing() -> None:
    world = World(known(PACKAGES, PACKAGES))
    on_demand(world, 1)
    _, overage = world.use(tokens(10, T0 + 1))
    assert overage is not None
    assert [(line.unit_price, line.per) for line in overage.lines] == [(0, 10), (usd("3"), 10)]


def test_a_plan_that_runs_out_within_a_tier_pays_exactly_what_is_left_and_the_next_counts_for_itself() -> None:
    world = World(known(graduated((None, "2")), TIERS))
    world.activate("first", "11", priority=1)
    world.activate("second", "4", priority=2)
    charge, overage = world.use(tokens(20))
    assert charge is not None
    assert overage is not None
    # first: 10 at 1, 2 at 0.5 of 10 in its second tier; second: 8 units of its own first tier, of which it pays 4
    assert told(charge.lines) == [(10, "10.00", 1, None), (2, "1.00", 2, None), (4, "4.00", 1, None)]
    assert [line.plan for line in charge.lines] == ["first", "first", "second"]
    assert told(overage.lines) == [(4, "8.00", 1, None)]


def test_a_plan_that_runs_out_at_a_bound_pays_nothing_of_the_next_tier_even_if_it_is_free() -> None:
    world = World(known(TIERS, graduated((10, "1"), (None, "0"))))
    world.activate(amount="10")
    charge, overage = world.use(tokens(15))
    assert charge is not None
    assert overage is not None
    assert told(charge.lines) == [(10, "10.00", 1, None)]
    assert told(overage.lines) == [(5, "5.00", 1, None)]


def test_a_plan_that_runs_out_within_packages_pays_those_it_can_whole_and_a_part_of_the_next() -> None:
    world = World(known(PACKAGES, PACKAGES))
    world.activate(amount="7.5")
    charge, overage = world.use(tokens(50))
    assert charge is not None
    assert overage is not None
    assert told(charge.lines) == [(20, "6.00", None, 2), (5, "1.50", None, 1)]
    assert told(overage.lines) == [(25, "9.00", None, 3)]


def test_the_last_package_of_a_plan_is_cut_by_what_is_used_of_it() -> None:
    world = World(known(PACKAGES, PACKAGES))
    world.activate(amount="4")
    charge, overage = world.use(tokens(13))
    assert charge is not None
    assert overage is not None
    assert [(line.quantity, line.packages) for line in charge.lines] == [(10_000_000, 1), (1_000_000, 1)]
    assert told(overage.lines) == [(2, "3.00", None, 1)]


def test_packages_at_no_price_are_all_covered() -> None:
    world = World(known(PACKAGES, package(10, "0")))
    world.activate(amount="4")
    assert paid(world, 25) == [(25, "0.00", None, 3)]
    assert paid(world, 6, T0 + 1) == [(5, "0.00", None, 0), (1, "0.00", None, 1)]


def test_the_counter_of_a_plan_takes_what_it_covered_and_nothing_else() -> None:
    world = World(known(TIERS, TIERS))
    world.activate(amount="100", quotas=(quota("inference", "12", model="Q"),))
    paid(world, 20)
    assert world.plan().counters[0].quantity == 14 * MILLIONTHS
    assert world.state is not None
    assert world.state.counters[0].quantity == 6 * MILLIONTHS


def test_free_units_are_covered_and_counted_and_leave_no_trace_in_what_is_spent() -> None:
    world = World(known(TIERS, graduated((100, "0"), (None, "1"))))
    world.activate(amount="5")
    assert paid(world, 60) == [(60, "0.00", 1, None)]
    assert (world.plan().spent, world.plan().spent_by_service) == (0, ())
    assert world.kinds(notices=True) == []
    assert paid(world, 42, T0 + 1) == [(40, "0.00", 1, None), (2, "2.00", 2, None)]


def test_tiers_cut_the_parts_of_an_interval_one_after_the_other() -> None:
    tier = (Tier(3_600, usd("3.6")), Tier(None, usd("1.8")))
    gpu = Price("gpu-container", "gpu_seconds", (), 0, 3_600, GRADUATED, tier)
    world = World(known(gpu, gpu), "Asia/Ho_Chi_Minh")
    hour = 3_600_000
    month = T0 - 7 * hour
    assert to_local(month, "Asia/Ho_Chi_Minh").day == 1
    _, overage = world.use(container(month - hour, month + 2 * hour), month + 2 * hour)
    assert overage is not None
    lines = [(line.time - month, line.quantity // MILLIONTHS, line.tier) for line in overage.lines]
    assert lines == [(-hour, 3_600, 1), (0, 3_600, 1), (0, 3_600, 2)]


def test_a_charge_has_at_most_so_many_lines() -> None:
    steps = graduated(*((number, "1") for number in range(1, TIERS_MAX)), (None, "1"))
    world = World(known(TIERS, steps))
    plans = LINES_MAX // (TIERS_MAX - 1) + 1
    for number in range(plans):
        world.activate(f"p{number}", str(TIERS_MAX - 1))
    with pytest.raises(Reject, match="too_many_pieces"):
        world.use(tokens(plans * (TIERS_MAX - 1)))
    charge, _ = world.use(tokens((plans - 1) * (TIERS_MAX - 1)))
    assert charge is not None
    assert len(charge.lines) == (plans - 1) * (TIERS_MAX - 1) <= LINES_MAX


def test_prices_per_unit_have_no_counters_and_no_tiers() -> None:
    world = World(prices(standard("other")))
    world.activate(amount="0.5")
    charge, overage = world.use(tokens(1_000_000))
    assert charge is not None
    assert overage is not None
    assert {(line.tier, line.packages) for line in charge.lines + overage.lines} == {(None, None)}
    assert world.plan().counters == ()
    assert world.state is not None
    assert world.state.counters == ()


QUANTITY = st.one_of(st.integers(1, 50), st.integers(1, 10**9))


def priced(model: Model, bounds: set[int], unit_prices: list[int], per: int) -> Price:
    tiers = tuple(Tier(bound, price) for bound, price in zip((*sorted(bounds), None), unit_prices, strict=False))
    return Price("inference", "images", (), unit_prices[-1] if model == PACKAGE else 0, per, model, tiers)


@given(
    st.sampled_from((GRADUATED, PACKAGE)),
    st.sets(st.integers(1, 60), max_size=4),
    st.lists(st.integers(0, 10**9), min_size=5, max_size=5),
    st.integers(1, 9),
    st.lists(QUANTITY, min_size=1, max_size=6),
)
def test_parts_sum_to_the_whole_however_it_is_divided(
    model: Model, bounds: set[int], unit_prices: list[int], per: int, quantities: list[int]
) -> None:
    price, counted = priced(model, bounds, unit_prices, per), 0
    found: list[Part] = []
    for quantity in quantities:
        parts = list(parts_of(price, quantity, counted))
        assert sum(part.quantity for part in parts) == quantity
        counted += quantity
        found += parts
    whole = list(parts_of(price, counted, 0))
    if model == PACKAGE:
        assert sum(part.amount for part in found) == sum(part.amount for part in whole)
        assert sum(part.packages or 0 for part in found) == -(-counted // (per * MILLIONTHS))
    else:
        by_tier = {tier: sum(part.quantity for part in found if part.tier == tier) for tier in range(1, 6)}
        assert {part.tier: part.quantity for part in whole} == {tier: sum_ for tier, sum_ in by_tier.items() if sum_}
        for part in found:
            assert part.amount == divide_half_up(part.quantity * part.unit_price, per * MILLIONTHS)
