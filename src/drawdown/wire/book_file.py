"""Price books as files that people write: YAML (JSON is YAML, too) to the message and the domain, and back."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
from pydantic import ValidationError

from drawdown.domain.catalogue import service
from drawdown.domain.errors import Reject
from drawdown.domain.limits import BOOK_BYTES_MAX, BOOK_DEPTH_MAX
from drawdown.domain.money import Currency, currency, format_amount, parse_amount
from drawdown.domain.prices import GRADUATED, PER_UNIT, Book, BookError, Price
from drawdown.marked import Marked, Path, refuse_invalid, utf8
from drawdown.wire.instants import format_instant, parse_instant
from drawdown.wire.parsing import dimensions, name
from drawdown.wire.price_book import PriceBookMessage, PriceMessage, decode_book

T = TypeVar("T")
_PAGE = "docs/price-books.md"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*|\d{4}-\d\d-\d\dT[\d:.]+Z", re.ASCII)
_WORDS = frozenset({"true", "false", "null"})


class BookFile(msgspec.Struct, frozen=True):
    """A checked file. document: where each value stands; message: the bytes that are published."""

    document: Marked
    book: Book
    message: bytes


def read_book(file: str, value: bytes) -> BookFile:
    """Read a price book; raise BadInput with line and field of all that is wrong. file: its name, for messages."""
    document = Marked(file, utf8(file, value), bytes_max=BOOK_BYTES_MAX, depth_max=BOOK_DEPTH_MAX)
    return BookFile(document, *book_in(document, document.value))


def book_in(document: Marked, value: Any, at: Path = ()) -> tuple[Book, bytes]:
    """Give the book that stands in a document, and its message. Raise BadInput with all that is wrong in the document.

    at: where in the document the value stands.
    """
    try:
        PriceBookMessage.model_validate(value)
    except ValidationError as error:
        refuse_invalid(document, error, _PAGE, at)
    bad = {path[len(at) :][:2] for path in document.refused if path[: len(at)] == at}
    if isinstance(value, dict) and () not in bad:
        _refuse_terms(document, value, at, bad)
    document.check()
    message = msgspec.json.encode(value)
    try:
        return decode_book(message), message  # as workers will read it
    except BookError as error:
        raise document.wrong(at, str(error)) from error


def _refuse_terms(document: Marked, value: dict[str, Any], at: Path, bad: set[Path]) -> None:
    """Refuse what has a form and no meaning: an unknown meter, an amount too fine, a price that stands twice.

    bad: what has not even a form, fields and entries.
    """
    good = {field: entry for field, entry in value.items() if (field,) not in bad}
    of = None
    if "currency" in good:
        of = _told(document, (*at, "currency"), lambda: currency(good["currency"]))
    if "effective_from" in good:
        _told(document, (*at, "effective_from"), lambda: parse_instant(good["effective_from"], "an instant"))
    lines: dict[Any, int] = {}
    for number, entry in enumerate(good.get("prices", ())):
        if ("prices", number) in bad:
            continue
        path: Path = (*at, "prices", number)
        price = PriceMessage.model_validate(entry)
        for field, check in _checks(price, of):
            _told(document, (*path, *field), check)
        key = (price.service, price.meter, tuple(sorted(price.dimensions.items())))
        if key in lines:
            told = f"{price.service} {price.meter} has a price for the same dimensions on line {lines[key]}; keep one"
            document.refuse(path, told)
        lines.setdefault(key, document.line(path))


def _checks(price: PriceMessage, of: Currency | None) -> Iterator[tuple[Path, Callable[[], object]]]:
    """Give what each field must pass, in the domain's own words."""
    yield ("service",), lambda: service(price.service)
    yield ("meter",), lambda: _meter(price)
    yield ("dimensions",), lambda: dimensions(price.dimensions)
    if of is None:
        return
    yield ("unit_price",), lambda: parse_amount(price.unit_price or "0", of)
    for number, tier in enumerate(price.tiers):
        yield ("tiers", number, "unit_price"), lambda text=tier.unit_price: parse_amount(text, of)  # type: ignore[misc]


def _meter(price: PriceMessage) -> None:
    meters = service(price.service).meters
    if name(price.meter, "meter") not in meters:
        told = f"{price.meter} is not a meter of {price.service}, which has {', '.join(meters)}"
        raise Reject("unknown_meter", told)


def _told(document: Marked, path: Path, check: Callable[[], T]) -> T | None:
    try:
        return check()
    except Reject as reject:
        document.refuse(path, reject.detail)
        return None


def message_of(book: Book) -> dict[str, Any]:
    """Give a book as its message; what is as if it were left out is left out."""
    of = currency(book.currency)
    return {
        "name": book.name,
        "version": book.version,
        "kind": book.kind,
        "currency": book.currency,
        "effective_from": format_instant(book.effective_from),
        "prices": [entry_of(price, of) for price in book.prices],
    }


def entry_of(price: Price, of: Currency) -> dict[str, Any]:
    """Give a price as it stands in its book's message."""
    entry: dict[str, Any] = {"service": price.service, "meter": price.meter}
    if price.dimensions:
        entry["dimensions"] = dict(price.dimensions)
    if price.model != PER_UNIT:
        entry["model"] = price.model
    if price.model != GRADUATED:
        entry["unit_price"] = _amount(price.unit_price, of)
    entry["per"] = price.per
    if price.tiers:
        entry["tiers"] = [
            ({} if tier.up_to is None else {"up_to": tier.up_to}) | {"unit_price": _amount(tier.unit_price, of)}
            for tier in price.tiers
        ]
    return entry


def _amount(amount: int, of: Currency) -> str:
    whole, _, fraction = format_amount(amount, of).partition(".")
    return f"{whole}.{fraction.rstrip('0')}".rstrip(".")


def write_book(book: Book) -> str:
    """Write a book as YAML that `read_book` takes for the same terms, a price a line."""
    message = message_of(book)
    prices = message.pop("prices")
    head = [f"{field}: {_written(value)}" for field, value in message.items()]
    lines = [*head, "prices:" if prices else "prices: []", *(f"  - {_written(entry)}" for entry in prices)]
    return "\n".join(lines) + "\n"


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(name)}: {_written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(entry) for entry in value) + "]"
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str) -> str:
    """Write text plainly where it can only be text, else in quotes, as amounts are."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
