"""What holds in every world, whatever the prices and plans: conservation, order, numbering, the same bytes twice."""

from collections import Counter, defaultdict
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.random_lives import lives
from tests.support.random_worlds import World, worlds
from tests.support.raters import Raters, Step, applied_all

from drawdown.domain.coverage import draw_order
from drawdown.domain.jobs import rounding_up_ms
from drawdown.domain.model import Plan
from drawdown.oracle.reading import instant

EITHER = st.one_of(worlds(), lives())  # plans that are activated, and plans that are sold, changed and renewed
CHARGES, OVERAGES, EVENTS = TOPICS = ("charges", "credit-charging", "account-events")
moderate = examples(50)


def rated(world: World) -> list[Step]:
    """The steps that were accepted."""
    return [step for step in applied_all(world.books, world.records) if not step.code]


def lines_of(step: Step) -> list[dict[str, Any]]:
    return [line for topic in (CHARGES, OVERAGES) for said in step.said(topic) for line in said["lines"]]


def plans_of(step: Step) -> tuple[Plan, ...]:
    return step.after.plans if step.after else ()


@moderate
@given(EITHER)
def test_quantities_of_lines_sum_to_the_events_and_its_jobs_extra(world: World) -> None:
    durations: Counter[str] = Counter()
    for step in rated(world):
        usage = step.usage
        if usage is None:
            for said in (*step.said(CHARGES), *step.said(OVERAGES)):  # a timer closed the job
                del durations[said["event"]["resource"]]
            continue
        whole = Counter({measure.meter: measure.quantity for measure in usage.measures})
        if usage.job is not None:
            durations[usage.job] += usage.time - (usage.start or usage.time)
            if usage.final:
                whole["gpu_seconds"] += rounding_up_ms(durations.pop(usage.job)) * usage.gpu_thousandths
        parts: Counter[str] = Counter()
        for line in lines_of(step):
            parts[line["meter"]] += int(Fraction(line["quantity"]) * 1_000_000)
        assert +parts == +whole


@moderate
@given(EITHER)
def test_totals_are_the_sums_of_their_lines_and_balances_fall_by_what_was_paid(world: World) -> None:
    left: dict[str, Fraction] = {}
    for step in rated(world):
        for said in (*step.said(CHARGES), *step.said(OVERAGES)):
            assert Fraction(said["total"]) == sum(Fraction(line["amount"]) for line in said["lines"])
        for said in step.said(CHARGES):
            paid: dict[str, Fraction] = defaultdict(Fraction)
            for line in said["lines"]:
                paid[line["payer"]["id"]] += Fraction(line["amount"])
            told = {b["id"]: (Fraction(b["before"]), Fraction(b["after"])) for b in said["balances"]}
            assert {plan: before - after for plan, (before, after) in told.items()} == paid
            assert all(before == left.get(plan, before) for plan, (before, _) in told.items())
            left |= {plan: after for plan, (_, after) in told.items()}
        for said in step.said(EVENTS):
            if said["kind"] == "amount_added" and said["plan"] in left:
                left[said["plan"]] += Fraction(said["amount"])


@moderate
@given(EITHER)
def test_no_plan_falls_below_zero_and_no_quota_is_exceeded(world: World) -> None:
    for step in rated(world):
        for plan in plans_of(step):
            gone = plan.forfeited + plan.rolled_over + plan.credited
            assert 0 <= plan.spent <= plan.amount - gone
            assert plan.spent == sum(amount for _, amount in plan.spent_by_service)
            assert all(0 <= quota.spent <= quota.amount for quota in plan.quotas)
            if plan.status == "expired":
                assert plan.amount == plan.spent + gone


@moderate
@given(EITHER)
def test_no_piece_is_covered_outside_its_plan(world: World) -> None:
    for step in rated(world):
        plans = {plan.id: plan for plan in plans_of(step)}
        for said in step.said(CHARGES):
            for line in said["lines"]:
                payer, at = plans[line["payer"]["id"]], instant(line["time"])
                given_way = [
                    plan for plan in plans.values() if _payer_of(plan, plans) == payer.id and plan is not payer
                ]
                assert any(_covers(plan, at) and plan.book == line["book"] for plan in (payer, *given_way))


def _payer_of(plan: Plan, plans: dict[str, Plan]) -> str:
    return _payer_of(plans[plan.successor], plans) if plan.expired_by == "replaced" else plan.id


def _covers(plan: Plan, at: int) -> bool:
    if any(gap.start <= at and (gap.end is None or at < gap.end) for gap in plan.gaps):
        return False
    return plan.start <= at and (plan.end is None or at < plan.end)


@moderate
@given(worlds())
def test_every_piece_is_paid_in_the_order_of_plans(world: World) -> None:
    for step in rated(world):
        before = step.before.plans if step.before else ()
        order = {plan.id: place for place, plan in enumerate(sorted(before, key=draw_order))}
        payers: dict[tuple[str, str], list[int]] = defaultdict(list)
        for said in step.said(CHARGES):
            for line in said["lines"]:
                payers[line["time"], line["meter"]].append(order[line["payer"]["id"]])
                assert Fraction(line["amount"]) <= Fraction(line["unit_price"]) * line.get("packages", 10**30)
        assert all(places == sorted(places) for places in payers.values())
        counted = any("tier" in line or "packages" in line for line in lines_of(step))
        assert counted or all(len(places) == len(set(places)) for places in payers.values())


@moderate
@given(EITHER)
def test_pieces_are_told_in_order_of_time(world: World) -> None:
    for step in rated(world):
        for topic in (CHARGES, OVERAGES):
            for said in step.said(topic):
                times = [line["time"] for line in said["lines"]]
                assert times == sorted(times)


@moderate
@given(EITHER)
def test_outputs_are_numbered_without_a_gap_and_inputs_too(world: World) -> None:
    seqs: dict[str, list[int]] = defaultdict(list)
    applied = []
    for step in rated(world):
        applied += sorted({output.said["applied"] for output in step.outputs})
        for output in step.outputs:
            seqs[output.topic].append(output.said["seq"])
    assert applied == list(range(1, len(applied) + 1))
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seqs.values())


@moderate
@given(EITHER)
def test_an_event_has_one_outcome_and_a_refusal_changes_nothing(world: World) -> None:
    for step in applied_all(world.books, world.records):
        if step.code:
            assert step.before == step.after
            assert not step.outputs
        elif step.usage is not None:
            assert 1 <= len(step.said(CHARGES)) + len(step.said(OVERAGES)) <= 2
            assert len(step.said(CHARGES)) <= 1
            assert len(step.said(OVERAGES)) <= 1


@moderate
@given(EITHER)
def test_the_same_inputs_give_the_same_bytes(world: World) -> None:
    first, second = Raters(world.books), Raters(world.books)
    for record in world.records:
        once, again = first.apply(record), second.apply(record)
        assert (once.code, once.outputs) == (again.code, again.outputs)
        assert first.ledger.encode_state(once.after) == second.ledger.encode_state(again.after)


@moderate
@given(EITHER)
def test_a_state_comes_back_as_it_was_encoded(world: World) -> None:
    raters = Raters(world.books)
    for record in world.records:
        state = raters.apply(record).after
        if state is not None:
            value = raters.ledger.encode_state(state)
            assert raters.ledger.decode_state(value) == state
            assert raters.ledger.encode_state(raters.ledger.decode_state(value)) == value


@moderate
@given(EITHER)
def test_rating_goes_on_alike_from_a_state_read_back(world: World) -> None:
    kept, reread = Raters(world.books), Raters(world.books)
    for record in world.records:
        assert kept.apply(record).outputs == reread.apply(record).outputs
        for account, state in reread.states.items():
            reread.states[account] = reread.ledger.decode_state(reread.ledger.encode_state(state))
