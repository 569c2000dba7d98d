"""More deliberate mistakes in the rules of the wallet: in debt limits, write-offs, and what customers are told."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from tests.support.messages import HOUR
from tests.support.wallet_mistakes import MISTAKES, Patch, mistake

from drawdown.domain import notices as plans
from drawdown.domain.wallet import commands, decide, notices, redeeming, spending
from drawdown.domain.wallet.draft import Draft
from drawdown.domain.wallet.model import Adjust, OverageDue, Part, SetDebtLimit, Wallet

ALL = MISTAKES

# --- debt and its limit -------------------------------------------------------------------------------------------


@mistake
def the_limit_is_reached_only_past_it(patch: Patch) -> None:
    patch.setattr(notices, "limit_reached", lambda one: one.debt_limit is not None and one.debt > one.debt_limit)


@mistake
def the_limit_is_told_each_time(patch: Patch) -> None:
    kept = notices.limit_reached
    patch.setattr(notices, "limit_reached", lambda one: isinstance(one, Draft) and kept(one))


@mistake
def a_limit_of_nothing_is_reached_without_debt(patch: Patch) -> None:
    patch.setattr(notices, "limit_reached", lambda one: one.debt_limit is not None and one.debt >= one.debt_limit)


@mistake
def a_limit_cannot_be_taken_away(patch: Patch) -> None:
    kept = commands.set_debt_limit

    def limit(draft: Draft, command: SetDebtLimit) -> None:
        before = draft.debt_limit
        kept(draft, command)
        if command.limit is None:
            draft.debt_limit = before

    patch.setattr(commands, "set_debt_limit", limit)


@mistake
def debt_begins_with_every_overage(patch: Patch) -> None:
    kept = notices.after

    def after(draft: Draft, appended: int) -> None:
        wallet, draft.wallet = draft.wallet, replace(draft.wallet, debt=0)
        kept(draft, appended)
        draft.wallet = wallet

    patch.setattr(notices, "after", after)


@mistake
def nothing_is_told_by_itself(patch: Patch) -> None:
    patch.setattr(notices, "after", lambda draft, appended: None)


# --- adjustments --------------------------------------------------------------------------------------------------


def _adjusted_as(patch: Patch, change: Callable[[Adjust], Adjust]) -> None:
    kept = commands.adjust
    patch.setattr(commands, "adjust", lambda draft, command: kept(draft, change(command)))


@mistake
def a_write_off_is_a_grant(patch: Patch) -> None:
    _adjusted_as(patch, lambda one: replace(one, kind="grant") if one.kind == "write_off" else one)


@mistake
def a_write_off_takes_credit_back(patch: Patch) -> None:
    _adjusted_as(
        patch, lambda one: replace(one, kind="correction", amount=-one.amount) if one.kind == "write_off" else one
    )


@mistake
def a_grant_may_take_back(patch: Patch) -> None:
    _adjusted_as(patch, lambda one: replace(one, kind="correction") if one.kind == "grant" else one)


@mistake
def more_than_the_debt_is_written_off(patch: Patch) -> None:
    kept = commands._adjust_refusal

    def refusal(draft: Draft, command: Adjust) -> object:
        found = kept(draft, command)
        return None if found is not None and found[0] == "more_than_debt" else found

    patch.setattr(commands, "_adjust_refusal", refusal)


# --- low balance --------------------------------------------------------------------------------------------------


@mistake
def what_covers_just_an_hour_is_low(patch: Patch) -> None:
    kept = spending.shortfall
    patch.setattr(notices, "shortfall", lambda draft, appended: kept(_with_a_unit_less(draft), appended))


def _with_a_unit_less(draft: Draft) -> Draft:
    """Give a draft with all the same, and a unit less in its last top-up."""
    made = Draft(draft.wallet)
    for name in ("hour", "spending", "vouchers", "top_ups"):
        setattr(made, name, getattr(draft, name))
    if made.top_ups:
        made.top_ups = (*made.top_ups[:-1], replace(made.top_ups[-1], spent=made.top_ups[-1].spent + 1))
    return made


@mistake
def the_hour_before_does_not_count(patch: Patch) -> None:
    patch.setattr(
        spending,
        "rates",
        lambda draft, appended: {
            row.service: row.now for row in spending._as_of(draft, spending._hour(draft, appended))
        },
    )


@mistake
def the_hour_that_is_does_not_count(patch: Patch) -> None:
    patch.setattr(
        spending,
        "rates",
        lambda draft, appended: {
            row.service: row.before for row in spending._as_of(draft, spending._hour(draft, appended))
        },
    )


@mistake
def both_hours_are_added(patch: Patch) -> None:
    patch.setattr(
        spending,
        "rates",
        lambda draft, appended: {
            row.service: row.now + row.before for row in spending._as_of(draft, spending._hour(draft, appended))
        },
    )


@mistake
def the_spend_rate_is_for_ever(patch: Patch) -> None:
    patch.setattr(spending, "_hour", lambda draft, appended: 0)


@mistake
def hours_are_of_the_usage_and_not_of_the_append(patch: Patch) -> None:
    kept = spending.count
    patch.setattr(spending, "count", lambda draft, due, appended: kept(draft, due, due.time))


@mistake
def long_usage_counts_whole(patch: Patch) -> None:
    patch.setattr(spending, "_hourly", lambda due: due.total)


@mistake
def short_usage_is_stretched_to_an_hour(patch: Patch) -> None:
    def hourly(due: OverageDue) -> int:
        length = due.time - (due.start if due.start is not None else due.time - HOUR)
        return due.total * HOUR // max(length, 1)

    patch.setattr(spending, "_hourly", hourly)


@mistake
def credit_for_one_service_covers_all(patch: Patch) -> None:
    patch.setattr(spending, "_is_for", lambda part, service: True)


@mistake
def credit_for_one_service_covers_nothing(patch: Patch) -> None:
    kept = spending._is_for
    patch.setattr(spending, "_is_for", lambda part, service: not part.scope and kept(part, service))


@mistake
def other_services_are_all_for_low_balance(patch: Patch) -> None:
    kept = spending._is_for
    patch.setattr(spending, "_is_for", lambda part, service: kept(replace(part, others_than=()), service))


@mistake
def the_wider_credit_covers_first(patch: Patch) -> None:
    kept = spending._narrowness
    patch.setattr(spending, "_narrowness", lambda part: -kept(part))


@mistake
def what_has_expired_covers_too(patch: Patch) -> None:
    patch.setattr(spending, "_parts", _parts_at(0))


@mistake
def at_its_expiry_a_voucher_covers_nothing(patch: Patch) -> None:
    patch.setattr(spending, "_parts", _parts_at(1))


def _parts_at(later: int) -> Callable[[Wallet | Draft, int], list[Part]]:
    """Take vouchers as they are a little later; 0 takes all."""

    def parts(wallet: Wallet | Draft, appended: int) -> list[Part]:
        return [part for one in wallet.vouchers if not later or one.expires >= appended + later for part in one.parts]

    return parts


@mistake
def low_balance_is_told_each_time(patch: Patch) -> None:
    _after(patch, lambda draft: setattr(draft, "low_told", False))


@mistake
def low_balance_is_told_once_for_all(patch: Patch) -> None:
    _after(patch, lambda draft: setattr(draft, "low_told", draft.low_told or draft.wallet.low_told))


@mistake
def any_credit_arms_low_balance(patch: Patch) -> None:
    def arm(draft: Draft) -> None:
        if spending.left_at(draft, 0) > spending.left_at(draft.wallet, 0):
            draft.low_told = False

    _after(patch, arm)


@mistake
def low_balance_is_told_to_who_never_had_credit(patch: Patch) -> None:
    kept = spending.left_at
    patch.setattr(notices, "left_at", lambda wallet, appended: kept(wallet, appended) + 1)


def _after(patch: Patch, then: Callable[[Draft], Any]) -> None:
    kept = notices.after

    def after(draft: Draft, appended: int) -> None:
        kept(draft, appended)
        then(draft)

    patch.setattr(notices, "after", after)


# --- vouchers that expire soon ------------------------------------------------------------------------------------


@mistake
def vouchers_expire_unannounced(patch: Patch) -> None:
    patch.setattr(notices, "remind", lambda draft, appended: None)


@mistake
def only_the_newest_reminder_is_told(patch: Patch) -> None:
    kept = plans.reminders_past

    def remind(draft: Draft, appended: int) -> None:
        draft.vouchers = tuple(
            replace(one, reminded=max(one.reminded, kept(one.expires, appended) - 1)) for one in draft.vouchers
        )
        then(draft, appended)

    then = notices.remind
    patch.setattr(notices, "remind", remind)


@mistake
def reminders_come_a_millisecond_late(patch: Patch) -> None:
    kept = plans.reminders_past
    patch.setattr(notices, "reminders_past", lambda end, instant: kept(end, instant - 1))


@mistake
def reminders_are_told_again(patch: Patch) -> None:
    kept = notices.remind

    def remind(draft: Draft, appended: int) -> None:
        draft.vouchers = tuple(replace(one, reminded=min(one.reminded, 1)) for one in draft.vouchers)
        kept(draft, appended)

    patch.setattr(notices, "remind", remind)


@mistake
def reminders_from_before_the_grant_are_told(patch: Patch) -> None:
    patch.setattr(commands, "reminders_past", lambda end, instant: 0)


@mistake
def reminders_from_before_a_codes_grant_are_told(patch: Patch) -> None:
    patch.setattr(redeeming, "reminders_past", lambda end, instant: 0)


@mistake
def reminders_are_told_after_the_forfeiture(patch: Patch) -> None:
    kept = decide._forfeit

    def forfeit(draft: Draft, appended: int, policy: Any) -> None:
        told, draft.outputs = draft.outputs, []
        kept(draft, appended, policy)
        draft.outputs += told

    patch.setattr(decide, "_forfeit", forfeit)
