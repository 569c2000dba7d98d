"""Routes about prices: the published books, and the price of something."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from drawdown.api.access import READERS, Allowed, KeyedRoute
from drawdown.api.answering import PathName
from drawdown.api.context import Context, context_of
from drawdown.api.problems import Problem, invalid
from drawdown.domain.errors import Reject
from drawdown.domain.limits import DIMENSIONS_MAX, NAME_LENGTH_MAX
from drawdown.domain.money import CURRENCIES
from drawdown.domain.prices import Book
from drawdown.operate.keys import Key
from drawdown.wire.basics import CurrencyCode, Instant
from drawdown.wire.book_file import entry_of, message_of
from drawdown.wire.instants import parse_instant
from drawdown.wire.parsing import dimensions as checked_dimensions
from drawdown.wire.price_book import PriceBookMessage, PriceMessage

router = APIRouter(prefix="/v1", route_class=KeyedRoute)
Held = Annotated[Context, Depends(context_of)]
Reader = Annotated[Key, Depends(Allowed(READERS))]
_TEXT: Final = Query(min_length=1, max_length=NAME_LENGTH_MAX)
_DIMENSIONS: Final = Query(
    max_length=DIMENSIONS_MAX,
    description="NAME:VALUE, such as gpu_model:H100",
    json_schema_extra={"items": {"type": "string", "pattern": "^[^:]{1,128}:.{1,128}$"}},
)


class BookSummary(BaseModel):
    """A published version of a price book. prices: how many it has."""

    name: str
    version: int
    kind: str
    currency: str
    effective_from: str
    prices: int


class Books(BaseModel):
    """Every version of every book that workers rate by."""

    price_books: list[BookSummary]


class InForce(BaseModel):
    """A price, and the book that it is of."""

    book: str
    book_version: int
    currency: str
    price: PriceMessage


@router.get("/price-books", tags=["prices"], operation_id="list_price_books")
async def list_price_books(held: Held, _: Reader) -> Books:
    """List the published price books."""
    told = [message_of(book) | {"prices": len(book.prices)} for book in held.shelf.prices.books()]
    return Books(price_books=[BookSummary(**one) for one in told])


@router.get("/price-books/{book}/{version}", tags=["prices"], operation_id="show_price_book")
async def show_price_book(held: Held, _: Reader, book: PathName, version: int) -> PriceBookMessage:
    """Show a version of a price book."""
    return PriceBookMessage(**message_of(_book(held, book, version)))


@router.get("/prices", tags=["prices"], operation_id="show_price", responses={404: {}})
async def show_price(
    held: Held,
    _: Reader,
    service: Annotated[str, _TEXT],
    meter: Annotated[str, _TEXT],
    dimension: Annotated[list[str], _DIMENSIONS] = [],  # noqa: B006  FastAPI copies it
    book: Annotated[str | None, Query(max_length=NAME_LENGTH_MAX, description="a plan's; on demand without")] = None,
    version: Annotated[int | None, Query(ge=1)] = None,
    currency: Annotated[CurrencyCode | None, Query(description="on demand")] = None,
    at: Annotated[Instant | None, Query(description="on demand; now, if it is left out")] = None,
) -> InForce:
    """Show the price of a meter with some dimensions: of a plan's book, or on demand at an instant."""
    try:
        wanted = checked_dimensions(dict(_pair(one) for one in dimension))
        instant = held.desk.clock.now_ms() if at is None else parse_instant(at, "at")
        found = _chosen(held, book, version, currency, instant)
    except Reject as reject:
        if reject.code == "unknown_price":
            raise Problem(HTTPStatus.NOT_FOUND, reject.code, reject.detail) from reject
        raise invalid(reject) from reject
    price = found.price(service, meter, wanted)
    if price is None:
        detail = f"book {found.name}:{found.version} has no price for {service} {meter} with {dict(wanted)}"
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_price", detail)
    entry = PriceMessage(**entry_of(price, CURRENCIES[found.currency]))
    return InForce(book=found.name, book_version=found.version, currency=found.currency, price=entry)


def _book(held: Context, name: str, version: int | None) -> Book:
    """Find a version of a book, the newest if none is told. Raise Problem."""
    found = [one for one in held.shelf.prices.books() if one.name == name and version in {None, one.version}]
    if not found:
        told = name if version is None else f"{name}:{version}"
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_book", f"no price book {told} is published")
    return max(found, key=lambda one: one.version)


def _chosen(held: Context, book: str | None, version: int | None, code: str | None, instant: int) -> Book:
    """Find the book that is asked for: by its name, or on demand by currency and instant, ms. Raise Problem."""
    if book is not None:
        return _book(held, book, version)
    if code is None:
        raise Reject("missing_field", "say whose price: book, of a plan, or currency, on demand")
    return held.shelf.prices.on_demand_at(code, instant)


def _pair(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise Reject("invalid_value", f"dimension {text[:64]!r} is not of the form NAME:VALUE")
    return name, value
