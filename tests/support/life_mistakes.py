"""Deliberate mistakes in the rules of a plan's life, each a patch where a name is used. The oracle must notice all."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from drawdown.domain import notices, offers, pauses, payments, pieces, plans, rate, requests, successions
from drawdown.domain.calendar import add_months, month_starts_between
from drawdown.domain.commands import CancelPlan, ConfirmPlan, RecordPayment
from drawdown.domain.coverage import accepts_at
from drawdown.domain.events import Draft
from drawdown.domain.limits import DAY_MS, PAUSE_MAX_MS, PAYMENT_DUE_NOTICE_MS
from drawdown.domain.model import Account, Gap, Plan, Usage
from drawdown.domain.prices import Prices
from drawdown.domain.terms import PaymentRequest, Terms

Patch = pytest.MonkeyPatch
Refusal = tuple[str, str] | None
MISTAKES: list[Callable[[Patch], None]] = []


def mistake(made: Callable[[Patch], None]) -> Callable[[Patch], None]:
    """Put a mistake on the list."""
    MISTAKES.append(made)
    return made


def _without(patch: Patch, module: Any, name: str, *codes: str) -> None:
    """Have a check of refusals let some of them pass."""
    kept = getattr(module, name)

    def refusal(*args: Any) -> Refusal:
        found: Refusal = kept(*args)
        return None if found is not None and found[0] in codes else found

    patch.setattr(module, name, refusal)


def _and_then(patch: Patch, module: Any, name: str, then: Callable[..., object]) -> None:
    """Have something done once more than the rule says, with the same arguments."""
    kept = getattr(module, name)

    def both(*args: Any) -> None:
        kept(*args)
        then(*args)

    patch.setattr(module, name, both)


# --- drafts, offers, confirmation ---------------------------------------------------------------------------------


@mistake
def any_revision_may_be_written(patch: Patch) -> None:
    _without(patch, offers, "_draft_refusal", "stale_revision")


@mistake
def an_older_revision_may_be_offered_and_confirmed(patch: Patch) -> None:
    _without(patch, offers, "_step_refusal", "stale_revision")


@mistake
def a_draft_may_be_confirmed_that_was_never_offered(patch: Patch) -> None:
    _without(patch, offers, "_step_refusal", "wrong_status")


@mistake
def a_confirmed_plan_may_be_written_anew(patch: Patch) -> None:
    _without(patch, offers, "_draft_refusal", "wrong_status")


@mistake
def a_plans_name_is_used_again(patch: Patch) -> None:
    _without(patch, offers, "_draft_refusal", "plan_exists")


@mistake
def terms_need_not_sum_to_the_price(patch: Patch) -> None:
    _without(patch, offers, "_terms_refusal", "bad_terms")


@mistake
def an_offer_holds_until_it_is_confirmed(patch: Patch) -> None:
    kept = offers.due_of
    patch.setattr(offers, "due_of", lambda offer: None if offer.status == "awaiting_confirmation" else kept(offer))


@mistake
def an_offer_lapses_after_a_day(patch: Patch) -> None:
    patch.setattr(offers, "OFFER_VALID_MS", DAY_MS)


@mistake
def what_was_paid_for_a_plan_that_lapses_is_kept(patch: Patch) -> None:
    kept = requests.drop_of

    def drop_of(draft: Draft, plan: str) -> int:
        kept(draft, plan)
        return 0

    patch.setattr(requests, "drop_of", drop_of)


@mistake
def a_plan_starts_when_it_is_confirmed(patch: Patch) -> None:
    def start(draft: Draft, command: ConfirmPlan, appended: int) -> None:
        offer = draft.offer(command.plan)
        if offer is not None and offer.status == "awaiting_payment":
            offers.start(draft, offer, appended)

    _and_then(patch, offers, "confirm", start)


@mistake
def a_plan_starts_when_it_was_meant_to_and_not_when_it_is_paid(patch: Patch) -> None:
    patch.setattr(successions, "max", lambda start, appended: start, raising=False)


@mistake
def a_month_has_thirty_days(patch: Patch) -> None:
    patch.setattr(successions, "add_months", lambda at, months, zone: at + months * 30 * DAY_MS)


@mistake
def months_are_counted_in_utc(patch: Patch) -> None:
    patch.setattr(successions, "add_months", lambda at, months, zone: add_months(at, months, "UTC"))


# --- payment ------------------------------------------------------------------------------------------------------


@mistake
def the_first_part_is_the_whole_price(patch: Patch) -> None:
    kept = requests.ask

    def ask(draft: Draft, plan: str, terms: Terms, reason: Any, exact: int, due: int, appended: int) -> None:
        kept(draft, plan, terms, reason, terms.price if reason == "first_part" else exact, due, appended)

    patch.setattr(requests, "ask", ask)


@mistake
def a_payment_in_part_starts_the_plan(patch: Patch) -> None:
    def start(draft: Draft, command: RecordPayment, appended: int) -> None:
        for offer in draft.offers:
            if any(one.plan == offer.plan and one.paid for one in draft.requests):
                offers.start(draft, offer, appended)

    _and_then(patch, payments, "record", start)


@mistake
def a_payment_counts_each_time_it_is_recorded(patch: Patch) -> None:
    numbers = count()
    patch.setattr(payments, "digest_of", lambda reference: b"%08d" % next(numbers))


@mistake
def a_payment_in_another_currency_counts(patch: Patch) -> None:
    _without(patch, payments, "_refusal", "wrong_currency")


@mistake
def a_payment_of_less_than_a_cent_counts(patch: Patch) -> None:
    _without(patch, payments, "_refusal", "bad_amount")


@mistake
def too_much_may_be_paid(patch: Patch) -> None:
    _without(patch, payments, "_refusal", "overpaid")


@mistake
def instalments_are_asked_for_on_the_day_they_are_due(patch: Patch) -> None:
    patch.setattr(requests, "REQUEST_LEAD_MS", 0)


@mistake
def a_payment_is_told_due_a_millisecond_late(patch: Patch) -> None:
    patch.setattr(requests, "PAYMENT_DUE_NOTICE_MS", PAYMENT_DUE_NOTICE_MS - 1)


@mistake
def what_is_overdue_is_not_told(patch: Patch) -> None:
    kept = requests._tell

    def tell(draft: Draft, kind: str, detail: str, request: PaymentRequest) -> None:
        if kind != "payment_overdue":
            kept(draft, kind, detail, request)

    patch.setattr(requests, "_tell", tell)


@mistake
def what_is_overdue_has_no_grace(patch: Patch) -> None:
    kept = requests.due_of
    patch.setattr(requests, "due_of", lambda request, plans: kept(replace(request, grace_ms=0), plans))


@mistake
def a_plan_that_is_not_paid_goes_on(patch: Patch) -> None:
    patch.setattr(requests, "threatened", lambda state: {offer.plan for offer in state.offers})


@mistake
def a_plan_that_is_not_paid_is_waited_for_for_ever(patch: Patch) -> None:
    patch.setattr(requests, "threatened", lambda state: {plan.id for plan in state.plans if plan.status == "active"})


@mistake
def payment_does_not_resume_a_plan(patch: Patch) -> None:
    patch.setattr(payments, "_hindered", lambda draft, plan, appended: True)


@mistake
def one_payment_resumes_a_plan_that_owes_two(patch: Patch) -> None:
    patch.setattr(payments, "_hindered", lambda draft, plan, appended: False)


@mistake
def payment_covers_backwards(patch: Patch) -> None:
    kept = pauses.resume

    def resume(draft: Draft, plan: Plan, instant: int, reason: str) -> None:
        kept(draft, plan, plan.gaps[-1].start if reason == "payment" else instant, reason)

    patch.setattr(pauses, "resume", resume)


@mistake
def a_schedule_ends_with_its_plan(patch: Patch) -> None:
    _and_then(patch, plans, "expire", lambda draft, plan, _: requests.drop_of(draft, plan.id))


# --- pauses and suspensions ---------------------------------------------------------------------------------------


def _seen_without(patch: Patch, kept_gap: Callable[[Gap], bool]) -> None:
    kept = accepts_at

    def accepts(plan: Plan, at: int, appended: int) -> bool:
        return kept(replace(plan, gaps=tuple(gap for gap in plan.gaps if kept_gap(gap))), at, appended)

    patch.setattr(rate, "accepts_at", accepts)


@mistake
def a_paused_plan_covers(patch: Patch) -> None:
    _seen_without(patch, lambda gap: not gap.pause)


@mistake
def a_suspended_plan_covers(patch: Patch) -> None:
    _seen_without(patch, lambda gap: gap.pause)


@mistake
def an_interval_is_not_cut_where_a_pause_begins_or_ends(patch: Patch) -> None:
    kept = pieces.cuts_of

    def cuts_of(usage: Usage, start: int, account: Account, prices: Prices) -> list[int]:
        whole = tuple(replace(plan, gaps=()) for plan in account.plans)
        return kept(usage, start, replace(account, plans=whole), prices)

    patch.setattr(pieces, "cuts_of", cuts_of)


@mistake
def a_pause_does_not_move_the_end(patch: Patch) -> None:
    patch.setattr(pauses, "_moved", lambda plan, by, instant, draft: plan)


@mistake
def a_pause_that_is_cut_short_has_moved_the_end_by_the_whole(patch: Patch) -> None:
    kept = pauses._moved
    patch.setattr(pauses, "_moved", lambda plan, by, instant, draft: kept(plan, max(by, 0), instant, draft))


@mistake
def a_pause_lasts_a_day_longer(patch: Patch) -> None:
    patch.setattr(pauses, "PAUSE_MAX_MS", PAUSE_MAX_MS + DAY_MS)


@mistake
def a_plan_may_be_paused_four_times(patch: Patch) -> None:
    patch.setattr(pauses, "PAUSES_MAX", 4)


@mistake
def a_pause_never_ends_by_itself(patch: Patch) -> None:
    kept = plans.due_of
    patch.setattr(plans, "due_of", lambda plan: None if plan.status == "paused" else kept(plan))


@mistake
def a_suspended_plan_may_be_resumed_by_anybody(patch: Patch) -> None:
    _without(patch, pauses, "status_refusal", "wrong_status")


# --- cycles, statements, the end ----------------------------------------------------------------------------------


@mistake
def statements_are_made_when_a_calendar_month_begins(patch: Patch) -> None:
    def next_month(plan: Plan, instant: int, zone: str) -> int:
        return month_starts_between(instant, instant + 32 * DAY_MS, zone)[0]

    patch.setattr(plans, "next_cycle_start", next_month)


@mistake
def a_statement_counts_from_the_beginning(patch: Patch) -> None:
    kept = plans._state
    patch.setattr(plans, "_state", lambda draft, plan, *rest: kept(draft, replace(plan, billed=0), *rest))


@mistake
def late_usage_is_on_no_statement(patch: Patch) -> None:
    kept = plans.settle
    patch.setattr(plans, "settle", lambda draft, plan, at: kept(draft, replace(plan, statement_at=None), at))


@mistake
def statements_are_asked_for_to_the_last_quantum(patch: Patch) -> None:
    patch.setattr(requests, "in_own_digits", lambda amount, currency: amount)


@mistake
def statements_round_down(patch: Patch) -> None:
    patch.setattr(requests, "divide_half_up", lambda numerator, denominator: numerator // denominator)


@mistake
def a_cancelled_plan_ends_at_once_whatever_was_asked(patch: Patch) -> None:
    kept = plans.cancel

    def cancel(draft: Draft, command: CancelPlan, appended: int) -> None:
        kept(draft, replace(command, at_cycle_end=False), appended)

    patch.setattr(plans, "cancel", cancel)


@mistake
def a_cancelled_plan_owes_nothing(patch: Patch) -> None:
    _and_then(patch, plans, "cancel", lambda draft, command, appended: requests.drop_of(draft, command.plan))


@mistake
def a_cancelled_plan_is_told_to_have_ended_by_time(patch: Patch) -> None:
    kept = plans.expire
    patch.setattr(plans, "expire", lambda draft, plan, at: kept(draft, replace(plan, cancelled=False), at))


# --- notices ------------------------------------------------------------------------------------------------------


@mistake
def the_thresholds_are_others(patch: Patch) -> None:
    patch.setattr(notices, "USED_PERCENTS", (50, 75, 90, 100))


@mistake
def a_threshold_is_told_when_it_is_passed(patch: Patch) -> None:
    kept = notices.reached
    patch.setattr(notices, "reached", lambda told, spent, amount: kept(told, spent - 1, amount))


@mistake
def a_threshold_is_told_each_time(patch: Patch) -> None:
    kept = notices.of_use
    patch.setattr(notices, "of_use", lambda draft, plan: kept(draft, replace(plan, noticed=0)))


@mistake
def the_use_of_quotas_is_not_told(patch: Patch) -> None:
    kept = notices.of_use

    def of_use(draft: Draft, plan: Plan) -> Plan:
        return replace(kept(draft, replace(plan, quotas=())), quotas=plan.quotas)

    patch.setattr(notices, "of_use", of_use)


@mistake
def the_end_is_told_two_days_ahead(patch: Patch) -> None:
    patch.setattr(notices, "REMINDER_DAYS", (30, 7, 2))


@mistake
def reminders_whose_time_was_over_at_the_start_are_told_all_the_same(patch: Patch) -> None:
    patch.setattr(notices, "reminders_past", lambda end, appended: 0)
