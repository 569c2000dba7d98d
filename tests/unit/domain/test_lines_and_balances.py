"""What a charge tells beside its amounts: each line's price and book, the plans' balances, what a service spent."""

from tests.support.domain import DAY, HOUR, T0, World, book, container, prices, tokens, usd

from drawdown.domain.coverage import accepts_at
from drawdown.domain.limits import BOOK_PRICES_MAX, QUANTITY_MAX
from drawdown.domain.prices import PLAN, Book, Price, Prices
from drawdown.domain.quantity import checked_quantity
from drawdown.domain.rated import Balance, Line


def test_a_line_carries_the_price_and_the_version_of_the_book_it_was_rated_with() -> None:
    world = World()
    world.activate(amount="0.5")
    charge, overage = world.use(tokens(1_000_000))
    assert charge is not None
    assert overage is not None
    half, million = 500_000 * 1_000_000, 1_000_000
    assert charge.lines == (Line(T0, "input_tokens", half, usd("1"), million, usd("0.5"), "plan-usd", 1, "p"),)
    assert overage.lines == (Line(T0, "input_tokens", half, usd("2"), million, usd("1"), "on-demand-usd", 1, None),)


def test_a_charge_tells_each_paying_plans_balance_before_and_after() -> None:
    world = World()
    world.activate("first", "3", priority=1)
    world.activate("second", "10", priority=2)
    world.activate("third", "10", priority=3)
    charge, _ = world.use(tokens(2_000_000))
    assert charge is not None
    assert charge.balances == (Balance("first", usd("3"), usd("1")),)
    charge, _ = world.use(tokens(3_000_000, T0 + 1))
    assert charge is not None
    assert charge.balances == (Balance("first", usd("1"), 0), Balance("second", usd("10"), usd("8")))


def test_what_a_plan_spent_is_added_up_by_service() -> None:
    world = World()
    world.activate()
    world.use(tokens(1_000_000))
    world.use(container(T0, T0 + HOUR))
    world.use(tokens(2_000_000, T0 + 1))
    assert world.plan().spent_by_service == (("gpu-container", usd("3.6")), ("inference", usd("3")))


def test_a_plan_that_is_settled_accepts_nothing_at_any_time() -> None:
    world = World()
    world.activate(end=T0 + HOUR, grace_ms=DAY)
    world.timer(T0 + HOUR)
    assert accepts_at(world.plan(), T0, T0 + HOUR)
    world.timer(T0 + HOUR + DAY)
    assert not accepts_at(world.plan(), T0, T0 + HOUR)


def test_the_limits_themselves_are_allowed() -> None:
    assert checked_quantity(QUANTITY_MAX, "images") == QUANTITY_MAX
    many = tuple(Price("inference", "images", (("model", f"{n}"),), 1, 1) for n in range(BOOK_PRICES_MAX))
    assert len(Book("b", 1, PLAN, "USD", 0, many).prices) == BOOK_PRICES_MAX


def test_on_demand_prices_of_a_currency_without_a_book_never_change() -> None:
    assert prices(book("plan-2")).change_points("USD") == (0,)
    assert Prices().change_points("USD") == ()
