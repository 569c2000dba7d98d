"""Price books on `prices`, written by people: JSON to domain and back."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from drawdown.domain.catalogue import service
from drawdown.domain.errors import Reject
from drawdown.domain.limits import BOOK_BYTES_MAX, BOOK_PRICES_MAX, TIERS_MAX
from drawdown.domain.money import Currency, currency, parse_amount
from drawdown.domain.prices import GRADUATED, PACKAGE, PER_UNIT, Book, BookError, Price, Tier
from drawdown.wire.basics import Decimal, Instant, Name, reason_of
from drawdown.wire.instants import parse_instant
from drawdown.wire.parsing import dimensions, name

_WHAT_A_MODEL_HAS: JsonDict = {
    "if": {"properties": {"model": {"const": GRADUATED}}, "required": ["model"]},
    "then": {"required": ["tiers"], "properties": {"unit_price": {"type": "null"}, "tiers": {"minItems": 1}}},
    "else": {"required": ["unit_price"], "properties": {"unit_price": {"type": "string"}, "tiers": {"maxItems": 0}}},
}


class TierMessage(BaseModel):
    """The price of the units up to `up_to`, inclusive, that are past the tier before; without it, of all others."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    up_to: Annotated[int, Field(ge=1, le=10**12)] | None = None
    unit_price: Decimal


class PriceMessage(BaseModel):
    """A price for usage whose dimensions equal all of these.

    per_unit: `unit_price` for each `per` of the meter. package: `unit_price` for each package of `per`, begun ones
    whole. graduated: the `unit_price` of the tier that a unit falls in, for each `per`. Packages and tiers count over a
    plan's cycle, or on demand over the calendar month in the account's time zone.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, json_schema_extra=_WHAT_A_MODEL_HAS)

    service: Name
    meter: Name
    dimensions: dict[str, str] = Field(default_factory=dict)
    model: Literal["per_unit", "graduated", "package"] = "per_unit"
    unit_price: Annotated[Decimal | None, Field(validate_default=True)] = None
    per: Annotated[int, Field(ge=1, le=10**12)]
    tiers: Annotated[list[TierMessage], Field(max_length=TIERS_MAX, validate_default=True)] = []

    @field_validator("unit_price")
    @classmethod
    def _one_price(cls, value: str | None, info: ValidationInfo) -> str | None:
        model = info.data.get("model")
        if value is None and model in {PER_UNIT, PACKAGE}:
            raise PydanticCustomError("missing", "unit_price is missing")
        if value is not None and model == GRADUATED:
            raise PydanticCustomError("not_here", "a graduated price has a unit_price in each tier, and none here")
        return value

    @field_validator("tiers")
    @classmethod
    def _ascending(cls, value: list[TierMessage], info: ValidationInfo) -> list[TierMessage]:
        model = info.data.get("model")
        if not value and model == GRADUATED:
            raise PydanticCustomError("missing", "tiers are missing")
        if value and model in {PER_UNIT, PACKAGE}:
            raise PydanticCustomError("not_here", "a {model} price has no tiers, a graduated one has", {"model": model})
        wrong = _order_of(value)
        if wrong:
            raise PydanticCustomError("tiers", "{wrong}", {"wrong": wrong[0][1], "entries": wrong})
        return value


def _order_of(tiers: list[TierMessage]) -> list[tuple[tuple[int, str], str]]:
    """Say what is wrong with the bounds of tiers: where below them, and what."""
    reached, wrong = 0, []
    for place, tier in enumerate(tiers[:-1]):
        if tier.up_to is None:
            wrong.append(((place, "up_to"), f"tier {place + 1} needs an up_to: only the last has none"))
        elif tier.up_to <= reached:
            wrong.append(((place, "up_to"), f"tier {place + 1} ends at {tier.up_to}, which must be above {reached}"))
        else:
            reached = tier.up_to
    if tiers and tiers[-1].up_to is not None:
        said = "the last tier has no up_to: it prices all that is above the tier before"
        wrong.append(((len(tiers) - 1, "up_to"), said))
    return wrong


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
        prices = tuple(_price(entry, of) for entry in message.prices)
        effective_from = parse_instant(message.effective_from, "effective_from")
    except ValidationError as error:
        raise BookError(str(reason_of(error))) from error
    except Reject as reject:
        raise BookError(str(reject)) from reject
    return Book(message.name, message.version, message.kind, message.currency, effective_from, prices)


def _price(message: PriceMessage, of: Currency) -> Price:
    if message.meter not in service(message.service).meters:
        raise Reject("unknown_meter", f"{message.meter} is not a meter of {message.service}")
    return Price(
        message.service,
        name(message.meter, "meter"),
        dimensions(message.dimensions),
        parse_amount(message.unit_price or "0", of),
        message.per,
        message.model,
        tuple(Tier(tier.up_to, parse_amount(tier.unit_price, of)) for tier in message.tiers),
    )
