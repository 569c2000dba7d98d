"""Deliberate mistakes in tiers, packages and their counters, as in mistakes.py. The oracle must notice all."""

from collections.abc import Callable, Iterator

from msgspec.structs import replace
from tests.support.mistakes import NEVER, Patch

from drawdown.domain import counters, parts, rate
from drawdown.domain.calendar import month_number
from drawdown.domain.counters import Cycles, Tallies, Tally
from drawdown.domain.cycles import cycle_number
from drawdown.domain.limits import COUNTERS_KEPT_MS, DAY_MS
from drawdown.domain.model import Dimensions
from drawdown.domain.parts import Part
from drawdown.domain.pieces import Piece
from drawdown.domain.prices import Book, Price

PRICE_MISTAKES: list[Callable[[Patch], None]] = []
Cut = Callable[[Price, int, int], Iterator[Part]]


def mistake(made: Callable[[Patch], None]) -> Callable[[Patch], None]:
    """Put a mistake on the list."""
    PRICE_MISTAKES.append(made)
    return made


def _cutting(patch: Patch, cut: str, made: Callable[[Cut, Price, int, int], Iterator[Part]]) -> None:
    kept: Cut = getattr(parts, cut)
    patch.setattr(parts, cut, lambda price, quantity, counted: made(kept, price, quantity, counted))


# --- tiers --------------------------------------------------------------------------------------------------------


def _bounds_moved(patch: Patch, by: int) -> None:
    def moved(kept: Cut, price: Price, quantity: int, counted: int) -> Iterator[Part]:
        tiers = tuple(replace(tier, up_to=tier.up_to and tier.up_to + by) for tier in price.tiers)
        return kept(replace(price, tiers=tiers), quantity, counted)

    _cutting(patch, "_tiers", moved)


@mistake
def the_last_unit_of_a_tier_is_in_the_next(patch: Patch) -> None:
    _bounds_moved(patch, -1)


@mistake
def a_tier_has_a_unit_too_many(patch: Patch) -> None:
    _bounds_moved(patch, 1)


@mistake
def a_quantity_is_priced_whole_by_the_tier_it_reaches(patch: Patch) -> None:
    def whole(kept: Cut, price: Price, quantity: int, counted: int) -> Iterator[Part]:
        *_, last = kept(price, quantity, counted)
        amount = rate.amount_of(quantity, replace(price, unit_price=last.unit_price))
        yield last._replace(quantity=quantity, amount=amount)

    _cutting(patch, "_tiers", whole)


@mistake
def a_quantity_is_priced_whole_by_the_tier_it_begins_in(patch: Patch) -> None:
    def whole(kept: Cut, price: Price, quantity: int, counted: int) -> Iterator[Part]:
        first = next(kept(price, quantity, counted))
        amount = rate.amount_of(quantity, replace(price, unit_price=first.unit_price))
        yield first._replace(quantity=quantity, amount=amount)

    _cutting(patch, "_tiers", whole)


@mistake
def tiers_round_down(patch: Patch) -> None:
    patch.setattr(parts, "divide_half_up", lambda numerator, denominator: numerator // denominator)


# --- packages -----------------------------------------------------------------------------------------------------


@mistake
def a_package_is_opened_twice(patch: Patch) -> None:
    _cutting(patch, "_packages", lambda kept, price, quantity, counted: kept(price, quantity, 0))


@mistake
def a_full_package_opens_the_next(patch: Patch) -> None:
    def packages(kept: Cut, price: Price, quantity: int, counted: int) -> Iterator[Part]:
        for part in kept(price, quantity, counted):
            full = part.size and part.quantity % part.size == 0
            yield part._replace(amount=part.amount + price.unit_price) if full else part

    _cutting(patch, "_packages", packages)


@mistake
def a_begun_package_costs_what_is_used_of_it(patch: Patch) -> None:
    def packages(kept: Cut, price: Price, quantity: int, counted: int) -> Iterator[Part]:
        for part in kept(price, quantity, counted):
            yield part._replace(amount=rate.amount_of(part.quantity, price)) if part.size else part

    _cutting(patch, "_packages", packages)


# --- counters -----------------------------------------------------------------------------------------------------


@mistake
def nothing_is_counted(patch: Patch) -> None:
    patch.setattr(Tally, "add", lambda self, key, quantity: None)


@mistake
def counters_do_not_outlive_the_event(patch: Patch) -> None:
    patch.setattr(Tallies, "store", lambda self: None)


@mistake
def a_plans_counters_go_on_through_its_cycles(patch: Patch) -> None:
    patch.setattr(counters, "cycle_number", lambda plan, instant, time_zone: 0)


@mistake
def a_plans_counters_are_of_calendar_months(patch: Patch) -> None:
    kept = month_number
    patch.setattr(counters, "cycle_number", lambda plan, instant, time_zone: kept(instant, time_zone))


@mistake
def counters_on_demand_go_on_through_the_months(patch: Patch) -> None:
    patch.setattr(counters, "month_number", lambda instant, time_zone: 24_311)


@mistake
def months_are_counted_in_utc(patch: Patch) -> None:
    kept = month_number
    patch.setattr(counters, "month_number", lambda instant, time_zone: kept(instant, "UTC"))


@mistake
def late_usage_takes_the_counter_of_the_newest_cycle(patch: Patch) -> None:
    kept = Cycles.number

    def number(self: Cycles, instant: int) -> int:
        return max([kept(self, instant), *(counter.period for counter in self.plan.counters)])

    patch.setattr(Cycles, "number", number)


@mistake
def a_pause_leaves_the_cycles_of_counters_where_they_were(patch: Patch) -> None:
    kept = cycle_number
    patch.setattr(counters, "cycle_number", lambda plan, at, time_zone: kept(replace(plan, gaps=()), at, time_zone))


@mistake
def a_plans_counter_takes_what_it_did_not_cover(patch: Patch) -> None:
    kept = rate.Rating._draw_counted

    def draw(self: rate.Rating, purse: rate.Purse, price: Price, piece: Piece, quantity: int) -> int:
        uncovered = kept(self, purse, price, piece, quantity)
        tally = self._tally(purse.plan)
        tally.add(tally.key(price, piece.time), uncovered)
        return uncovered

    patch.setattr(rate.Rating, "_draw_counted", draw)


@mistake
def plans_count_on_the_accounts_own_counters(patch: Patch) -> None:
    kept = Tallies.of
    patch.setattr(Tallies, "of", lambda self, plan: kept(self, None))


@mistake
def each_model_has_a_counter_of_its_own(patch: Patch) -> None:
    kept = Book.price

    def price(self: Book, service: str, meter: str, dimensions: Dimensions) -> Price | None:
        found = kept(self, service, meter, dimensions)
        return found and replace(found, dimensions=dimensions)

    patch.setattr(Book, "price", price)


@mistake
def a_later_version_of_the_book_counts_anew(patch: Patch) -> None:
    kept = Book.price

    def price(self: Book, service: str, meter: str, dimensions: Dimensions) -> Price | None:
        found = kept(self, service, meter, dimensions)
        return found and replace(found, dimensions=(*found.dimensions, ("version", str(self.version))))

    patch.setattr(Book, "price", price)


@mistake
def closed_periods_go_on_counting(patch: Patch) -> None:
    patch.setattr(counters, "COUNTERS_KEPT_MS", NEVER)


@mistake
def counters_are_closed_with_the_window(patch: Patch) -> None:
    patch.setattr(counters, "COUNTERS_KEPT_MS", 0)


@mistake
def counters_are_closed_a_day_early(patch: Patch) -> None:
    patch.setattr(counters, "COUNTERS_KEPT_MS", COUNTERS_KEPT_MS - DAY_MS)
