"""A statement closes with what the ledger holds, for any life and any hour; the next one opens with that."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support import random_wallets
from tests.support.examples import examples
from tests.support.random_lives import lives, successions
from tests.support.random_worlds import World
from tests.support.raters import Raters
from tests.support.raters import Step as PlansStep
from tests.support.rolled_up import Told, statement, taken
from tests.support.wallet_raters import GAP, WalletRaters
from tests.support.wallet_raters import Step as WalletStep

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.wallet.credits import left_of
from drawdown.history.filters import HOUR_MS, Period
from drawdown.history.statement import Statement

NOTHING = Decimal(0)
Picks = st.lists(st.integers(0, 40), min_size=3, max_size=3)
Left = dict[str, Decimal]


def hours_of(steps: Sequence[Told], picks: Sequence[int]) -> list[int]:
    """Give three different hours, ascending, each just before or behind what a record did."""
    at = sorted(step.record.timestamp for step in steps)
    hours = {at[pick // 2 % len(at)] // HOUR_MS + pick % 2 for pick in picks} | {at[-1] // HOUR_MS + 1}
    first = min(hours) - 1
    return [hour * HOUR_MS for hour in sorted({first - 1, first, *hours})[-3:]]


def check(steps: Sequence[Any], currency: str, picks: Sequence[int], held: Callable[[Any], Left]) -> None:
    """Compare two periods that follow each other with each other, and with what the ledger held at their ends."""
    batch = taken(steps)
    start, middle, end = hours_of(steps, picks)
    one, two = (statement(batch, currency, Period(*period)) for period in ((start, middle), (middle, end)))
    whole = statement(batch, currency, Period(0, end))
    for made, until in ((one, middle), (two, end), (whole, end)):
        adds_up(made)
        state = next((s.after for s in reversed(steps) if s.record.timestamp < until), None)
        wanted = {name: amount for name, amount in ({} if state is None else held(state)).items() if amount}
        assert {name: left for name, left in closings(made).items() if left} == wanted
    assert {n: left for n, left in closings(one).items() if left} == {
        n: left for n, left in openings(two).items() if left
    }
    assert not [name for name, left in openings(whole).items() if left]


def adds_up(made: Statement) -> None:
    for line in made.plans:
        opening, purchased, added, used, forfeited, moved, closing = (
            Decimal(getattr(line, name))
            for name in ("opening", "purchased", "added", "used", "forfeited", "moved", "closing")
        )
        assert closing == opening + purchased + added - used - forfeited - moved
        assert min(opening, purchased, added, used, forfeited, moved, closing) >= 0, line
    vouchers, cash = made.vouchers, made.top_ups_less_debt
    went = Decimal(vouchers.used) + Decimal(vouchers.forfeited)
    assert Decimal(vouchers.closing) == Decimal(vouchers.opening) + Decimal(vouchers.granted) - went
    came = Decimal(cash.topped_up) + Decimal(cash.adjusted)
    assert Decimal(cash.closing) == Decimal(cash.opening) + came - Decimal(cash.used)
    for service in made.services:
        parts = (service.plan, service.voucher, service.top_up, service.debt)
        assert Decimal(service.total) == sum(map(Decimal, parts))
    by_kind = [sum((Decimal(getattr(one, kind)) for one in made.services), NOTHING) for kind in ("plan", "voucher")]
    assert by_kind == [sum((Decimal(line.used) for line in made.plans), NOTHING), Decimal(vouchers.used)]


def openings(made: Statement) -> Left:
    return _balances(made, "opening")


def closings(made: Statement) -> Left:
    return _balances(made, "closing")


def _balances(made: Statement, which: str) -> Left:
    found = {f"plan {line.plan}": Decimal(getattr(line, which)) for line in made.plans}
    found["vouchers"] = Decimal(getattr(made.vouchers, which))
    return found | {"cash": Decimal(getattr(made.top_ups_less_debt, which))}


def plans_of(state: Any) -> Left:
    of = CURRENCIES[state.currency]
    gone = {one.id: one.spent + one.forfeited + one.rolled_over + one.credited for one in state.plans}
    return {f"plan {one.id}": Decimal(format_amount(one.amount - gone[one.id], of)) for one in state.plans}


def wallet_of(state: Any) -> Left:
    of = CURRENCIES[state.currency]
    vouchers = sum(map(left_of, state.vouchers))
    cash = sum(one.amount - one.spent for one in state.top_ups) - state.debt
    return {"vouchers": Decimal(format_amount(vouchers, of)), "cash": Decimal(format_amount(cash, of))}


def lived(world: World) -> tuple[list[PlansStep], str]:
    raters = Raters(world.books)
    steps = [raters.rated(record) for record in world.records]
    after = steps[-1].after
    assert after is not None
    return steps, after.currency


@examples(40)
@given(lives(), Picks)
def test_plans_close_with_what_the_ledger_holds(world: World, picks: list[int]) -> None:
    steps, currency = lived(world)
    check(steps, currency, picks, plans_of)


@examples(40)
@given(successions(), Picks)
def test_plans_that_follow_each_other_close_with_what_the_ledger_holds(world: World, picks: list[int]) -> None:
    steps, currency = lived(world)
    check(steps, currency, picks, plans_of)


@examples(100)
@given(random_wallets.lives(), Picks)
def test_wallets_close_with_what_the_ledger_holds(life: random_wallets.Life, picks: list[int]) -> None:
    raters, steps = WalletRaters(), []
    for record in life.records:
        step = WalletStep(record, {})
        raters._decide(step)
        if step.code == GAP:
            break
        steps.append(step)
    opened = [step.after for step in steps if step.after is not None]
    if opened:
        check(steps, opened[-1].currency, picks, wallet_of)
