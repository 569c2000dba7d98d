"""The order of plans: priority, narrower scope, earlier end, earlier activation, each only where those before tie."""

from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain import DAY, T0, World, item, paid_by, tokens, usd

from drawdown.domain.coverage import draw_order, narrowness
from drawdown.domain.model import Plan, ScopeItem

PRODUCT = (item("inference", model="Q"),)
SERVICE = (item("inference"),)
SEVERAL = (item("inference"), item("fine-tuning"))
ALL: tuple[ScopeItem, ...] = ()
SOON, LATER = T0 + DAY, T0 + 30 * DAY


def order_of(plans: dict[str, dict[str, object]]) -> list[str]:
    world = World()
    for name, change in plans.items():
        world.activate(name, **change)  # type: ignore[arg-type]
    assert world.state is not None
    return [plan.id for plan in world.state.plans]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"priority": 1}, {"priority": 2}),
        ({"priority": 1, "scope": ALL, "end": None}, {"priority": 2, "scope": PRODUCT, "end": SOON}),
        ({"scope": PRODUCT}, {"scope": SERVICE}),
        ({"scope": SERVICE}, {"scope": SEVERAL}),
        ({"scope": SEVERAL}, {"scope": ALL}),
        ({"scope": PRODUCT, "end": None}, {"scope": SERVICE, "end": SOON}),
        ({"end": SOON}, {"end": LATER}),
        ({"end": SOON}, {"end": SOON + 1}),
        ({"end": LATER}, {"end": None}),
        ({"scope": (item("inference", model="Q"), item("fine-tuning", model="L"))}, {"scope": SERVICE}),
        ({"scope": (item("inference"), item("inference", model="Q"))}, {"scope": SEVERAL}),
    ],
)
def test_one_goes_before_the_other_whichever_was_activated_first(
    first: dict[str, object], second: dict[str, object]
) -> None:
    assert order_of({"first": first, "second": second}) == ["first", "second"]
    assert order_of({"second": second, "first": first}) == ["first", "second"]


@pytest.mark.parametrize("names", list(permutations(("a", "b", "c"))))
def test_where_all_else_ties_the_earlier_activation_pays_first(names: tuple[str, ...]) -> None:
    assert order_of({name: {} for name in names}) == list(names)


def test_one_event_is_paid_by_several_plans_in_their_order() -> None:
    world = World()
    for name, change in {
        "all": {"scope": ALL},
        "open-ended": {"scope": SERVICE, "end": None},
        "later": {"scope": SERVICE, "end": LATER},
        "soon": {"scope": SERVICE, "end": SOON},
        "product": {"scope": PRODUCT},
        "urgent": {"priority": 1},
    }.items():
        world.activate(name, "0.1", **change)  # type: ignore[arg-type]
    charge, overage = world.use(tokens(1_000_000))
    order = ["urgent", "product", "soon", "later", "open-ended", "all"]
    assert paid_by(charge) == [(name, usd("0.1")) for name in order]
    assert charge is not None
    assert [balance.plan for balance in charge.balances] == order
    assert overage is not None
    assert overage.total == usd("0.8")


def test_a_plan_out_of_scope_or_out_of_force_is_passed_over() -> None:
    world = World()
    world.activate("other", priority=1, scope=(item("fine-tuning"),))
    world.activate("ended", priority=2, end=T0)
    world.activate("to-come", priority=3, start=T0 + 1)
    world.activate("now", priority=4)
    charge, _ = world.use(tokens(1_000_000))
    assert paid_by(charge) == [("now", usd("1"))]


scopes = st.sampled_from((PRODUCT, SERVICE, SEVERAL, ALL))
ends = st.sampled_from((SOON, LATER, None))


@given(st.lists(st.tuples(st.integers(0, 2), scopes, ends), min_size=2, max_size=8))
def test_the_order_is_total(terms: list[tuple[int, tuple[ScopeItem, ...], int | None]]) -> None:
    plans = [
        Plan(f"p{number}", "b", 1, 1, T0, end, 0, priority, scope, (), activated=number)
        for number, (priority, scope, end) in enumerate(terms)
    ]
    ordered = sorted(plans, key=draw_order)
    assert len({draw_order(plan) for plan in plans}) == len(plans)
    assert ordered == sorted([*plans[1:], plans[0]], key=draw_order)
    for one, other in pairwise(ordered):
        assert one.priority <= other.priority
        if one.priority == other.priority:
            assert narrowness(one.scope) <= narrowness(other.scope)
