"""Deliberate mistakes in the rules of the wallet, each a patch where a name is used. The oracle must notice all."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from drawdown.domain.policy import Policy
from drawdown.domain.wallet import commands, decide, redeeming
from drawdown.domain.wallet import credits as sources
from drawdown.domain.wallet.draft import Draft
from drawdown.domain.wallet.model import (
    AddCredit,
    Adjust,
    CodeTerms,
    GrantVoucher,
    OverageDue,
    Part,
    Payment,
    SettleCode,
    TopUp,
    Voucher,
)
from drawdown.wire import credit, wallet_commands

Patch = pytest.MonkeyPatch
MISTAKES: list[Callable[[Patch], None]] = []


def mistake(made: Callable[[Patch], None]) -> Callable[[Patch], None]:
    """Put a mistake on the list."""
    MISTAKES.append(made)
    return made


# --- the order of credit ------------------------------------------------------------------------------------------


def _order(patch: Patch, key: Callable[[Voucher, Part, tuple[int, int, int, int]], tuple[int, ...]]) -> None:
    kept = sources.draw_order
    patch.setattr(sources, "draw_order", lambda voucher, part: key(voucher, part, kept(voucher, part)))


@mistake
def priority_does_not_count(patch: Patch) -> None:
    _order(patch, lambda voucher, part, order: order[1:])


@mistake
def scope_does_not_count(patch: Patch) -> None:
    _order(patch, lambda voucher, part, order: (order[0], *order[2:]))


@mistake
def other_services_rank_as_all(patch: Patch) -> None:
    _order(patch, lambda voucher, part, order: (order[0], 3 if part.others_than else order[1], *order[2:]))


@mistake
def the_later_expiry_pays_first(patch: Patch) -> None:
    _order(patch, lambda voucher, part, order: (*order[:2], -order[2], order[3]))


@mistake
def the_newest_voucher_pays_first(patch: Patch) -> None:
    _order(patch, lambda voucher, part, order: (*order[:3], -order[3]))


@mistake
def scopes_are_not_asked(patch: Patch) -> None:
    patch.setattr(sources, "in_scope", lambda scope, service, dimensions: True)


@mistake
def dimensions_are_not_asked(patch: Patch) -> None:
    patch.setattr(
        sources, "in_scope", lambda scope, service, _: not scope or any(item.service == service for item in scope)
    )


@mistake
def other_services_are_all_services(patch: Patch) -> None:
    kept = sources.pays
    patch.setattr(sources, "pays", lambda part, due: kept(replace(part, others_than=()), due))


@mistake
def vouchers_pay_nothing(patch: Patch) -> None:
    patch.setattr(sources, "_from_vouchers", lambda draft, due, payments: due.total)


@mistake
def top_ups_pay_before_vouchers(patch: Patch) -> None:
    kept = sources._from_vouchers

    def from_vouchers(draft: Draft, due: OverageDue, payments: list[Payment]) -> int:
        owed = sources._from_top_ups(draft, due.total, payments)
        return kept(draft, replace(due, total=owed), payments)

    patch.setattr(sources, "_from_vouchers", from_vouchers)


@mistake
def top_ups_pay_last_in_first_out(patch: Patch) -> None:
    kept = sources._from_top_ups

    def from_top_ups(draft: Draft, owed: int, payments: list[Payment]) -> int:
        draft.top_ups = draft.top_ups[::-1]
        owed = kept(draft, owed, payments)
        draft.top_ups = draft.top_ups[::-1]
        return owed

    patch.setattr(sources, "_from_top_ups", from_top_ups)


@mistake
def what_nothing_pays_is_forgotten(patch: Patch) -> None:
    kept = sources.draw

    def draw(draft: Draft, due: OverageDue) -> list[Payment]:
        before = draft.debt
        payments = [paid for paid in kept(draft, due) if paid.kind != "debt"]
        draft.debt = before
        return payments

    patch.setattr(decide, "draw", draw)


@mistake
def a_split_vouchers_balance_is_that_of_one_part(patch: Patch) -> None:
    kept = sources.draw

    def draw(draft: Draft, due: OverageDue) -> list[Payment]:
        return [
            replace(paid, before=paid.amount, after=0) if paid.kind == "voucher" else paid for paid in kept(draft, due)
        ]

    patch.setattr(decide, "draw", draw)


# --- expiry -------------------------------------------------------------------------------------------------------


def _judged_at(patch: Patch, time: Callable[[int], int]) -> None:
    kept = sources._from_vouchers
    patch.setattr(
        sources,
        "_from_vouchers",
        lambda draft, due, payments: kept(draft, replace(due, time=time(due.time)), payments),
    )


@mistake
def at_its_expiry_a_voucher_pays_no_more(patch: Patch) -> None:
    _judged_at(patch, lambda time: time + 1)


@mistake
def a_millisecond_after_its_expiry_a_voucher_still_pays(patch: Patch) -> None:
    _judged_at(patch, lambda time: time - 1)


@mistake
def expiry_is_judged_on_arrival(patch: Patch) -> None:
    kept = decide._draw
    patch.setattr(
        decide,
        "_draw",
        lambda state, due, appended: _at_its_own_time(kept(state, replace(due, time=appended), appended), due),
    )


def _at_its_own_time(decision: object, due: OverageDue) -> object:
    """Let the charge tell the overage as it came."""
    if decision is None:
        return None
    outputs = tuple(replace(one, due=due) if hasattr(one, "due") else one for one in decision.outputs)  # type: ignore[attr-defined]
    return replace(decision, outputs=outputs)  # type: ignore[type-var]


@mistake
def forfeiture_does_not_wait_for_the_window(patch: Patch) -> None:
    patch.setattr(decide, "forfeited_at", lambda expires, policy: expires)


@mistake
def forfeiture_waits_a_millisecond_too_long(patch: Patch) -> None:
    kept = decide.forfeited_at
    patch.setattr(decide, "forfeited_at", lambda expires, policy: kept(expires, policy) + 1)


@mistake
def forfeiture_forgets_the_skew(patch: Patch) -> None:
    patch.setattr(decide, "forfeited_at", lambda expires, policy: expires + policy.longest_window_ms)


@mistake
def all_vouchers_are_forfeited_together(patch: Patch) -> None:
    kept = decide._forfeit

    def forfeit(draft: Draft, appended: int, policy: Policy) -> None:
        first = min((voucher.expires for voucher in draft.vouchers), default=0)
        draft.vouchers = tuple(replace(voucher, expires=first) for voucher in draft.vouchers)
        kept(draft, appended, policy)

    patch.setattr(decide, "_forfeit", forfeit)


# --- commands -----------------------------------------------------------------------------------------------------


@mistake
def a_top_up_does_not_pay_debt(patch: Patch) -> None:
    kept = commands._add

    def add(draft: Draft, ident: str, amount: int) -> None:
        owed, draft.debt = draft.debt, 0
        kept(draft, ident, amount)
        draft.debt = owed

    patch.setattr(commands, "_add", add)


@mistake
def what_debt_took_stays_as_credit(patch: Patch) -> None:
    patch.setattr(commands, "TopUp", lambda ident, amount, paid: TopUp(ident, amount))


@mistake
def a_reference_is_credited_twice(patch: Patch) -> None:
    patch.setattr(Draft, "known", lambda self, ident: False)


@mistake
def a_voucher_and_a_payment_share_their_ids(patch: Patch) -> None:
    kept = Draft.known
    patch.setattr(
        Draft, "known", lambda self, ident: any(kept(self, f"{kind}:{ident.partition(':')[2]}") for kind in _KINDS)
    )


_KINDS = ("voucher", "top-up", "adjustment")


@mistake
def the_smallest_top_up_is_a_dollar(patch: Patch) -> None:
    patch.setattr(commands, "SMALLEST_TOP_UP", {"VND": "26000", "JPY": "150", "USD": "1"})


@mistake
def currencies_are_not_compared(patch: Patch) -> None:
    patch.setattr(commands, "_foreign", lambda draft, currency: None)


@mistake
def a_voucher_is_granted_however_late(patch: Patch) -> None:
    kept = commands.grant

    def grant(draft: Draft, command: GrantVoucher, appended: int, forfeited_at: int) -> None:
        kept(draft, command, 0, forfeited_at)

    patch.setattr(commands, "grant", grant)


@mistake
def an_adjustment_has_a_smallest_amount(patch: Patch) -> None:
    kept = commands.adjust

    def adjust(draft: Draft, command: Adjust) -> None:
        refusal = commands._top_up_refusal(draft, AddCredit("", "", command.currency, abs(command.amount)))
        kept(draft, command) if refusal is None else commands._refuse(draft, refusal, command.adjustment)

    patch.setattr(commands, "adjust", adjust)


@mistake
def what_is_taken_back_never_becomes_debt(patch: Patch) -> None:
    patch.setattr(commands, "take_back", lambda draft, amount: sources._from_top_ups(draft, amount, []))


@mistake
def what_is_taken_back_is_debt_at_once(patch: Patch) -> None:
    def take_back(draft: Draft, amount: int) -> None:
        draft.debt += amount

    patch.setattr(commands, "take_back", take_back)


@mistake
def an_adjustment_is_always_upwards(patch: Patch) -> None:
    kept = commands.adjust
    patch.setattr(commands, "adjust", lambda draft, command: kept(draft, replace(command, amount=abs(command.amount))))


# --- overages -----------------------------------------------------------------------------------------------------


@mistake
def an_overage_is_drawn_twice(patch: Patch) -> None:
    kept = decide._draw

    def draw(state: object, due: OverageDue, appended: int) -> object:
        return kept(replace(state, overage_seq=due.seq - 1), due, appended)  # type: ignore[arg-type, type-var]

    patch.setattr(decide, "_draw", draw)


@mistake
def a_split_takes_no_part_for_the_others(patch: Patch) -> None:
    kept = credit.parts_of
    patch.setattr(
        wallet_commands,
        "parts_of",
        lambda message, of: tuple(part for part in kept(message, of) if part.scope or not message.split),
    )


# --- voucher codes ------------------------------------------------------------------------------------------------


@mistake
def tries_are_not_limited(patch: Patch) -> None:
    patch.setattr(redeeming, "CODE_TRIES_MAX", 100)


@mistake
def tries_are_forgotten_at_once(patch: Patch) -> None:
    patch.setattr(redeeming, "CODE_TRIES_WINDOW_MS", 0)
    patch.setattr(redeeming, "CODE_TRIES_MAX", 11)


@mistake
def a_campaign_has_no_limit(patch: Patch) -> None:
    kept = redeeming._refusal

    def refusal(draft: Draft, terms: CodeTerms, *rest: object, over: bool) -> object:
        return kept(draft, replace(terms, per_account_max=99), *rest, over=over)  # type: ignore[arg-type]

    patch.setattr(redeeming, "_refusal", refusal)


@mistake
def a_code_in_another_currency_is_granted(patch: Patch) -> None:
    kept = redeeming._refusal

    def refusal(draft: Draft, terms: CodeTerms, *rest: object, over: bool) -> object:
        return kept(draft, replace(terms, currency=draft.wallet.currency), *rest, over=over)  # type: ignore[arg-type]

    patch.setattr(redeeming, "_refusal", refusal)


@mistake
def credit_of_a_code_may_be_over_when_it_is_granted(patch: Patch) -> None:
    patch.setattr(redeeming, "grant_refusal", lambda draft, voucher, over: None)


@mistake
def credit_of_a_code_lasts_for_ever(patch: Patch) -> None:
    kept = redeeming._grant
    patch.setattr(
        redeeming, "_grant", lambda draft, terms, one: kept(draft, terms, replace(one, expires=one.expires * 2))
    )


@mistake
def a_refused_code_is_not_given_back(patch: Patch) -> None:
    patch.setattr(redeeming, "SettleCode", lambda code, account, ident, granted: SettleCode(code, account, ident, True))
