"""Price books: immutable versions, each with the event time from which it holds."""

from bisect import bisect_right
from typing import Final, Literal

import msgspec

from drawdown.domain.errors import Reject
from drawdown.domain.limits import BOOK_LEAD_MS, BOOK_PRICES_MAX, PRICE_CACHE_MAX
from drawdown.domain.model import Dimensions

ON_DEMAND: Final = "on_demand"
PLAN: Final = "plan"
PER_UNIT: Final = "per_unit"
GRADUATED: Final = "graduated"
PACKAGE: Final = "package"
Model = Literal["per_unit", "graduated", "package"]


class Tier(msgspec.Struct, frozen=True, gc=False):
    """A step of a graduated price: what units cost that are past the tier before, up to and with `up_to`.

    up_to: whole quanta of the meter; None on the last, which has no bound. unit_price: as a price's.
    """

    up_to: int | None
    unit_price: int


class Price(msgspec.Struct, frozen=True, gc=False):
    """A price: `unit_price` (quanta of the book's currency) for each `per` whole quanta of the meter.

    dimensions: all of them must equal the event's; () prices whatever the event's are.
    model: per_unit; package: each begun package of `per` quanta costs `unit_price`; graduated: `unit_price` is 0, each
    unit costs what its tier says for `per`. tiers: of a graduated price, ascending.
    """

    service: str
    meter: str
    dimensions: Dimensions
    unit_price: int
    per: int
    model: Model = PER_UNIT
    tiers: tuple[Tier, ...] = ()


class BookError(Exception):
    """A price book cannot be taken up; the message says why and what to do. field: of the book that is at fault."""

    def __init__(self, message: str, field: str = "") -> None:
        """Say why, and which field."""
        super().__init__(message)
        self.field = field


class Book:
    """One version of a price book. Resolved prices are remembered, up to a limit."""

    __slots__ = ("_by_meter", "_resolved", "currency", "effective_from", "kind", "name", "prices", "version")

    def __init__(
        self, name: str, version: int, kind: str, currency: str, effective_from: int, prices: tuple[Price, ...]
    ) -> None:
        """Index the prices; raise BookError when two of them apply alike. effective_from: ms."""
        if len(prices) > BOOK_PRICES_MAX:
            raise BookError(f"book {name}:{version} has {len(prices)} prices; at most {BOOK_PRICES_MAX}")
        self.name = name
        self.version = version
        self.kind = kind
        self.currency = currency
        self.effective_from = effective_from
        self.prices = prices
        self._resolved: dict[tuple[str, str, Dimensions], Price | None] = {}
        self._by_meter: dict[tuple[str, str], list[Price]] = {}
        seen = set()
        for price in prices:
            key = (price.service, price.meter, price.dimensions)
            if key in seen:
                raise BookError(f"book {name}:{version} prices {price.service} {price.meter} {price.dimensions} twice")
            seen.add(key)
            self._by_meter.setdefault(key[:2], []).append(price)
        for entries in self._by_meter.values():
            entries.sort(key=lambda price: (-len(price.dimensions), price.dimensions))

    def same_as(self, other: "Book") -> bool:
        """Say whether both hold the same terms."""
        mine = (self.name, self.version, self.kind, self.currency, self.effective_from, self.prices)
        theirs = (other.name, other.version, other.kind, other.currency, other.effective_from, other.prices)
        return mine == theirs

    def price(self, service: str, meter: str, dimensions: Dimensions) -> Price | None:
        """Find the price with most dimensions, all equal to the event's, then smallest names; None without one."""
        key = (service, meter, dimensions)
        try:
            return self._resolved[key]
        except KeyError:
            pass
        found = None
        for price in self._by_meter.get((service, meter), ()):
            if all(pair in dimensions for pair in price.dimensions):
                found = price
                break
        if len(self._resolved) >= PRICE_CACHE_MAX:
            self._resolved.clear()
        self._resolved[key] = found
        return found


class Prices:
    """All price books that a worker has read."""

    def __init__(self) -> None:
        """Hold no book."""
        self._books: dict[tuple[str, int], Book] = {}
        self._on_demand: dict[str, list[Book]] = {}
        self._changes: dict[str, tuple[int, ...]] = {}

    def add(self, book: Book, appended: int) -> None:
        """Take up a book appended at `appended` (ms); the same terms again change nothing. Raise BookError."""
        name = f"{book.name}:{book.version}"
        known = self._books.get((book.name, book.version))
        if known is not None:
            if not known.same_as(book):
                told = f"book {name} is known with other terms: versions never change, publish a new one"
                raise BookError(told, "version")
            return
        siblings = [other for key, other in self._books.items() if key[0] == book.name]
        for other in siblings:
            for field in ("kind", "currency"):
                if getattr(other, field) != getattr(book, field):
                    told = f"book {name} changes the {field} of {other.name}:{other.version}, {getattr(other, field)}"
                    raise BookError(f"{told}; publish it under another name", field)
        if siblings and book.effective_from < appended + BOOK_LEAD_MS:
            raise BookError(
                f"book {name} is a later version, holding from {book.effective_from}, less than {BOOK_LEAD_MS} ms after"
                f" its append at {appended}: usage may be rated already",
                "effective_from",
            )
        if book.kind == ON_DEMAND:
            self._add_on_demand(book)
        self._books[book.name, book.version] = book

    def _add_on_demand(self, book: Book) -> None:
        versions = self._on_demand.setdefault(book.currency, [])
        if versions and versions[0].name != book.name:
            told = f"{book.currency} has the on-demand book {versions[0].name}, not {book.name}"
            raise BookError(f"{told}; publish it as a later version of that one", "name")
        versions.append(book)
        versions.sort(key=lambda entry: (entry.effective_from, entry.version))
        self._changes[book.currency] = tuple(entry.effective_from for entry in versions)

    def book(self, name: str, version: int) -> Book | None:
        """Find a version of a book."""
        return self._books.get((name, version))

    def books(self) -> list[Book]:
        """List all versions of all books, in the order in which they were taken up."""
        return list(self._books.values())

    def on_demand_at(self, currency: str, instant: int) -> Book:
        """Find the on-demand book in force; raise Reject(unknown_price) if none is."""
        at = bisect_right(self._changes.get(currency, ()), instant)
        if not at:
            raise Reject("unknown_price", f"no on-demand price book in {currency} holds at {instant}")
        return self._on_demand[currency][at - 1]

    def change_points(self, currency: str) -> tuple[int, ...]:
        """List the instants from which a version of the currency's on-demand book holds, ascending."""
        return self._changes.get(currency, ())
