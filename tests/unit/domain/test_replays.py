"""Replayed usage is rated like any other, however late it is; what has not happened yet is still refused."""

import pytest
from tests.support.domain import DAY, HOUR, T0, World, container, tokens, tuning

from drawdown.domain.commands import Replayed
from drawdown.domain.errors import Reject
from drawdown.domain.limits import SKEW_MS
from drawdown.domain.model import Usage
from drawdown.domain.rated import Charge, Overage

YEAR = 365 * DAY
USAGE = [tokens(1_000), container(T0 - HOUR, T0), tuning(T0 - HOUR, T0)]


@pytest.mark.parametrize("usage", USAGE, ids=lambda usage: usage.service)
def test_no_time_is_too_late_for_a_replay(usage: Usage) -> None:
    world = World()
    with pytest.raises(Reject, match="too_late"):
        world.use(usage, T0 + YEAR)
    world.apply(Replayed(usage), T0 + YEAR)
    assert [type(output) for output in world.outputs] == [Overage]


@pytest.mark.parametrize("usage", USAGE, ids=lambda usage: usage.service)
def test_within_the_window_a_replay_does_what_the_usage_would_have_done(usage: Usage) -> None:
    first, second = World(), World()
    for world, body in ((first, usage), (second, Replayed(usage))):
        world.activate()
        world.apply(body, T0)
    assert first.outputs == second.outputs
    assert first.state == second.state
    assert isinstance(first.outputs[0], Charge)


def test_what_has_not_happened_yet_is_refused() -> None:
    world = World()
    world.apply(Replayed(tokens(1_000)), T0 - SKEW_MS)
    with pytest.raises(Reject, match="in_the_future"):
        world.apply(Replayed(tokens(1_000)), T0 - SKEW_MS - 1)


def test_a_plan_pays_late_usage_until_the_end_of_its_grace_also_when_it_is_replayed() -> None:
    world = World()
    world.activate(end=T0 + DAY, grace_ms=DAY)
    world.apply(Replayed(tokens(1_000)), T0 + 2 * DAY - 1)
    assert [type(output) for output in world.outputs] == [Charge]
    world.apply(Replayed(tokens(1_001)), T0 + 2 * DAY)
    assert [type(output) for output in world.outputs] == [Overage]


def test_an_account_that_was_never_opened() -> None:
    world = World()
    world.state = None
    with pytest.raises(Reject, match="unknown_account"):
        world.apply(Replayed(tokens(1_000)))


def test_a_job_that_was_closed_takes_no_replay() -> None:
    world = World()
    world.use(tuning(T0, T0 + HOUR, final=True))
    with pytest.raises(Reject, match="job_closed"):
        world.apply(Replayed(tuning(T0 - HOUR, T0)), T0 + HOUR)
