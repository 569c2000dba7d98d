"""What one plan pays whole is decided quickly, and as the general way would; all that is more is left to the latter."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.domain import DAY, HOUR, POLICY, T0, World, book, container, prices, quota, tokens, usd
from tests.support.examples import examples
from tests.support.random_lives import lives
from tests.support.random_worlds import World as Drawn
from tests.support.random_worlds import worlds
from tests.support.raters import Raters

from drawdown.domain.decide import _use
from drawdown.domain.model import Account, Gap, Measure, Plan, Usage
from drawdown.domain.outputs import Decision
from drawdown.domain.plain import plainly_paid
from drawdown.domain.policy import Policy
from drawdown.domain.prices import GRADUATED, PLAN, Book, Price, Prices, Tier
from drawdown.domain.terms import Terms
from drawdown.topics import PLAN_COMMANDS

GENEROUS = Terms("upfront", usd("100"), 0, (), DAY, DAY)


def account(*plans: str, **change: Any) -> Account:
    """An account with plans of 100 USD, all of them changed so."""
    world = World()
    for name in plans or ("p",):
        world.activate(name)
    assert world.state is not None
    return replace(world.state, plans=tuple(replace(plan, **change) for plan in world.state.plans))


def plainly(state: Account, usage: Usage, known: Prices | None = None, policy: Policy = POLICY) -> Decision | None:
    return plainly_paid(state, usage, usage.time, known or prices(), policy)


def generally(state: Account, usage: Usage, known: Prices | None = None) -> Decision:
    return _use(state, usage, usage.time, known or prices(), POLICY)


TWO_METERS = replace(
    tokens(7), measures=(Measure("input_tokens", 7_000_000), Measure("output_tokens", 5_000_000)), id="two"
)


@pytest.mark.parametrize(
    ("state", "usage"),
    [
        (account(), tokens(1_000)),
        (account(), TWO_METERS),
        (account("p", "q"), TWO_METERS),
        (account(spent_by_service=(("inference", 5),), spent=5), TWO_METERS),
        (account(spent_by_service=(("fine-tuning", 2), ("gpu-container", 3)), spent=5), TWO_METERS),
        (account(spent=usd("99"), noticed=3), tokens(1_000)),
        (account(terms=GENEROUS), tokens(1_000)),
        (account(gaps=(Gap(T0 - HOUR, T0, True),)), tokens(1_000)),
        (account(start=T0 - HOUR), container(T0 - HOUR, T0)),
        (account("p", "q", start=T0 - 2 * HOUR, end=T0), container(T0 - HOUR, T0)),
        (account(start=T0 - 2 * HOUR, gaps=(Gap(T0 - 2 * HOUR, T0 - HOUR, True),)), container(T0 - HOUR, T0)),
    ],
)
def test_a_plain_usage_comes_to_what_the_general_way_gives(state: Account, usage: Usage) -> None:
    decision = plainly(state, usage)
    assert decision is not None
    assert decision == generally(state, usage)


def test_what_is_billed_by_increments_rounds_up() -> None:
    policy = replace(POLICY, increments={"inference": {"input_tokens": 5_000_000}})
    decision = plainly(account(), TWO_METERS, policy=policy)
    assert decision is not None
    assert decision == _use(account(), TWO_METERS, TWO_METERS.time, prices(), policy)
    assert [line.quantity for line in decision.outputs[0].lines] == [10_000_000, 5_000_000]  # type: ignore[union-attr]


def test_plans_that_do_not_take_part_are_passed_by() -> None:
    state = account("p", "q", "r", "s", "t")
    used_up, expired, elsewhere, ended, paying = state.plans
    scope = quota("gpu-container", "1").item
    plans = (
        replace(used_up, spent=used_up.amount, status="settling"),
        replace(expired, status="expired"),
        replace(elsewhere, scope=(scope,), status="paused"),
        replace(ended, end=T0 - HOUR),
        paying,
    )
    decision = plainly(replace(state, plans=plans), TWO_METERS)
    assert decision is not None
    assert decision == generally(replace(state, plans=plans), TWO_METERS)


def of_price(change: Callable[[Price], Price]) -> Prices:
    """Prices whose plan book prices input tokens otherwise."""
    usual = book("plan-usd")
    made = Prices()
    made.add(Book("plan-usd", 1, PLAN, "USD", 0, (change(usual.prices[0]), *usual.prices[1:])), 0)
    return made


BY_ITSELF = replace(GENEROUS, automatic=True)
GRADED = of_price(lambda price: replace(price, unit_price=0, model=GRADUATED, tiers=(Tier(None, 5),)))


@pytest.mark.parametrize(
    ("state", "usage", "known", "policy"),
    [
        pytest.param(account(start=T0 - 1), container(T0 - HOUR, T0), None, POLICY, id="a plan starts in its interval"),
        pytest.param(account(start=T0), container(T0 - HOUR, T0), None, POLICY, id="no plan covers its interval"),
        pytest.param(account(), tokens(1, job="j"), None, POLICY, id="a job is followed"),
        pytest.param(account(), tokens(1, measures=()), None, POLICY, id="nothing was used"),
        pytest.param(account(amount=1), tokens(1_000), None, POLICY, id="it costs more than is left"),
        pytest.param(account(amount=usd("0.001")), tokens(1_000), None, POLICY, id="it takes all that is left"),
        pytest.param(account(amount=usd("0.002")), tokens(1_000), None, POLICY, id="half is used now, which is told"),
        pytest.param(account(quotas=(quota("inference", "1"),)), tokens(1), None, POLICY, id="a quota counts"),
        pytest.param(account(status="scheduled"), tokens(1), None, POLICY, id="the plan would begin by it"),
        pytest.param(account(expired_by="replaced"), tokens(1), None, POLICY, id="another plan pays"),
        pytest.param(account(terms=BY_ITSELF), tokens(1), None, POLICY, id="it may renew itself"),
        pytest.param(account(start=T0 + 1), tokens(1), None, POLICY, id="no plan covers it"),
        pytest.param(account(), tokens(1), GRADED, POLICY, id="its price counts"),
        pytest.param(account(), tokens(1), of_price(lambda p: replace(p, meter="images")), POLICY, id="no price"),
        pytest.param(account(), tokens(1), Prices(), POLICY, id="no book"),
    ],
)
def test_what_is_not_plain_is_left_alone(state: Account, usage: Usage, known: Prices | None, policy: Policy) -> None:
    assert plainly(state, usage, known, policy) is None


@examples(100)
@given(st.one_of(worlds(), lives()))
def test_in_every_world_the_plain_way_is_the_general_one(world: Drawn) -> None:
    raters = Raters(world.books)
    for record in world.records:
        step = raters.rated(record)
        usage, before = step.usage, step.before
        if step.code or usage is None or before is None or record.topic == PLAN_COMMANDS:
            continue
        decision = plainly_paid(before, usage, record.timestamp, raters.prices, POLICY)
        if decision is not None:
            assert decision == _use(before, usage, record.timestamp, raters.prices, POLICY)


# around the beginning of a month, and the plans' own: where intervals are cut
MOMENTS = st.builds(lambda hours, ms: T0 + hours * HOUR + ms, st.integers(-30, 30), st.sampled_from((-1, 0, 0, 0, 1)))
GAPS = st.builds(lambda at, hours, pause: Gap(at, at + hours * HOUR, pause), MOMENTS, st.integers(1, 9), st.booleans())


@st.composite
def plans_of(draw: st.DrawFn, number: int) -> Plan:
    """A plan whose times lie around the usage's, with enough left in most cases."""
    usual = account().plans[0]
    start = draw(st.sampled_from((T0 - 32 * DAY, T0 - 32 * DAY, draw(MOMENTS))))
    scope = draw(st.sampled_from(((), (), (quota("gpu-container", "1").item,), (quota("inference", "1").item,))))
    end = draw(st.sampled_from((None, None, start + 48 * HOUR, start + 62 * DAY)))
    gaps = tuple(draw(st.lists(GAPS, max_size=1))) if start < T0 - 3 * DAY else ()
    amount = draw(st.sampled_from((usd("10000"), usd("10000"), usd("10000"), usd("3.6"), 1)))
    return replace(usual, id=f"p{number}", start=start, end=end, scope=scope, gaps=gaps, amount=amount)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """A container's report of up to a day, or a call."""
    end = draw(MOMENTS) + draw(st.sampled_from((0, 0, 10 * DAY)))
    hours = draw(st.sampled_from((24, 24, 2, 1, 0, None)))
    if hours is not None:
        return container(end - hours * HOUR, end, draw(st.integers(1, 3)) * 1_000, draw(st.integers(0, 3)) * 1_000)
    return tokens(draw(st.integers(0, 2_000)), end)


@examples(600)
@given(st.data(), usages(), st.sampled_from(("UTC", "Asia/Kolkata", "America/Los_Angeles")))
def test_around_every_boundary_the_plain_way_is_the_general_one(data: st.DataObject, usage: Usage, zone: str) -> None:
    plans = tuple(data.draw(plans_of(number)) for number in range(data.draw(st.integers(1, 3))))
    state = replace(account(), plans=plans, time_zone=zone)
    rounding = replace(POLICY, increments={"gpu-container": {"gpu_seconds": 7_000_000_000}})
    for policy in (POLICY, rounding):
        decision = plainly_paid(state, usage, usage.time, prices(), policy)
        event("plain" if decision is not None else "not", "interval" if usage.start is not None else "instant")
        if decision is not None:
            assert decision == _use(state, usage, usage.time, prices(), policy)


def test_amounts_past_the_limit_are_left_to_be_refused() -> None:
    dear = of_price(lambda price: replace(price, unit_price=2**62 - 1, per=1))
    assert plainly(account(amount=2**63, spent=0), tokens(2), dear) is None


def test_a_plan_is_found_by_itself_in_the_state_after() -> None:
    state = account("p", "q")
    decision = plainly(state, TWO_METERS)
    assert decision is not None
    first, second = decision.state.plans
    assert isinstance(first, Plan)
    assert second is state.plans[1]
    assert first.spent == decision.outputs[0].total  # type: ignore[union-attr]
