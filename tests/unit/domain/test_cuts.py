"""Where an interval is not cut, and where the remainder of its division goes."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.support.domain import DAY, HOUR, T0, World, book, container, item, paid_by, prices, usd

from drawdown.domain.commands import PausePlan, ResumePlan
from drawdown.domain.model import Gap, Measure, Usage

THREE_MS = replace(container(T0, T0 + 3), measures=(Measure("gpu_seconds", 10),))


def quantities(world: World, usage: Usage) -> list[int]:
    """Give the quantities of a usage's pieces, in order of time."""
    charge, overage = world.use(usage)
    lines = (*(charge.lines if charge else ()), *(overage.lines if overage else ()))
    return [line.quantity for line in sorted(lines, key=lambda line: line.time)]


def of_plan(**change: object) -> World:
    """A world with a plan, in which the on-demand price changes at T0 + 1."""
    world = World(prices(book("on-demand-usd", version=2, since=T0 + 1, kind="on_demand")))
    world.activate(**change)  # type: ignore[arg-type]
    return world


def suspended(*gaps: Gap) -> World:
    world = of_plan()
    assert world.state is not None
    world.state = replace(world.state, plans=(replace(world.plan(), gaps=gaps),))
    return world


@pytest.mark.parametrize(
    "world",
    [
        lambda: of_plan(start=T0 + 3, end=None),
        lambda: of_plan(end=T0 + 3),
        lambda: suspended(Gap(T0 + 3, T0 + 5, pause=True)),
        lambda: suspended(Gap(T0 - 5, T0, pause=True)),
        lambda: suspended(Gap(T0 - 5, T0 - 3, pause=True)),
        lambda: suspended(Gap(T0 + 5, None, pause=False)),
        lambda: suspended(Gap(T0 - 5, None, pause=False)),
        lambda: World(
            prices(
                *(book("on-demand-usd", version=v, since=at, kind="on_demand") for v, at in ((2, T0 + 1), (3, T0 + 3)))
            )
        ),
    ],
)
def test_what_happens_at_an_intervals_ends_or_outside_does_not_cut_it(world: Callable[[], World]) -> None:
    """Cut once, at T0 + 1: the first part rounds down, the last takes the remainder."""
    assert quantities(world(), THREE_MS) == [3, 7]


def test_a_suspension_that_lasts_cuts_where_it_begins() -> None:
    assert quantities(suspended(Gap(T0 + 2, None, pause=False)), THREE_MS) == [3, 3, 4]


def test_plans_that_are_over_or_for_something_else_do_not_cut() -> None:
    world = World()
    world.activate("over", end=T0 + HOUR, grace_ms=0)
    world.activate("other", end=T0 + 2 * HOUR, scope=(item("inference"),))
    world.activate("model", end=T0 + 2 * HOUR, scope=(item("gpu-container", gpu_model="A30"),))
    world.activate("this", end=T0 + 3 * HOUR)
    world.timer(T0 + HOUR)
    charge, overage = world.use(container(T0, T0 + 4 * HOUR), at=T0 + 4 * HOUR)
    assert paid_by(charge) == [("this", usd("10.8"))]
    assert overage is not None
    assert [(line.time, line.amount) for line in overage.lines] == [(T0 + 3 * HOUR, usd("7.2"))]


def test_a_plan_for_the_product_cuts() -> None:
    world = World()
    world.activate(end=T0 + HOUR, scope=(item("gpu-container", gpu_model="H100"),))
    charge, overage = world.use(container(T0, T0 + 2 * HOUR))
    assert paid_by(charge) == [("p", usd("3.6"))]
    assert overage is not None
    assert overage.total == usd("7.2")


def test_a_pause_that_was_ended_before_does_not_cut() -> None:
    world = World()
    world.activate()
    world.apply(PausePlan("acc", "p", None), T0)
    world.apply(ResumePlan("acc", "p"), T0 + HOUR)
    charge, _ = world.use(container(T0 + 2 * HOUR, T0 + 4 * HOUR))
    assert charge is not None
    assert [(line.time, line.amount) for line in charge.lines] == [(T0 + 2 * HOUR, usd("7.2"))]
    assert world.plan().end == T0 + 30 * DAY + HOUR
