"""Price books: the price with most dimensions wins, versions never change, later ones are announced an hour ahead."""

import pytest
from tests.support.domain import DAY, HOUR, T0, World, book, prices, tokens, usd

from drawdown.domain.errors import Reject
from drawdown.domain.limits import BOOK_LEAD_MS, BOOK_PRICES_MAX, PRICE_CACHE_MAX
from drawdown.domain.prices import ON_DEMAND, PLAN, Book, BookError, Price, Prices

Dimensions = tuple[tuple[str, str], ...]
H100: Dimensions = (("gpu_model", "H100"),)
HANOI: Dimensions = (("region", "hn"),)


def book_of(*entries: tuple[Dimensions, int]) -> Book:
    return Book(
        "b", 1, PLAN, "USD", 0, tuple(Price("inference", "images", dims, amount, 1) for dims, amount in entries)
    )


def found(made: Book, dimensions: Dimensions) -> int | None:
    price = made.price("inference", "images", dimensions)
    return None if price is None else price.unit_price


def test_the_price_with_most_dimensions_wins() -> None:
    made = book_of(((), 1), (H100, 2), (H100 + HANOI, 3))
    assert found(made, (("gpu_model", "A30"),)) == 1
    assert found(made, H100) == 2
    assert found(made, H100 + HANOI) == 3
    assert found(made, (*H100, ("region", "sg"))) == 2
    assert found(made, HANOI) == 1


def test_of_two_with_as_many_dimensions_the_first_by_name_wins() -> None:
    assert found(book_of((HANOI, 2), (H100, 1)), H100 + HANOI) == 1


def test_all_dimensions_of_a_price_must_be_the_events() -> None:
    made = book_of((H100 + HANOI, 3))
    assert found(made, H100) is None
    assert found(made, ()) is None


def test_a_price_is_of_one_service_and_one_meter() -> None:
    made = book_of(((), 1))
    assert made.price("inference", "input_tokens", ()) is None
    assert made.price("fine-tuning", "images", ()) is None


def test_prices_are_found_alike_however_many_were_asked_before() -> None:
    made = book_of(((), 1), (H100, 2))
    for number in range(PRICE_CACHE_MAX + 2):
        assert found(made, (("gpu_model", f"m{number}"),)) == 1
    assert found(made, H100) == 2


def test_two_prices_for_the_same_are_refused() -> None:
    with pytest.raises(BookError, match="twice"):
        book_of((H100, 1), (H100, 2))


def test_a_book_has_a_limit() -> None:
    with pytest.raises(BookError, match="at most"):
        book_of(*(((("model", str(number)),), 1) for number in range(BOOK_PRICES_MAX + 1)))


def test_a_version_never_changes_and_the_same_again_is_nothing() -> None:
    made = prices()
    made.add(book("plan-usd"), T0)
    with pytest.raises(BookError, match="versions never change"):
        made.add(book("plan-usd", "3"), T0)
    kept = made.book("plan-usd", 1)
    assert kept is not None
    assert kept.same_as(book("plan-usd"))


@pytest.mark.parametrize("kind", [PLAN, ON_DEMAND])
def test_a_later_version_holds_no_sooner_than_an_hour_after_its_append(kind: str) -> None:
    name = "plan-usd" if kind == PLAN else "on-demand-usd"
    made = prices()
    with pytest.raises(BookError, match="usage may be rated already"):
        made.add(book(name, version=2, since=T0 + BOOK_LEAD_MS - 1, kind=kind), T0)
    assert made.book(name, 2) is None
    made.add(book(name, version=2, since=T0 + BOOK_LEAD_MS, kind=kind), T0)
    assert made.book(name, 2) is not None


def test_the_first_version_may_hold_from_any_instant() -> None:
    made = Prices()
    made.add(book("on-demand-usd", since=T0 - 300 * DAY, kind=ON_DEMAND), T0)
    assert made.on_demand_at("USD", T0 - 300 * DAY).version == 1


def test_a_book_keeps_its_kind_and_currency() -> None:
    made = prices()
    with pytest.raises(BookError, match="changes the kind"):
        made.add(book("plan-usd", version=2, since=T0, kind=ON_DEMAND), 0)
    with pytest.raises(BookError, match="changes the currency"):
        made.add(Book("plan-usd", 2, PLAN, "VND", T0, ()), 0)


def test_a_currency_has_one_on_demand_book() -> None:
    with pytest.raises(BookError, match="has the on-demand book"):
        prices().add(book("another", kind=ON_DEMAND), 0)


def test_the_on_demand_version_in_force_at_the_pieces_time_prices_it() -> None:
    made = prices(
        book("on-demand-usd", "6", version=3, since=T0 + 2 * HOUR, kind=ON_DEMAND),
        book("on-demand-usd", "4", version=2, since=T0 + HOUR, kind=ON_DEMAND),
    )
    assert made.change_points("USD") == (0, T0 + HOUR, T0 + 2 * HOUR)
    versions = [made.on_demand_at("USD", T0 + at).version for at in (0, HOUR - 1, HOUR, 2 * HOUR - 1, 2 * HOUR)]
    assert versions == [1, 1, 2, 2, 3]
    _, overage = World(made).use(tokens(1_000_000, T0 + HOUR))
    assert overage is not None
    assert overage.total == usd("4")


def test_of_versions_from_one_instant_the_last_holds() -> None:
    later = [book("on-demand-usd", version=version, since=T0, kind=ON_DEMAND) for version in (3, 2)]
    assert prices(*later).on_demand_at("USD", T0).version == 3


def test_before_the_first_version_and_in_other_currencies_there_is_no_price() -> None:
    made = Prices()
    made.add(book("on-demand-usd", since=T0, kind=ON_DEMAND), 0)
    for currency, at in (("USD", T0 - 1), ("VND", T0)):
        with pytest.raises(Reject, match="unknown_price"):
            made.on_demand_at(currency, at)


def test_a_plan_keeps_the_version_it_was_confirmed_with() -> None:
    world = World(prices(book("plan-usd", "0.5", version=2, since=T0)))
    world.activate()
    charge, _ = world.use(tokens(1_000_000, T0 + HOUR))
    assert charge is not None
    assert (charge.total, charge.lines[0].book_version) == (usd("1"), 1)


def test_each_plan_and_on_demand_rate_by_their_own_books() -> None:
    world = World(prices(book("cheap", "0.5")))
    world.activate("cheap", "0.25", book="cheap", priority=1)
    world.activate("usual", "0.25", priority=2)
    charge, overage = world.use(tokens(1_000_000))
    assert charge is not None
    assert overage is not None
    assert [line.quantity // 1_000_000 for line in (*charge.lines, *overage.lines)] == [500_000, 250_000, 250_000]
    assert overage.total == usd("0.5")


def test_all_books_are_listed_in_the_order_they_were_taken_up() -> None:
    known = prices(book("other"), book("another"))
    assert [(one.name, one.version) for one in known.books()] == [
        ("on-demand-usd", 1),
        ("plan-usd", 1),
        ("other", 1),
        ("another", 1),
    ]
