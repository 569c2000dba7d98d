"""The service and the oracle agree on lives of plans; what is conserved, in whatever order things happen."""

from collections import Counter

from hypothesis import given
from tests.support import messages
from tests.support.conserved import amounts_lost, payments_lost, rolled_over_lost
from tests.support.examples import examples
from tests.support.messages import T0
from tests.support.random_lives import lives, successions
from tests.support.random_worlds import World
from tests.support.raters import applied_all, differences


@examples(300)
@given(lives())
def test_service_and_oracle_agree_on_every_step_of_a_plans_life(world: World) -> None:
    assert differences(applied_all(world.books, world.records)) == []


@examples(150)
@given(lives())
def test_refused_commands_change_nothing_but_numbers_and_every_notice_comes_once(world: World) -> None:
    notices: Counter[tuple[object, ...]] = Counter()
    for step in applied_all(world.books, world.records):
        events = step.said("account-events")
        for event in events:
            if event["kind"] in {"amount_used", "plan_ending"}:
                notices[event["kind"], event["plan"], event["reason"]] += 1
            if event["kind"] in {"payment_due", "payment_overdue", "payment_requested"}:
                notices[event["kind"], event["about"]["payment_request"]["number"]] += 1
        if any(event["kind"] == "command_refused" for event in events):
            assert step.before is not None
            assert step.after is not None
            for what in ("plans", "offers", "requests", "requests_made", "payments", "past_plans", "jobs"):
                assert getattr(step.before, what) == getattr(step.after, what)
    assert [key for key, count in notices.items() if count > 1] == []


@examples(150)
@given(successions())
def test_nothing_of_a_plans_amount_or_of_what_was_paid_for_it_is_lost(world: World) -> None:
    steps = applied_all(world.books, world.records)
    assert differences(steps) == []
    for step in steps:
        if step.after is not None:
            assert amounts_lost(step.after) == []
            assert rolled_over_lost(step.after) == []
        if step.before is not None and step.after is not None:
            assert payments_lost(step.before, step.after) == []


def test_two_renewals_that_begin_with_one_event_are_drawn_in_the_order_of_their_names() -> None:
    tokens = messages.price("inference", "input_tokens", "0.013", 7)
    books = [messages.written(messages.price_book(name, tokens, currency="USD")) for name in ("on-demand", "plan-usd")]
    records = [messages.command(messages.open_account(), T0)]
    for plan in ("b", "a"):
        terms = messages.activate_plan(plan, currency="USD", amount="1") | {"payment": {"terms": "postpaid"}}
        del terms["start"]
        steps = [
            terms | {"command": "draft_plan", "revision": 1, "renewal": "automatic"},
            {"command": "offer_plan", "plan": plan, "revision": 1},
            {"command": "confirm_plan", "plan": plan, "revision": 1},
        ]
        common = {"version": 1, "account": messages.ACCOUNT}
        records += [messages.command(step | common | {"id": f"{plan}-{step['command']}"}, T0) for step in steps]
    for ident, count in (("both-plans", 1077), ("the-next", 1)):
        records.append(messages.structured(messages.inference(T0, ident=ident, input_tokens=count), T0))
    steps_applied = applied_all(books, records)
    assert differences(steps_applied) == []
    assert [charge["lines"][0]["payer"]["id"] for charge in steps_applied[-1].said("charges")] == ["a-r1"]
