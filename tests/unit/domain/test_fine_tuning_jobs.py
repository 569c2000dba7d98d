"""A fine-tuning job's total duration rounds up to the next 15 minutes, once per job (design section 3)."""

import pytest
from tests.support.domain import DAY, SECOND, T0, World, book, prices, tuning, usd

from drawdown.domain.decide import due
from drawdown.domain.errors import Reject
from drawdown.domain.prices import Book, Prices

MINUTE = 60 * SECOND


def test_the_final_event_adds_what_is_missing_to_fifteen_minutes() -> None:
    _, overage = World().use(tuning(T0, T0 + 8 * MINUTE, final=True))
    assert overage is not None
    assert [line.quantity // 1_000_000 for line in overage.lines] == [480, 420]
    assert overage.total == usd("1.8")
    assert overage.lines[1].time == T0 + 8 * MINUTE


def test_a_job_rounds_up_once_over_several_events() -> None:
    world = World()
    world.use(tuning(T0, T0 + 8 * MINUTE))
    _, overage = world.use(tuning(T0 + 8 * MINUTE, T0 + 16 * MINUTE, final=True))
    assert overage is not None
    assert [line.quantity // 1_000_000 for line in overage.lines] == [480, 840]


def test_a_multiple_of_fifteen_minutes_needs_nothing_more() -> None:
    _, overage = World().use(tuning(T0, T0 + 30 * MINUTE, final=True))
    assert overage is not None
    assert len(overage.lines) == 1


def test_the_extra_takes_the_final_events_own_gpus() -> None:
    world = World()
    world.use(tuning(T0, T0 + 8 * MINUTE, gpus=1000))
    _, overage = world.use(tuning(T0 + 8 * MINUTE, T0 + 10 * MINUTE, final=True, gpus=4000))
    assert overage is not None
    assert [line.quantity // 1_000_000 for line in overage.lines] == [480, 1_200]


def test_usage_of_a_closed_job_is_refused_whatever_its_time() -> None:
    world = World()
    world.use(tuning(T0, T0 + MINUTE, final=True))
    with pytest.raises(Reject, match="job_closed"):
        world.use(tuning(T0 - MINUTE, T0))


def test_a_job_silent_for_seven_days_is_closed_by_the_timer() -> None:
    world = World()
    world.use(tuning(T0, T0 + 8 * MINUTE))
    assert world.state is not None
    at = due(world.state)
    assert at == T0 + 8 * MINUTE + 7 * DAY
    assert world.timer(at - 1) is None
    world.timer(at)
    overage = world.outputs[0]
    assert overage.usage.id == f"job-closed:ft:{T0 + 8 * MINUTE}"  # type: ignore[union-attr]
    assert overage.total == usd("0.84")  # type: ignore[union-attr]
    assert world.kinds() == [("job_closed", "silence")]
    assert due(world.state) is None


def test_a_silent_job_that_cannot_be_priced_stays_open_and_holds_up_nothing() -> None:
    world = World()
    world.activate(end=T0 + DAY, grace_ms=0)
    world.use(tuning(T0, T0 + 8 * MINUTE))
    world.prices = prices_without_tuning()
    at = T0 + 8 * MINUTE + 7 * DAY
    world.timer(at)
    assert world.kinds() == [("plan_expired", "time"), ("plan_settled", ""), ("job_not_closed", "unknown_price")]
    assert world.plan().status == "expired"
    assert world.state is not None
    assert due(world.state) == at + 7 * DAY
    world.prices = prices()
    world.timer(at + 7 * DAY)
    assert world.kinds() == [("job_closed", "silence")]


def prices_without_tuning() -> Prices:
    """Prices on demand, and a plan's, of which only the plan's know fine-tuning."""
    made = Prices()
    whole = book("on-demand-usd", kind="on_demand")
    some = tuple(price for price in whole.prices if price.service != "fine-tuning")
    made.add(Book(whole.name, 1, whole.kind, "USD", 0, some), 0)
    made.add(book("plan-usd"), 0)
    return made
