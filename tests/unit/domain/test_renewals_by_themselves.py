"""A plan renews itself, or is to be renewed: on its own terms or on others, and what is refused."""

import pytest
from msgspec.structs import replace
from tests.support.domain import DAY, T0, book, paid_by, prices, tokens, usd
from tests.unit.domain.test_offers_and_payment import UPFRONT, offer, parts
from tests.unit.domain.test_renewals import MILLION, MONTH, Chain, follower

from drawdown.domain.commands import (
    CancelPlan,
    ConfirmPlan,
    OfferPlan,
    RenewPlan,
    SetRenewal,
)
from drawdown.domain.limits import OFFERS_MAX, PLANS_PAST_MAX, REQUESTS_MAX
from drawdown.domain.model import Offer
from drawdown.domain.terms import PaymentRequest, Terms


def renewing(terms: Terms = UPFRONT, **change: object) -> Terms:
    return replace(terms, automatic=True, **change)


# --- by itself -------------------------------------------------------------------------------------------------------


def test_a_plan_renews_itself_two_weeks_before_its_end() -> None:
    world = Chain()
    world.bought(terms=renewing())
    world.timer(MONTH - 14 * DAY - 1)
    assert ("renewal_open", "") not in world.kinds()
    world.timer(MONTH - 14 * DAY)
    assert world.kinds() == [("renewal_open", ""), ("payment_requested", "plan")]
    world.timer(MONTH - 14 * DAY + 1)
    assert world.kinds() == [("renewal_open", ""), ("payment_requested", "plan")]  # nothing new: the outputs before


def test_a_plan_renews_itself_when_nine_tenths_of_it_are_used() -> None:
    world = Chain()
    world.bought(terms=renewing())
    world.use(tokens(89 * MILLION, T0 + DAY))
    assert world.kinds() == []
    world.use(tokens(MILLION, T0 + 2 * DAY))
    assert world.kinds() == [("renewal_open", ""), ("payment_requested", "plan")]
    world.pay_all(T0 + 2 * DAY)
    charge, _ = world.use(tokens(20 * MILLION, T0 + 3 * DAY))
    assert paid_by(charge) == [("p", usd("10")), ("p-r1", usd("10"))]


def test_the_instalments_of_a_renewal_are_later_by_the_plans_length() -> None:
    world = Chain()
    world.bought(terms=parts(T0 + 30 * DAY))  # 31 January
    world.apply(RenewPlan("acc", "p", None))
    assert world.state is not None
    (renewal,) = world.state.offers
    assert [one.due for one in renewal.terms.instalments] == [T0 + 58 * DAY]  # 28 February


@pytest.mark.parametrize(
    ("terms", "change", "code"),
    [
        (renewing(), {"months": None, "end": T0 + 60 * DAY}, "bad_terms"),
        (renewing(parts(T0 + DAY)), {"months": None}, "bad_terms"),
    ],
)
def test_a_plan_that_could_not_renew_itself_is_not_drafted_so(
    terms: Terms, change: dict[str, object], code: str
) -> None:
    world = Chain()
    world.draft(replace(offer(terms), **change))
    assert world.refused() == code


def test_whether_a_plan_renews_itself_can_be_changed() -> None:
    world = Chain()
    world.bought()
    world.apply(SetRenewal("acc", "p", automatic=True))
    assert world.kinds() == [("renewal_set", "automatic")]
    world.apply(SetRenewal("acc", "p", automatic=False))
    assert world.kinds() == [("renewal_set", "by request")]
    world.timer(MONTH - 14 * DAY)
    assert ("renewal_open", "") not in world.kinds()


def test_a_plan_that_is_unknown_closed_or_without_terms_does_not_renew_itself() -> None:
    world = Chain()
    world.apply(SetRenewal("acc", "p", automatic=True))
    assert world.refused() == "unknown_plan"
    world.activate("plain")
    for automatic in (True, False):
        world.apply(SetRenewal("acc", "plain", automatic=automatic))
        assert world.refused() == "bad_terms"
    world.bought(grace_ms=0)
    world.timer(MONTH)
    world.apply(SetRenewal("acc", "p", automatic=False), MONTH)
    assert world.refused() == "unknown_plan"


def test_a_renewal_that_cannot_be_opened_is_told_and_not_tried_again() -> None:
    world = Chain()
    world.bought(terms=renewing())
    world.activate("p-r1")
    world.timer(MONTH - 14 * DAY)
    assert world.kinds()[-1] == ("renewal_not_opened", "plan_exists")
    world.use(tokens(95 * MILLION, MONTH - 13 * DAY))
    assert ("renewal_not_opened", "plan_exists") not in world.kinds()


def test_a_plan_does_not_renew_itself_when_it_is_cancelled_or_followed_already() -> None:
    world = Chain()
    world.bought(terms=renewing())
    world.renewed()
    world.use(tokens(95 * MILLION, T0 + DAY))
    assert world.kinds() == []
    world = Chain()
    world.bought(terms=renewing())
    world.apply(CancelPlan("acc", "p", at_cycle_end=True))
    world.timer(MONTH - 14 * DAY)
    assert ("renewal_open", "") not in world.kinds()


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_plan_that_cannot_be_renewed_on_its_own_terms_needs_a_draft() -> None:
    world = Chain()
    world.apply(RenewPlan("acc", "p", None))
    assert world.refused() == "unknown_plan"
    world.activate("plain")
    world.bought("dated", months=None, end=MONTH)
    world.bought("parts", parts(T0 + 20 * DAY), months=None)
    for plan in ("plain", "dated", "parts"):
        world.apply(RenewPlan("acc", plan, None))
        assert world.refused() == "bad_terms"


def test_a_renewal_needs_a_name_of_its_own() -> None:
    world = Chain()
    world.bought()
    world.activate("taken")
    world.draft(replace(offer(), plan="written"))
    for name, code in (("taken", "plan_exists"), ("written", "plan_exists"), ("x" * 129, "invalid_value")):
        world.apply(RenewPlan("acc", "p", name))
        assert world.refused() == code
    world.apply(CancelPlan("acc", "written", at_cycle_end=False))
    world.apply(RenewPlan("acc", "p", "written"))
    assert world.refused() == "plan_exists"


def test_a_plan_is_followed_by_one_other_and_only_when_it_has_begun() -> None:
    world = Chain()
    world.bought()
    world.apply(RenewPlan("acc", "p", None))
    world.apply(RenewPlan("acc", "p", "other"))
    assert world.refused() == "wrong_status"  # one waits for its payment
    world.pay_all(T0)
    world.apply(RenewPlan("acc", "p", "other"))
    assert world.refused() == "wrong_status"  # it is paid
    world.apply(RenewPlan("acc", "p-r1", None))
    assert world.refused() == "wrong_status"  # that has not begun
    world.bought("later", start=T0 + 5 * DAY)
    world.apply(RenewPlan("acc", "later", None))
    assert world.refused() == "wrong_status"


def test_there_is_no_room_for_a_renewal_where_there_is_none_for_a_draft() -> None:
    world = Chain()
    world.bought()
    kept = world.state
    assert kept is not None
    drafts = tuple(replace(offer(), plan=f"d-{number}") for number in range(OFFERS_MAX))
    past = tuple(b"%08d" % number for number in range(PLANS_PAST_MAX + 1))
    request = PaymentRequest(1, "old", "instalment", 1, 1, T0, 0)
    for full, code in (
        (replace(kept, offers=drafts), "too_many_plans"),
        (replace(kept, past_plans=past), "too_many_plans"),
        (replace(kept, requests=(request,) * REQUESTS_MAX), "too_many_requests"),
    ):
        world.state = full
        world.apply(RenewPlan("acc", "p", None))
        assert world.refused() == code


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (offer(plan="q", follows=follower(), start=T0 + DAY), "bad_terms"),
        (offer(plan="q", follows=follower(), months=None, end=T0 + DAY), "bad_terms"),
        (offer(plan="q", follows=follower(plan="none")), "unknown_plan"),
    ],
)
def test_a_draft_that_cannot_follow_is_refused(made: Offer, code: str) -> None:
    world = Chain()
    world.bought()
    world.draft(made)
    assert world.refused() == code


def test_a_drafted_renewal_is_told_when_it_is_offered_and_may_have_other_terms() -> None:
    world = Chain(prices(book("cheap-usd", token="0.5")))
    world.bought()
    world.draft(offer(plan="q", book="cheap-usd", follows=follower()))
    world.apply(OfferPlan("acc", "q", 1, None))
    assert world.kinds() == [("plan_offered", ""), ("renewal_open", "")]
    world.apply(ConfirmPlan("acc", "q", 1))
    world.pay_all(T0)
    charge, _ = world.use(tokens(104 * MILLION, T0 + DAY))
    assert paid_by(charge) == [("p", usd("100")), ("q", usd("2"))]


def test_a_renewal_on_own_terms_has_the_first_amount_and_not_what_rolled_in() -> None:
    world = Chain()
    world.bought(terms=replace(UPFRONT, rollover=True))
    world.renewed()
    world.timer(MONTH + DAY)
    assert world.plan("p-r1").amount == usd("200")
    world.renewed(MONTH + 2 * DAY, plan="p-r1")
    assert (world.plan("p-r2").amount, world.plan("p-r2").renewals) == (usd("100"), 2)
