"""Where a plan's amount runs out inside a piece: it pays exactly what is left (design section 5)."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain import T0, USD, World, container, paid_by, tokens, usd

from drawdown.domain.money import format_amount


def test_the_plan_pays_exactly_what_is_left_and_the_rest_is_rated_afresh() -> None:
    world = World()
    world.activate(amount="0.25")
    charge, overage = world.use(tokens(1_000_000))
    assert paid_by(charge) == [("p", usd("0.25"))]
    assert charge is not None
    assert charge.lines[0].quantity == 250_000_000_000
    assert overage is not None
    assert overage.lines[0].quantity == 750_000_000_000
    assert overage.total == usd("1.5")


def test_three_payers_share_one_event() -> None:
    world = World()
    world.activate("a", "0.25", priority=1)
    world.activate("b", "0.25", priority=2)
    world.activate("c", "10", priority=3)
    charge, overage = world.use(tokens(1_000_000))
    assert paid_by(charge) == [("a", usd("0.25")), ("b", usd("0.25")), ("c", usd("0.5"))]
    assert overage is None
    assert world.kinds() == [("plan_expired", "amount"), ("plan_expired", "amount")]


def test_the_last_unit_expires_the_plan() -> None:
    world = World()
    world.activate(amount="1")
    world.use(tokens(999_999))
    assert world.plan().status == "active"
    world.use(tokens(1, T0 + 1))
    assert world.plan().spent == usd("1")
    assert world.kinds() == [("plan_expired", "amount")]


def test_an_open_ended_plan_is_settled_the_moment_it_is_used_up() -> None:
    world = World()
    world.activate(amount="1", end=None)
    world.use(tokens(1_000_000))
    assert world.kinds() == [("plan_expired", "amount"), ("plan_settled", "")]
    assert world.plan().status == "expired"


def test_a_piece_that_rounds_to_nothing_is_covered() -> None:
    world = World()
    world.activate()
    charge, overage = world.use(tokens(0))
    assert charge is not None
    assert charge.total == 0
    assert overage is None


def test_quantities_uncovered_are_halves_rounded_up() -> None:
    world = World()
    world.activate(amount="0.000000001")
    charge, overage = world.use(container(T0, T0 + 1_000))
    assert charge is not None
    assert overage is not None
    # a = 0.001 of which 10^-9 is left: 999_999 of 10^6 quanta are uncovered
    assert overage.lines[0].quantity == 999_999
    assert charge.lines[0].quantity == 1


@given(
    st.lists(st.integers(min_value=1, max_value=5 * 10**9), min_size=0, max_size=5),
    st.integers(min_value=0, max_value=10_000_000),
)
def test_parts_sum_to_the_whole_and_no_plan_goes_below_zero(amounts: list[int], count: int) -> None:
    world = World()
    for index, amount in enumerate(amounts):
        world.activate(f"p{index}", format_amount(amount, USD))
    charge, overage = world.use(tokens(count))
    lines = (charge.lines if charge else ()) + (overage.lines if overage else ())
    assert sum(line.quantity for line in lines) == count * 1_000_000
    assert world.state is not None
    for plan in world.state.plans:
        assert 0 <= plan.spent <= plan.amount
    assert sum(plan.spent for plan in world.state.plans) == (charge.total if charge else 0)
