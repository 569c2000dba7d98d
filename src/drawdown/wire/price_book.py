"""Price books on `prices`, written by people: JSON to domain and back."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drawdown.domain.catalogue import service
from drawdown.domain.errors import Reject
from drawdown.domain.limits import BOOK_BYTES_MAX, BOOK_PRICES_MAX
from drawdown.domain.money import currency, parse_amount
from drawdown.domain.prices import Book, BookError, Price
from drawdown.wire.basics import Decimal, Instant, Name, reason_of
from drawdown.wire.instants import parse_instant
from drawdown.wire.parsing import dimensions, name


class PriceMessage(BaseModel):
    """`unit_price` for each `per` of the meter, for usage whose dimensions equal all of these."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    service: Name
    meter: Name
    dimensions: dict[str, str] = Field(default_factory=dict)
    unit_price: Decimal
    per: Annotated[int, Field(ge=1, le=10**12)]


class PriceBookMessage(BaseModel):
    """One immutable version of a price book. Its key on the topic is name:version."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: Name
    version: Annotated[int, Field(ge=1, le=10**9)]
    kind: Literal["on_demand", "plan"]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    effective_from: Instant
    prices: Annotated[list[PriceMessage], Field(max_length=BOOK_PRICES_MAX)]


def decode_book(value: bytes | None) -> Book:
    """Read a price book; raise BookError saying what is wrong."""
    if value is None or len(value) > BOOK_BYTES_MAX:
        raise BookError(f"a price book of {len(value or b'')} bytes; at most {BOOK_BYTES_MAX}, and not none")
    try:
        message = PriceBookMessage.model_validate_json(value)
        of = currency(message.currency)
        prices = tuple(_price(entry, parse_amount(entry.unit_price, of)) for entry in message.prices)
        effective_from = parse_instant(message.effective_from, "effective_from")
    except ValidationError as error:
        raise BookError(str(reason_of(error))) from error
    except Reject as reject:
        raise BookError(str(reject)) from reject
    return Book(message.name, message.version, message.kind, message.currency, effective_from, prices)


def _price(message: PriceMessage, unit_price: int) -> Price:
    if message.meter not in service(message.service).meters:
        raise Reject("unknown_meter", f"{message.meter} is not a meter of {message.service}")
    meter = name(message.meter, "meter")
    return Price(message.service, meter, dimensions(message.dimensions), unit_price, message.per)
