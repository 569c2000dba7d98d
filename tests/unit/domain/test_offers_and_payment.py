"""From a draft to a plan: revisions, confirmation, payment, what lapses; instalments, statements, suspension."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.support.domain import DAY, HOUR, T0, World, container, paid_by, prices, tokens, usd

from drawdown.domain.calendar import add_months
from drawdown.domain.commands import CancelPlan, ConfirmPlan, DraftPlan, OfferPlan, RecordPayment, RequestPlan
from drawdown.domain.limits import PLANS_MAX, REQUESTS_MAX
from drawdown.domain.model import Offer
from drawdown.domain.prices import PLAN, Book
from drawdown.domain.terms import Instalment, Payment, PaymentRequest, Terms

UPFRONT = Terms("upfront", usd("90"), usd("90"), (), 14 * DAY, 7 * DAY)
POSTPAID = Terms("postpaid", 0, 0, (), 14 * DAY, 7 * DAY)


def parts(*dues: int) -> Terms:
    """40 first, and 25 at each due instant."""
    instalments = tuple(Instalment(due, usd("25")) for due in dues)
    return Terms("partial", usd("40") + len(dues) * usd("25"), usd("40"), instalments, 14 * DAY, 7 * DAY)


def offer(terms: Terms = UPFRONT, revision: int = 1, **change: object) -> Offer:
    made = Offer("p", revision, "plan-usd", 1, usd("100"), None, None, 1, DAY, 100, (), (), terms)
    return replace(made, **change)


class Sale(World):
    """A world in which plans are sold."""

    def draft(self, made: Offer, at: int = T0) -> None:
        self.apply(DraftPlan("acc", "USD", made), at)

    def confirmed(self, terms: Terms = UPFRONT, at: int = T0, **change: object) -> None:
        self.draft(replace(offer(terms), **change), at)
        self.apply(OfferPlan("acc", "p", 1, None), at)
        self.apply(ConfirmPlan("acc", "p", 1), at)

    def pay(self, number: int, amount: str, reference: str = "ref", currency: str = "USD", at: int = T0) -> None:
        payment = Payment(number, "card", reference, usd(amount), currency)
        self.apply(RecordPayment("acc", payment), at)

    def requests(self) -> tuple[PaymentRequest, ...]:
        assert self.state is not None
        return self.state.requests


def test_a_wish_goes_to_sales_and_is_not_kept() -> None:
    world = Sale()
    before = world.state
    world.apply(RequestPlan("acc", "wish", (), "much", usd("50"), "somebody"), T0)
    (event,) = world.events()
    assert (event.kind, event.amount) == ("plan_requested", usd("50"))
    assert before is not None
    assert world.state == replace(before, applied=before.applied + 1, seq_events=before.seq_events + 1)


def test_an_upfront_plan_starts_when_all_of_it_is_paid() -> None:
    world = Sale()
    world.confirmed()
    assert world.kinds() == [("plan_confirmed", ""), ("payment_requested", "plan")]
    world.pay(1, "30", "first", at=T0 + HOUR)
    assert world.kinds() == [("payment_recorded", "")]
    world.pay(1, "60", "second", at=T0 + DAY)
    assert world.kinds() == [("payment_recorded", ""), ("plan_activated", "")]
    plan = world.plan()
    assert (plan.start, plan.end, plan.amount) == (T0 + DAY, add_months(T0 + DAY, 1, "UTC"), usd("100"))
    assert world.requests() == ()


def test_only_the_newest_revision_can_be_confirmed() -> None:
    world = Sale()
    world.draft(offer())
    world.apply(OfferPlan("acc", "p", 1, None))
    world.draft(offer(revision=2, amount=usd("200")))
    for revision, code in ((1, "stale_revision"), (2, "wrong_status")):
        world.apply(ConfirmPlan("acc", "p", revision))
        assert world.kinds() == [("command_refused", code)]
    world.apply(OfferPlan("acc", "p", 2, None))
    world.apply(ConfirmPlan("acc", "p", 2))
    assert world.kinds()[0] == ("plan_confirmed", "")


def test_an_offer_lapses_at_the_instant_until_which_it_holds() -> None:
    world = Sale()
    world.draft(offer())
    world.apply(OfferPlan("acc", "p", 1, T0 + DAY))
    assert world.timer(T0 + DAY - 1) is None
    world.timer(T0 + DAY)
    assert world.kinds() == [("plan_lapsed", "confirmation")]
    world.draft(offer())
    assert world.kinds() == [("command_refused", "plan_exists")]


def test_a_plan_that_is_not_paid_is_called_due_then_overdue_and_lapses_with_what_was_paid_told() -> None:
    world = Sale()
    world.confirmed()
    world.pay(1, "30")
    world.timer(T0 + 11 * DAY)
    assert world.kinds() == [("payment_due", "plan")]
    world.timer(T0 + 14 * DAY)
    assert world.kinds() == [("payment_overdue", "plan")]
    assert world.timer(T0 + 21 * DAY - 1) is None
    world.timer(T0 + 21 * DAY)
    (event,) = world.events()
    assert (event.kind, event.reason, event.amount) == ("plan_lapsed", "payment", usd("30"))
    assert world.requests() == ()


def test_a_plan_that_would_be_over_before_it_is_paid_lapses_at_its_end() -> None:
    world = Sale()
    world.confirmed(months=None, end=T0 + 2 * DAY)
    world.pay(1, "90", at=T0 + 2 * DAY)
    assert world.kinds() == [("command_refused", "nothing_due")]
    world.timer(T0 + 2 * DAY)
    assert world.kinds() == [("plan_lapsed", "payment")]


def test_the_first_part_starts_the_whole_plan_and_instalments_are_asked_for_two_weeks_ahead() -> None:
    world = Sale()
    world.confirmed(parts(T0 + 10 * DAY, T0 + 60 * DAY))
    world.pay(1, "40")
    assert world.kinds() == [("payment_recorded", ""), ("plan_activated", ""), ("payment_requested", "instalment")]
    charge, _ = world.use(tokens(50_000_000, T0 + HOUR))
    assert paid_by(charge) == [("p", usd("50"))]
    world.pay(2, "25", "second")
    world.timer(T0 + 46 * DAY - 1)
    assert [request.number for request in world.requests()] == [0]
    world.timer(T0 + 46 * DAY)
    assert ("payment_requested", "instalment") in world.kinds()


def test_instalments_outlive_their_plan() -> None:
    world = Sale()
    world.confirmed(parts(T0 + 60 * DAY))
    world.pay(1, "40")
    world.use(tokens(100_000_000, T0 + HOUR))
    world.timer(T0 + 62 * DAY)
    assert world.plan().status == "expired"
    assert world.kinds()[-1] == ("payment_overdue", "instalment")
    world.timer(T0 + 90 * DAY)
    world.pay(2, "25", "late", at=T0 + 91 * DAY)
    assert world.kinds() == [("payment_recorded", "")]


def test_an_overdue_instalment_suspends_the_plan_and_payment_resumes_it_forwards_only() -> None:
    world = Sale()
    world.confirmed(parts(T0 + DAY), months=3)
    world.pay(1, "40")
    end = world.plan().end
    world.timer(T0 + 8 * DAY)
    assert world.kinds()[-1] == ("plan_suspended", "payment")
    charge, overage = world.use(tokens(1_000_000, T0 + 8 * DAY))
    assert charge is None
    assert overage is not None
    world.pay(2, "25", "late", at=T0 + 9 * DAY)
    assert world.kinds() == [("payment_recorded", ""), ("plan_resumed", "payment")]
    charge, _ = world.use(tokens(1_000_000, T0 + 9 * DAY))
    assert paid_by(charge) == [("p", usd("1"))]
    charge, overage = world.use(container(T0 + 9 * DAY - HOUR, T0 + 9 * DAY + HOUR))
    assert paid_by(charge) == [("p", usd("3.6"))]
    assert overage is not None
    assert overage.total == usd("7.2")
    assert world.plan().end == end


def test_late_usage_from_before_a_suspension_still_draws() -> None:
    world = Sale()
    world.confirmed(parts(T0 + DAY), months=3)
    world.pay(1, "40")
    world.timer(T0 + 8 * DAY)
    charge, _ = world.use(tokens(1_000_000, T0 + 8 * DAY - HOUR), at=T0 + 8 * DAY + HOUR)
    assert paid_by(charge) == [("p", usd("1"))]


def test_a_plan_with_two_overdue_payments_goes_on_when_both_are_paid() -> None:
    world = Sale()
    world.confirmed(parts(T0 + DAY, T0 + 2 * DAY), months=3)
    world.pay(1, "40")
    world.timer(T0 + 9 * DAY)
    world.pay(2, "25", "a", at=T0 + 10 * DAY)
    assert world.kinds() == [("payment_recorded", "")]
    world.pay(3, "25", "b", at=T0 + 10 * DAY)
    assert world.kinds() == [("payment_recorded", ""), ("plan_resumed", "payment")]


def test_a_postpaid_plan_starts_at_once_and_states_each_cycle_rounded_to_documents() -> None:
    world = Sale()
    world.confirmed(POSTPAID, months=2)
    assert world.kinds() == [("plan_confirmed", ""), ("plan_activated", "")]
    world.use(tokens(1_005_000, T0 + HOUR))
    cycle = add_months(T0, 1, "UTC")
    world.timer(cycle)
    told = [(event.kind, event.reason, event.amount) for event in world.events() if event.kind != "plan_ending"]
    assert told == [("statement", "cycle", usd("1.005")), ("payment_requested", "statement", usd("1.01"))]
    world.use(tokens(2_000_000, cycle - HOUR), at=cycle + HOUR)  # late: joins the next
    world.timer(add_months(T0, 2, "UTC"))
    statements = [event.amount for event in world.events() if event.kind == "statement"]
    assert statements == [usd("2")]


def test_a_postpaid_plan_is_stated_a_last_time_when_it_is_settled() -> None:
    world = Sale()
    world.confirmed(POSTPAID, months=1)
    end = world.plan().end
    assert end is not None
    world.timer(end)
    world.use(tokens(3_000_000, end - HOUR), at=end + HOUR)
    world.timer(end + DAY)
    told = [(event.kind, event.reason, event.amount) for event in world.events() if event.kind == "statement"]
    assert told == [("statement", "final", usd("3"))]
    assert world.plan().status == "expired"


def test_a_cycle_without_usage_is_stated_and_nothing_is_asked_for() -> None:
    world = Sale()
    world.confirmed(POSTPAID, months=3)
    world.timer(add_months(T0, 1, "UTC"))
    assert world.kinds() == [("statement", "cycle")]


@pytest.mark.parametrize(
    ("pay", "code"),
    [
        (lambda world: world.pay(1, "30", currency="VND"), "wrong_currency"),
        (lambda world: world.pay(7, "30"), "nothing_due"),
        (lambda world: world.pay(1, "0"), "bad_amount"),
        (lambda world: world.pay(1, "0.001"), "bad_amount"),
        (lambda world: world.pay(1, "90.01"), "overpaid"),
    ],
)
def test_a_payment_that_does_not_fit_is_refused_and_changes_nothing(pay: Callable[[Sale], None], code: str) -> None:
    world = Sale()
    world.confirmed()
    before = world.requests()
    pay(world)
    assert world.kinds() == [("command_refused", code)]
    assert world.requests() == before


def test_a_reference_pays_once() -> None:
    world = Sale()
    world.confirmed()
    world.pay(1, "30")
    world.pay(1, "30")
    assert world.kinds() == [("command_refused", "payment_exists")]


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (offer(book="none"), "unknown_book"),
        (offer(revision=2), "stale_revision"),
        (offer(months=None, end=T0), "bad_interval"),
        (offer(months=None, start=T0 + DAY, end=T0 + DAY), "bad_interval"),
        (offer(replace(UPFRONT, price=usd("0.001"), first=usd("0.001"))), "bad_terms"),
        (offer(replace(UPFRONT, price=0, first=0)), "bad_terms"),
        (offer(replace(parts(T0 + DAY), price=usd("60"))), "bad_terms"),
        (offer(replace(UPFRONT, kind="partial")), "bad_terms"),
    ],
)
def test_a_draft_that_cannot_be_is_refused(made: Offer, code: str) -> None:
    world = Sale()
    world.draft(made)
    assert world.kinds() == [("command_refused", code)]
    assert world.state is not None
    assert world.state.offers == ()


def test_a_draft_in_a_book_of_another_currency_is_refused() -> None:
    world = Sale(prices(Book("plan-vnd", 1, PLAN, "VND", 0, ())))
    world.draft(offer(book="plan-vnd"))
    assert world.kinds() == [("command_refused", "wrong_currency")]


def test_what_is_not_there_cannot_be_offered_and_what_is_confirmed_not_revised() -> None:
    world = Sale()
    world.apply(OfferPlan("acc", "p", 1, None))
    assert world.kinds() == [("command_refused", "unknown_plan")]
    world.draft(offer())
    world.apply(OfferPlan("acc", "p", 1, T0))
    assert world.kinds() == [("command_refused", "bad_interval")]
    world.apply(OfferPlan("acc", "p", 1, None))
    world.apply(ConfirmPlan("acc", "p", 1))
    world.draft(offer(revision=2))
    assert world.kinds() == [("command_refused", "wrong_status")]
    world.activate("p")
    assert world.kinds() == [("command_refused", "plan_exists")]


def test_an_offer_that_would_be_over_is_not_confirmed() -> None:
    world = Sale()
    world.draft(offer(POSTPAID, months=None, end=T0 + DAY))
    world.apply(OfferPlan("acc", "p", 1, None))
    world.apply(ConfirmPlan("acc", "p", 1), T0 + DAY)
    assert world.kinds() == [("command_refused", "bad_interval")]


def test_an_account_has_so_many_offers_and_requests_at_a_time() -> None:
    world = Sale()
    for number in range(17):
        world.draft(offer(plan=f"p-{number}"))
    assert world.kinds() == [("command_refused", "too_many_plans")]
    assert world.state is not None
    request = PaymentRequest(1, "old", "instalment", 1, 1, T0, 0)
    world.state = replace(world.state, requests=(request,) * REQUESTS_MAX)
    world.apply(OfferPlan("acc", "p-0", 1, None))
    world.apply(ConfirmPlan("acc", "p-0", 1))
    assert world.kinds() == [("command_refused", "too_many_requests")]


def test_an_offer_is_taken_back_with_what_was_paid_told() -> None:
    world = Sale()
    world.confirmed()
    world.pay(1, "30")
    world.apply(CancelPlan("acc", "p", at_cycle_end=False))
    (event,) = world.events()
    assert (event.kind, event.amount) == ("plan_cancelled", usd("30"))
    assert world.requests() == ()


def test_a_start_that_is_past_moves_to_the_activation_and_one_ahead_is_kept() -> None:
    for start, begins in ((T0 - DAY, T0), (T0 + 5 * DAY, T0 + 5 * DAY)):
        world = Sale()
        world.confirmed(POSTPAID, start=start)
        assert world.plan().start == begins
        assert world.plan().end == add_months(begins, 1, "UTC")


def test_a_month_from_the_31st_of_january_is_the_last_of_february_in_the_accounts_zone() -> None:
    world = Sale(time_zone="Asia/Ho_Chi_Minh")
    start = T0 + 30 * DAY - 7 * HOUR  # 31 January, midnight there
    world.confirmed(POSTPAID, start=start)
    assert world.plan().end == start + 28 * DAY
    world = Sale()
    leap = 1_832_803_200_000  # 2028-01-30T00:00:00Z
    world.confirmed(POSTPAID, at=leap, start=leap)
    assert world.plan().end == leap + 30 * DAY  # 29 February


def test_plans_that_wait_for_their_payment_have_their_room_already() -> None:
    world = Sale()
    world.confirmed()
    for number in range(PLANS_MAX - 1):
        world.activate(f"other-{number}")
    assert world.kinds() == [("plan_activated", "")]
    world.activate("one-more")
    assert world.kinds() == [("command_refused", "too_many_plans")]
    world.draft(offer(plan="two-more"))
    world.apply(OfferPlan("acc", "two-more", 1, None))
    world.apply(ConfirmPlan("acc", "two-more", 1))
    assert world.kinds() == [("command_refused", "too_many_plans")]
    world.pay(1, "90")
    assert ("plan_activated", "") in world.kinds()
