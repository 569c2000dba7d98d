"""Deliberate mistakes in the rules of plans that follow plans, each a patch where a name is used."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from drawdown.domain import offers, plans, rate, renewals, requests, successions
from drawdown.domain.coverage import accepts_at
from drawdown.domain.events import Draft
from drawdown.domain.limits import DAY_MS
from drawdown.domain.model import Account, Offer, Plan
from drawdown.domain.rate import Rating
from drawdown.domain.terms import Terms

Patch = pytest.MonkeyPatch
MISTAKES: list[Callable[[Patch], None]] = []


def mistake(made: Callable[[Patch], None]) -> Callable[[Patch], None]:
    """Put a mistake on the list."""
    MISTAKES.append(made)
    return made


# --- renewals -----------------------------------------------------------------------------------------------------


@mistake
def a_renewal_begins_when_it_is_paid(patch: Patch) -> None:
    kept = successions.begins_at

    def begins_at(draft: Draft, offer: Offer, appended: int) -> int:
        renewal = offer.follows is not None and offer.follows.how == "renewal"
        return appended if renewal else kept(draft, offer, appended)

    patch.setattr(successions, "begins_at", begins_at)


@mistake
def a_renewal_waits_for_the_end_of_a_plan_that_ran_out(patch: Patch) -> None:
    patch.setattr(successions, "ran_out", lambda draft, plan, instant, appended: None)
    patch.setattr(Rating, "_inherit", lambda self, piece, quantity: quantity)


@mistake
def a_pause_does_not_move_the_renewal(patch: Patch) -> None:
    patch.setattr(successions, "align", lambda draft, appended: None)


@mistake
def what_is_left_is_forfeited_though_the_terms_roll_it_over(patch: Patch) -> None:
    patch.setattr(successions, "roll_over", lambda draft, plan, rest: 0)


@mistake
def what_rolled_over_does_not_let_a_plan_go_on(patch: Patch) -> None:
    def add(draft: Draft, plan: Plan, amount: int, reason: str) -> None:
        draft.put_plan(replace(plan, amount=plan.amount + amount))
        draft.event("amount_added", "", plan=plan.id, reason=reason, amount=amount)

    patch.setattr(successions, "add", add)


@mistake
def what_rolled_over_is_bought_again(patch: Patch) -> None:
    kept = renewals._renewal_of
    patch.setattr(renewals, "_renewal_of", lambda draft, plan, *rest: kept(draft, replace(plan, rolled_in=0), *rest))


@mistake
def a_renewal_that_is_cancelled_returns_its_whole_price(patch: Patch) -> None:
    patch.setattr(successions, "paid_for", lambda draft, plan: plan.terms.price if plan.terms else 0)


@mistake
def a_plan_renews_itself_a_day_late(patch: Patch) -> None:
    patch.setattr(renewals, "RENEWAL_LEAD_MS", 13 * DAY_MS)


@mistake
def a_plan_that_is_nearly_used_does_not_renew_itself(patch: Patch) -> None:
    patch.setattr(renewals, "when_nearly_used", lambda draft, plan, appended: None)


@mistake
def a_plan_is_followed_by_two_others(patch: Patch) -> None:
    patch.setattr(successions, "confirmed_follower", lambda draft, plan, but: "")


# --- upgrades and downgrades --------------------------------------------------------------------------------------


@mistake
def an_upgrade_costs_its_whole_price(patch: Patch) -> None:
    patch.setattr(successions, "first_due", lambda draft, offer, appended: offer.terms.first)


@mistake
def what_a_plan_is_worth_is_what_was_paid(patch: Patch) -> None:
    patch.setattr(successions, "_balance", lambda draft, plan, terms: successions.paid_for(draft, plan))


@mistake
def what_a_plan_is_worth_counts_what_is_not_paid(patch: Patch) -> None:
    def balance(draft: Draft, plan: Plan, terms: Terms) -> int:
        return terms.price - plan.spent * terms.price // max(plan.amount, 1)

    patch.setattr(successions, "_balance", balance)


@mistake
def what_a_plan_is_worth_rounds_up(patch: Patch) -> None:
    kept = successions._balance
    patch.setattr(successions, "_balance", lambda draft, plan, terms: kept(draft, plan, terms) + 1)


@mistake
def what_is_more_than_the_new_price_is_lost(patch: Patch) -> None:
    patch.setattr(successions, "add", lambda draft, plan, amount, reason: None)


@mistake
def a_downgrade_leaves_the_instalments_as_they_are(patch: Patch) -> None:
    patch.setattr(requests, "lessen", lambda draft, plan, funds: funds)


@mistake
def what_was_used_meanwhile_is_given_away(patch: Patch) -> None:
    kept = requests.ask

    def ask(draft: Draft, plan: str, terms: Terms, reason: Any, *rest: Any) -> None:
        if reason != "shortfall":
            kept(draft, plan, terms, reason, *rest)

    patch.setattr(requests, "ask", ask)


@mistake
def the_old_plans_instalments_stay_due(patch: Patch) -> None:
    kept = requests.drop_of
    patch.setattr(requests, "drop_of", lambda draft, plan, but="": 0 if but else kept(draft, plan))


@mistake
def a_change_at_the_cycles_end_comes_at_once(patch: Patch) -> None:
    kept = offers.start

    def start(draft: Draft, offer: Offer, appended: int) -> None:
        now = replace(offer.follows, how="now") if offer.follows and offer.follows.how == "cycle_end" else offer.follows
        kept(draft, replace(offer, follows=now), appended)

    patch.setattr(offers, "start", start)


@mistake
def a_plan_that_is_replaced_forfeits_what_is_left(patch: Patch) -> None:
    kept = plans.settle
    patch.setattr(plans, "settle", lambda draft, plan, appended: kept(draft, replace(plan, credited=0), appended))


@mistake
def late_usage_from_before_a_change_takes_the_new_prices(patch: Patch) -> None:
    kept = Rating._draw

    def draw(self: Rating, purse: Any, price: Any, piece: Any, quantity: int) -> int:
        new = purse.payer.book.price(self._usage.service, piece.meter, self._usage.dimensions)
        return kept(self, purse, new or price, piece, quantity)

    patch.setattr(Rating, "_draw", draw)


@mistake
def late_usage_from_before_a_change_is_on_demand(patch: Patch) -> None:
    kept = accepts_at

    def accepts(plan: Plan, at: int, appended: int) -> bool:
        return plan.expired_by != "replaced" and kept(plan, at, appended)

    patch.setattr(rate, "accepts_at", accepts)


@mistake
def an_instalment_that_the_plan_before_will_pay_suspends_a_plan(patch: Patch) -> None:
    def threatened(state: Account | Draft) -> set[str]:
        running = {plan.id for plan in state.plans if plan.status in {"active", "paused"}}
        return running | {offer.plan for offer in state.offers}

    patch.setattr(requests, "threatened", threatened)


@mistake
def a_change_taken_back_leaves_the_old_plans_early_end(patch: Patch) -> None:
    kept = successions.take_back

    def take_back(draft: Draft, plan: Plan, appended: int) -> None:
        cut = replace(plan, follows=replace(plan.follows, cut=0)) if plan.follows else plan
        kept(draft, cut, appended)

    patch.setattr(successions, "take_back", take_back)


@mistake
def a_change_taken_back_returns_the_old_plans_worth_too(patch: Patch) -> None:
    kept = successions.paid_for

    def paid_for(draft: Draft, plan: Plan) -> int:
        extra = plan.terms.first - plan.follows.asked if plan.terms and plan.follows and plan.follows.cut else 0
        return kept(draft, plan) + extra

    patch.setattr(successions, "paid_for", paid_for)
