"""Deliberate mistakes in the rules, each a patch of the domain where a name is used. The oracle must notice all."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest
from msgspec.structs import replace

from drawdown.domain import coverage, decide, events, jobs, pieces, plans, rate
from drawdown.domain.calendar import month_starts_between
from drawdown.domain.coverage import narrowness
from drawdown.domain.errors import Reject
from drawdown.domain.model import Account, Dimensions, Job, Plan, ScopeItem, Usage
from drawdown.domain.money import divide_half_up
from drawdown.domain.pieces import Piece, pieces_of
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Book, Price, Prices
from drawdown.domain.usage import container_measures
from drawdown.wire import usage as wire_usage

Patch = pytest.MonkeyPatch
NEVER = 2**62
MISTAKES: list[Callable[[Patch], None]] = []


def mistake(made: Callable[[Patch], None]) -> Callable[[Patch], None]:
    """Put a mistake on the list."""
    MISTAKES.append(made)
    return made


def _floor(numerator: int, denominator: int) -> int:
    return numerator // denominator


# --- rounding and splitting ---------------------------------------------------------------------------------------


@mistake
def amounts_round_down(patch: Patch) -> None:
    patch.setattr(rate, "amount_of", lambda quantity, price: quantity * price.unit_price // (price.per * 10**6))


@mistake
def amounts_round_half_to_even(patch: Patch) -> None:
    def amount_of(quantity: int, price: Price) -> int:
        whole, rest = divmod(quantity * price.unit_price, price.per * 10**6)
        return whole + (2 * rest + whole % 2 > price.per * 10**6)

    patch.setattr(rate, "amount_of", amount_of)


@mistake
def split_quantities_round_down(patch: Patch) -> None:
    kept = divide_half_up
    patch.setattr(rate, "amount_of", lambda quantity, price: kept(quantity * price.unit_price, price.per * 10**6))
    patch.setattr(rate, "divide_half_up", _floor)


@mistake
def a_plan_pays_a_piece_whole_or_not_at_all(patch: Patch) -> None:
    kept = rate.Rating._draw

    def draw(self: rate.Rating, purse: rate.Purse, price: Price, piece: Piece, quantity: int) -> int:
        whole = rate.amount_of(quantity, price) <= purse.left
        return kept(self, purse, price, piece, quantity) if whole else quantity

    patch.setattr(rate.Rating, "_draw", draw)


@mistake
def what_is_uncovered_is_lost(patch: Patch) -> None:
    kept = rate.Rating._draw

    def draw(self: rate.Rating, purse: rate.Purse, price: Price, piece: Piece, quantity: int) -> int:
        kept(self, purse, price, piece, quantity)
        return 0

    patch.setattr(rate.Rating, "_draw", draw)


@mistake
def parts_in_time_are_equal(patch: Patch) -> None:
    def divide(quantity: int, bounds: list[int]) -> list[int]:
        parts = len(bounds) - 1
        return [quantity // parts] * (parts - 1) + [quantity - quantity // parts * (parts - 1)]

    patch.setattr(pieces, "divide_in_time", divide)


# --- where an interval is cut -------------------------------------------------------------------------------------


@mistake
def no_cut_where_prices_change(patch: Patch) -> None:
    patch.setattr(Prices, "change_points", lambda self, currency: ())


@mistake
def no_cut_where_a_month_begins(patch: Patch) -> None:
    patch.setattr(pieces, "month_starts_between", lambda start, end, time_zone: [])


@mistake
def months_begin_in_utc(patch: Patch) -> None:
    kept = month_starts_between
    patch.setattr(pieces, "month_starts_between", lambda start, end, time_zone: kept(start, end, "UTC"))


@mistake
def no_cut_where_a_cycle_begins(patch: Patch) -> None:
    patch.setattr(pieces, "cycle_starts", lambda plan, start, end, time_zone: [])


@mistake
def no_cut_where_a_plan_starts_or_ends(patch: Patch) -> None:
    kept = pieces.cuts_of

    def cuts_of(usage: Usage, start: int, account: Account, prices: Prices) -> list[int]:
        own = {at for plan in account.plans for at in (plan.start, plan.end)}
        return [at for at in kept(usage, start, account, prices) if at not in own]

    patch.setattr(pieces, "cuts_of", cuts_of)


@mistake
def pieces_are_paid_by_meter_and_then_time(patch: Patch) -> None:
    kept = pieces_of
    patch.setattr(decide, "pieces_of", lambda *args: sorted(kept(*args), key=lambda piece: (piece.meter, piece.time)))


@mistake
def storage_is_paid_before_gpus(patch: Patch) -> None:
    kept = pieces_of

    def reordered(*args: Any) -> list[Piece]:
        groups = [list(group) for _, group in groupby(kept(*args), key=lambda piece: piece.time)]
        return [piece for group in groups for piece in reversed(group)]

    patch.setattr(decide, "pieces_of", reordered)


# --- which plan pays ----------------------------------------------------------------------------------------------


def _ordered(patch: Patch, key: Callable[[Plan], tuple[object, ...]]) -> None:
    patch.setattr(events, "draw_order", key)


def _end(plan: Plan) -> int:
    return NEVER if plan.end is None else plan.end


@mistake
def higher_priority_numbers_pay_first(patch: Patch) -> None:
    _ordered(patch, lambda plan: (-plan.priority, narrowness(plan.scope), _end(plan), plan.activated))


@mistake
def wider_scopes_pay_first(patch: Patch) -> None:
    _ordered(patch, lambda plan: (plan.priority, -narrowness(plan.scope), _end(plan), plan.activated))


@mistake
def scopes_do_not_matter(patch: Patch) -> None:
    _ordered(patch, lambda plan: (plan.priority, _end(plan), plan.activated))


@mistake
def later_ends_pay_first(patch: Patch) -> None:
    _ordered(patch, lambda plan: (plan.priority, narrowness(plan.scope), -_end(plan), plan.activated))


@mistake
def open_ended_plans_pay_first(patch: Patch) -> None:
    _ordered(patch, lambda plan: (plan.priority, narrowness(plan.scope), plan.end or 0, plan.activated))


@mistake
def later_activations_pay_first(patch: Patch) -> None:
    _ordered(patch, lambda plan: (plan.priority, narrowness(plan.scope), _end(plan), -plan.activated))


def _accepting(patch: Patch, accepts: Callable[[Plan, int, int], bool]) -> None:
    patch.setattr(
        rate, "accepts_at", lambda plan, at, appended: plan.status != "expired" and accepts(plan, at, appended)
    )


@mistake
def late_usage_ignores_the_grace(patch: Patch) -> None:
    _accepting(patch, lambda plan, at, appended: plan.start <= at < _end(plan) and appended < _end(plan))


@mistake
def late_usage_is_covered_for_ever(patch: Patch) -> None:
    _accepting(patch, lambda plan, at, appended: plan.start <= at < _end(plan))


@mistake
def the_last_millisecond_of_grace_counts_twice(patch: Patch) -> None:
    _accepting(patch, lambda p, at, appended: p.start <= at < _end(p) and appended <= _end(p) + p.grace_ms)


@mistake
def the_end_is_inclusive(patch: Patch) -> None:
    _accepting(patch, lambda p, at, appended: p.start <= at <= _end(p) and appended < _end(p) + p.grace_ms)


@mistake
def the_start_is_exclusive(patch: Patch) -> None:
    _accepting(patch, lambda p, at, appended: p.start < at < _end(p) and appended < _end(p) + p.grace_ms)


@mistake
def arrival_decides_and_not_event_time(patch: Patch) -> None:
    _accepting(patch, lambda plan, at, appended: plan.start <= appended < _end(plan))


@mistake
def quotas_are_ignored(patch: Patch) -> None:
    patch.setattr(rate, "includes", lambda item, service, dimensions: False)


@mistake
def a_products_quota_counts_for_its_whole_service(patch: Patch) -> None:
    patch.setattr(rate, "includes", lambda item, service, dimensions: item.service == service)


@mistake
def one_dimension_of_a_product_is_enough(patch: Patch) -> None:
    def includes(item: ScopeItem, service: str, dimensions: Dimensions) -> bool:
        return item.service == service and (not item.dimensions or any(pair in dimensions for pair in item.dimensions))

    patch.setattr(coverage, "includes", includes)


# --- prices -------------------------------------------------------------------------------------------------------


@mistake
def overage_at_the_plans_prices(patch: Patch) -> None:
    patch.setattr(Prices, "on_demand_at", lambda self, currency, at: self.book("plan-usd", 1))


@mistake
def the_newest_on_demand_version_prices_all(patch: Patch) -> None:
    kept = Prices.on_demand_at
    patch.setattr(Prices, "on_demand_at", lambda self, currency, at: kept(self, currency, NEVER))


@mistake
def plans_take_the_newest_version_of_their_book(patch: Patch) -> None:
    kept = Prices.book
    patch.setattr(Prices, "book", lambda self, name, version: kept(self, name, 2))


@mistake
def the_price_with_fewest_dimensions_wins(patch: Patch) -> None:
    def price(self: Book, service: str, meter: str, dimensions: Dimensions) -> Price | None:
        fitting = [
            entry
            for entry in self.prices
            if (entry.service, entry.meter) == (service, meter) and set(entry.dimensions) <= set(dimensions)
        ]
        return min(fitting, key=lambda entry: len(entry.dimensions), default=None)

    patch.setattr(Book, "price", price)


# --- quantities and jobs ------------------------------------------------------------------------------------------


@mistake
def storage_is_not_billed_while_stopped(patch: Patch) -> None:
    kept = container_measures
    patch.setattr(
        wire_usage, "container_measures", lambda *args, running: kept(*args, running=running) if running else ()
    )


@mistake
def gpus_are_billed_while_stopped(patch: Patch) -> None:
    kept = container_measures
    patch.setattr(wire_usage, "container_measures", lambda *args, running: kept(*args, running=True))


@mistake
def a_job_rounds_up_by_its_last_event_alone(patch: Patch) -> None:
    kept = jobs.follow

    def follow(account: Account, usage: Usage, appended: int, policy: Policy) -> tuple[tuple[Job, ...], Job]:
        found, job = kept(account, usage, appended, policy)
        return found, replace(job, total_ms=usage.time - (usage.start or usage.time))

    patch.setattr(jobs, "follow", follow)


@mistake
def a_job_does_not_round_up(patch: Patch) -> None:
    patch.setattr(jobs, "extra_measures", lambda job: ())


@mistake
def a_job_rounds_up_to_ten_minutes(patch: Patch) -> None:
    patch.setattr(jobs, "INCREMENT_MS", 600_000)


@mistake
def a_finished_quarter_of_an_hour_rounds_up_again(patch: Patch) -> None:
    patch.setattr(jobs, "rounding_up_ms", lambda total_ms: jobs.INCREMENT_MS - total_ms % jobs.INCREMENT_MS)


@mistake
def a_jobs_extra_takes_one_gpu(patch: Patch) -> None:
    kept = jobs.extra_measures
    patch.setattr(jobs, "extra_measures", lambda job: kept(replace(job, gpu_thousandths=1_000)))


@mistake
def a_job_is_silent_after_a_day(patch: Patch) -> None:
    patch.setattr(jobs, "JOB_SILENCE_MS", 86_400_000)


@mistake
def a_closed_job_opens_again(patch: Patch) -> None:
    kept = jobs.follow

    def follow(account: Account, usage: Usage, appended: int, policy: Policy) -> tuple[tuple[Job, ...], Job]:
        return kept(
            replace(account, jobs=tuple(job for job in account.jobs if not job.closed)), usage, appended, policy
        )

    patch.setattr(jobs, "follow", follow)


# --- expiry, settlement, windows ----------------------------------------------------------------------------------


@mistake
def a_used_up_amount_does_not_expire_a_plan(patch: Patch) -> None:
    patch.setattr(plans, "note_used_up", lambda draft, plan, instant, appended: None)


@mistake
def an_open_ended_plan_that_is_used_up_stays_open(patch: Patch) -> None:
    kept = plans.note_used_up
    patch.setattr(plans, "note_used_up", lambda draft, plan, *at: kept(draft, replace(plan, end=NEVER), *at))


@mistake
def settlement_does_not_wait_for_the_grace(patch: Patch) -> None:
    patch.setattr(plans, "due_of", lambda plan: None if plan.status == "expired" else plan.end)


@mistake
def nothing_is_forfeited(patch: Patch) -> None:
    kept = plans.settle
    patch.setattr(plans, "settle", lambda draft, plan, at: kept(draft, replace(plan, spent=plan.amount), at))


def _checking(patch: Patch, check: Callable[[Policy, str, int, int], None]) -> None:
    patch.setattr(Policy, "check", check)


@mistake
def all_services_have_the_same_window(patch: Patch) -> None:
    patch.setattr(Policy, "window_ms", lambda self, service: self.default_window_ms)


@mistake
def the_window_is_a_millisecond_short(patch: Patch) -> None:
    kept = Policy.check
    _checking(patch, lambda self, service, time, appended: kept(self, service, time - (appended > time), appended))


@mistake
def usage_may_be_ahead_by_any_time(patch: Patch) -> None:
    kept = Policy.check
    _checking(patch, lambda self, service, time, appended: kept(self, service, min(time, appended), appended))


@mistake
def a_replay_is_refused_past_the_window(patch: Patch) -> None:
    def check_ahead(self: Policy, time: int, appended: int) -> None:
        if appended - time > self.window_ms("inference"):
            raise Reject("too_late", "like any other usage")

    patch.setattr(Policy, "check_ahead", check_ahead)
