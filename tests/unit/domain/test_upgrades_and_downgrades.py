"""A plan takes another's place, now or at its cycle's end: what is left of the old one's worth goes to the new one."""

from typing import Any

from tests.support.domain import DAY, HOUR, T0, book, paid_by, prices, tokens, usd
from tests.unit.domain.test_offers_and_payment import POSTPAID, offer, parts
from tests.unit.domain.test_renewals import MILLION, MONTH, TWO, Chain, follower

from drawdown.domain.commands import CancelPlan, ConfirmPlan, OfferPlan, PausePlan, ResumePlan
from drawdown.domain.terms import Terms


def upfront(price: str) -> Terms:
    return Terms("upfront", usd(price), usd(price), (), 14 * DAY, 7 * DAY)


def used(spent: int, terms: Terms | None = None, **change: Any) -> Chain:
    """A plan of 100 for 100, of which so much is spent; tokens of the next plan's book cost half as much."""
    world = Chain(prices(book("cheap-usd", token="0.5")))
    world.bought(terms=terms or upfront("100"), **change)
    if spent:
        world.use(tokens(spent * MILLION, T0 + HOUR))
    return world


NOW = T0 + DAY


# --- now -------------------------------------------------------------------------------------------------------------


def test_an_upgrade_now_costs_the_price_without_what_the_old_plan_is_worth() -> None:
    world = used(20)
    world.sold("q", upfront("200"), NOW, amount=usd("200"), follows=follower("now"))
    assert world.asked() == [("q", "plan", usd("120"))]
    world.pay_all(NOW + DAY)
    assert world.kinds() == [("payment_recorded", ""), ("plan_activated", ""), ("plan_replaced", "now")]
    assert world.amounts("plan_replaced") == [("p", usd("80"))]
    old, new = world.plan(), world.plan("q")
    assert (old.spent, old.credited, old.end, old.expired_by) == (usd("20"), usd("80"), NOW + DAY, "replaced")
    assert (new.start, new.amount, new.spent) == (NOW + DAY, usd("200"), 0)
    assert world.requests() == ()


def test_what_was_used_between_confirmation_and_payment_is_asked_for_afterwards() -> None:
    world = used(20)
    world.sold("q", upfront("200"), NOW, follows=follower("now"))
    world.use(tokens(30 * MILLION, NOW + HOUR))
    world.pay_all(NOW + 2 * HOUR)
    assert world.asked() == [("q", "shortfall", usd("30"))]
    world.timer(NOW + 2 * HOUR + 21 * DAY)
    assert world.plan("q").status == "suspended"
    world.pay_all(NOW + 22 * DAY)
    assert world.plan("q").status == "active"


def test_what_an_old_plan_is_worth_rounds_down() -> None:
    world = used(10, upfront("10"), amount=usd("30"))  # 10 - 10 x 10 / 30 = 6.666666666...
    world.sold("q", upfront("200"), NOW, follows=follower("now"))
    (request,) = world.requests()
    assert (request.exact, request.amount) == (usd("193.333333334"), usd("193.33"))
    world.pay_all(NOW)
    assert world.amounts("plan_replaced") == [("p", usd("6.666666666"))]
    assert world.requests() == ()


def test_what_is_used_and_not_paid_and_open_instalments_join_the_new_plans_first_payment() -> None:
    world = Chain()
    world.sold(terms=parts(T0 + 60 * DAY, T0 + 80 * DAY))  # 40 now, 25 and 25 later, for 100
    world.pay(1, "40")
    world.use(tokens(80 * MILLION, T0 + HOUR))  # of 90 x 80 / 100 = 72 only 40 is paid
    world.sold("q", upfront("200"), NOW, follows=follower("now"))
    assert world.asked() == [("q", "plan", usd("232"))]
    world.pay_all(NOW)
    assert world.requests() == ()
    assert world.amounts("plan_replaced") == [("p", 0)]


def test_a_downgrade_costs_nothing_and_adds_what_is_too_much_to_the_amount() -> None:
    world = used(20)
    world.sold("q", upfront("50"), NOW, amount=usd("60"), follows=follower("now"))
    assert world.kinds() == [
        ("plan_confirmed", ""),
        ("plan_activated", ""),
        ("plan_replaced", "now"),
        ("amount_added", "credit"),
    ]
    new = world.plan("q")
    assert (new.amount, new.credit_in) == (usd("90"), usd("30"))
    assert new.terms is not None
    assert new.terms.price == usd("80")  # what it is worth again, all unused


def test_a_downgrade_pays_the_instalments_that_are_due_first() -> None:
    world = used(20)
    dues = [T0 + days * DAY for days in (60, 80, 90)]
    world.sold("q", parts(*dues), NOW, follows=follower("now"))
    assert world.kinds()[:3] == [("plan_confirmed", ""), ("plan_activated", ""), ("plan_replaced", "now")]
    rest = [(one.due, one.amount) for one in world.requests()]
    assert rest == [(dues[1], usd("10")), (dues[2], usd("25"))]  # 80 - 40 - 25 = 15 of the second
    assert world.plan("q").amount == usd("100")


def test_a_changed_plan_is_renewed_without_its_credit() -> None:
    world = used(20)
    world.sold("q", upfront("50"), NOW, amount=usd("60"), follows=follower("now"))
    world.renewed(NOW, plan="q")
    renewal = world.plan("q-r1")
    assert renewal.terms is not None
    assert (renewal.amount, renewal.terms.price) == (usd("60"), usd("50"))


def test_a_plan_that_was_changed_is_worth_its_credit_too_when_it_is_changed_again() -> None:
    world = used(20)
    world.sold("q", upfront("50"), NOW, amount=usd("60"), follows=follower("now"))
    world.use(tokens(45 * MILLION, NOW + HOUR))  # half of 90
    world.sold("r", upfront("100"), NOW + 2 * HOUR, follows=follower("now", "q"))
    assert world.asked() == [("r", "plan", usd("60"))]  # 100 - 80 / 2


def test_a_plan_over_before_the_change_is_paid_is_worth_nothing_any_more() -> None:
    world = used(20)
    world.sold("q", upfront("200"), NOW, follows=follower("now"))
    world.use(tokens(80 * MILLION, NOW + HOUR))
    world.pay_all(NOW + DAY)
    assert world.kinds() == [("payment_recorded", ""), ("plan_activated", ""), ("payment_requested", "shortfall")]
    assert world.asked() == [("q", "shortfall", usd("80"))]
    assert world.plan().expired_by == "amount"


def test_a_paused_plan_that_is_changed_now_is_paused_no_more() -> None:
    world = used(20)
    world.apply(PausePlan("acc", "p", NOW + 9 * DAY), NOW)
    world.sold("q", upfront("50"), NOW + DAY, follows=follower("now"))
    assert world.plan().gaps[-1].end == NOW + DAY
    assert world.plan().status == "settling"


def test_a_postpaid_plan_is_stated_to_its_end_and_worth_only_what_came_into_it() -> None:
    world = used(20, POSTPAID)
    world.sold("q", POSTPAID, NOW, follows=follower("now"))
    assert world.kinds() == [("plan_confirmed", ""), ("plan_activated", ""), ("plan_replaced", "now")]
    world.timer(NOW + DAY)
    assert world.amounts("statement") == [("p", usd("20"))]


def test_a_prepaid_plan_that_becomes_postpaid_is_the_first_to_be_used() -> None:
    world = used(20)
    world.sold("q", POSTPAID, NOW, follows=follower("now"))
    new = world.plan("q")
    assert (new.amount, new.billed) == (usd("180"), usd("80"))
    world.use(tokens(30 * MILLION, NOW + HOUR))
    world.sold("r", upfront("200"), NOW + DAY, follows=follower("now", "q"))
    assert world.asked() == [("r", "plan", usd("150"))]  # 80 - 30 is left


def test_what_a_postpaid_plan_takes_over_that_was_not_paid_is_asked_for() -> None:
    world = Chain()
    world.sold(terms=parts(T0 + 60 * DAY))
    world.pay(1, "40")
    world.use(tokens(80 * MILLION, T0 + HOUR))  # 65 x 80 / 100 = 52
    world.sold("q", POSTPAID, NOW, follows=follower("now"))
    assert world.asked() == [("q", "shortfall", usd("12"))]


def test_an_activated_plan_without_terms_has_no_worth() -> None:
    world = Chain()
    world.activate()
    world.bought("q", upfront("50"), follows=follower("now"))
    assert world.plan("q").amount == usd("100")
    assert world.plan().credited == usd("100")


def test_a_plan_of_no_amount_is_worth_what_was_paid() -> None:
    world = used(0, amount=0)
    world.sold("q", upfront("150"), NOW, follows=follower("now"))
    assert world.asked() == [("q", "plan", usd("50"))]


# --- at the cycle's end ----------------------------------------------------------------------------------------------


def test_a_change_at_the_cycles_end_waits_and_asks_for_what_was_used_meanwhile() -> None:
    world = used(20, months=3)
    world.bought("q", upfront("200"), NOW, follows=follower("cycle_end"))
    assert world.kinds() == [("payment_recorded", ""), ("plan_scheduled", "")]
    assert (world.plan().end, world.plan("q").start) == (MONTH, MONTH)
    world.use(tokens(30 * MILLION, NOW + HOUR))
    world.timer(MONTH)
    assert world.amounts("plan_replaced") == [("p", usd("50"))]
    assert world.asked() == [("q", "shortfall", usd("30"))]


def test_a_change_at_the_cycles_end_lessens_a_payment_that_is_asked_for_already() -> None:
    world = used(20, months=3)
    world.sold("q", parts(MONTH + 3 * DAY), T0 + 20 * DAY, follows=follower("cycle_end"))
    assert world.asked() == [("q", "instalment", usd("25"))]
    world.pay(2, "10", "of it")
    world.timer(MONTH)
    changed = [event.amount for event in world.events() if event.kind == "payment_changed"]
    assert changed == [0]  # 80 - 40 is more than the 15 that were open
    assert world.amounts("amount_added") == [("q", usd("25"))]
    assert world.requests() == ()


def test_a_plan_that_runs_out_before_its_cycles_end_gives_way_within_the_event() -> None:
    world = used(20, months=3)
    world.bought("q", upfront("200"), NOW, amount=usd("200"), follows=follower("cycle_end"), book="cheap-usd")
    charge, overage = world.use(tokens(90 * MILLION, NOW + HOUR))
    assert paid_by(charge) == [("p", usd("80")), ("q", usd("5"))]  # 10 million at 0.5
    assert overage is None
    assert world.kinds() == [
        ("plan_expired", "amount"),
        ("plan_activated", ""),
        ("plan_replaced", "cycle_end"),
        ("payment_requested", "shortfall"),
    ]
    assert world.plan("q").start == NOW + HOUR
    assert world.asked() == [("q", "shortfall", usd("80"))]


def test_an_open_ended_plan_is_changed_at_its_cycles_end() -> None:
    world = used(20, months=None)
    world.bought("q", upfront("100"), NOW, months=None, follows=follower("cycle_end"))
    assert world.plan("q").start == MONTH
    world.use(tokens(100 * MILLION, MONTH))  # uses the new one up before the timer has fired
    assert world.plan("q").status == "settling"
    world.timer(MONTH)
    assert ("plan_settled", "") in world.kinds()


def test_a_plan_used_up_before_its_predecessor_gave_way_goes_on_with_what_that_was_worth() -> None:
    world = used(20, months=3)
    world.bought("q", upfront("50"), NOW, months=None, follows=follower("cycle_end"))
    world.use(tokens(100 * MILLION, MONTH))
    assert world.plan("q").status == "settling"
    world.timer(MONTH)
    assert (world.plan("q").status, world.plan("q").amount) == ("active", usd("130"))


def test_a_change_at_the_cycles_end_comes_at_once_when_the_plan_is_cancelled_now() -> None:
    world = used(20, months=3)
    world.bought("q", upfront("200"), NOW, amount=usd("200"), follows=follower("cycle_end"), book="cheap-usd")
    world.apply(CancelPlan("acc", "p", at_cycle_end=False), NOW + DAY)
    assert world.kinds() == [
        ("plan_cancelled", ""),
        ("plan_moved", ""),
        ("plan_activated", ""),
        ("plan_replaced", "cycle_end"),
    ]
    assert (world.plan().end, world.plan("q").start) == (NOW + DAY, NOW + DAY)
    charge, _ = world.use(tokens(2 * MILLION, NOW + DAY))
    assert paid_by(charge) == [("q", usd("1"))]


def test_a_pause_moves_a_change_at_the_cycles_end_and_its_early_end_moves_it_back() -> None:
    world = used(20, months=3)
    world.bought("q", upfront("200"), NOW, follows=follower("cycle_end"))
    world.apply(PausePlan("acc", "p", NOW + 10 * DAY), NOW)
    assert world.plan("q").start == MONTH + 10 * DAY
    world.apply(ResumePlan("acc", "p"), NOW + DAY)
    assert world.plan("q").start == MONTH + DAY


def test_a_change_that_waits_is_taken_back_and_what_was_paid_for_it_told() -> None:
    world = used(20, months=3)
    before = world.plan()
    world.bought("q", upfront("200"), NOW, follows=follower("cycle_end"))
    assert world.plan().end == MONTH
    world.apply(CancelPlan("acc", "q", at_cycle_end=False))
    assert [(event.kind, event.plan) for event in world.events()] == [("plan_cancelled", "q"), ("plan_moved", "p")]
    assert world.events()[0].amount == usd("120")  # of 200, for which the old plan's 80 would have paid
    assert world.plan() == before


def test_an_instalment_that_the_old_plan_will_pay_does_not_suspend_the_new_one() -> None:
    for name in ("a", "z"):  # whichever of the two comes first by name
        world = used(20, months=2)
        world.sold(name, parts(T0 + 5 * DAY), T0, follows=follower("cycle_end"))
        world.timer(T0 + 20 * DAY)
        assert (name, "instalment", usd("25")) in world.asked()
        world.timer(MONTH)
        assert world.requests() == ()
        assert world.plan(name).status == "active"


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_plan_that_is_over_is_renewed_and_not_changed() -> None:
    world = used(100)
    world.draft(offer(upfront("200"), plan="q", follows=follower("now")), NOW)
    assert world.refused() == "wrong_status"


def test_of_two_changes_the_second_is_not_confirmed() -> None:
    world = used(20)
    for name in ("q", "r"):
        world.draft(offer(upfront("200"), plan=name, follows=follower("now")), NOW)
        world.apply(OfferPlan("acc", name, 1, None), NOW)
    world.apply(ConfirmPlan("acc", "q", 1), NOW)
    world.apply(ConfirmPlan("acc", "r", 1), NOW)
    assert world.refused() == "wrong_status"
    world.pay_all(NOW)
    world.apply(ConfirmPlan("acc", "r", 1), NOW)
    assert world.refused() == "wrong_status"


def test_a_plan_that_gave_way_is_settled_at_its_grace_and_forfeits_nothing() -> None:
    world = used(20, months=3)
    world.bought("q", upfront("200"), NOW, follows=follower("cycle_end"))
    world.timer(MONTH)
    assert world.plan("q").end == TWO
    world.timer(MONTH + DAY)
    assert (world.plan().status, world.plan().forfeited) == ("expired", 0)
