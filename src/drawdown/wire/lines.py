"""What every output says of the event it rates, as JSON: the bytes that msgspec makes of the structs in outputs.py.

Compiled, writing the text takes three quarters of the time of filling the structs; a test compares the two.
"""

from functools import lru_cache
from typing import Final

import msgspec

from drawdown.domain.model import Dimensions, Usage
from drawdown.domain.money import Currency, decimals, format_amount
from drawdown.domain.quantity import format_quantity
from drawdown.domain.rated import Line
from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant

_encode: Final = msgspec.json.Encoder().encode


def quoted(text: str) -> str:
    """Write a string as JSON."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return bytes(_encode(text)).decode()


@lru_cache(maxsize=65_536)
def name_text(name: str | None) -> str:
    """Write a name, one of those that come again and again, as JSON."""
    return "null" if name is None else quoted(name)


@lru_cache(maxsize=4_096)
def _dimensions_text(dimensions: Dimensions) -> str:
    return bytes(_encode(dict(dimensions))).decode()


def position_text(record: Record) -> str:
    """Write an input's position and append time, as the outputs' fields `position` and `appended`."""
    at = f'{{"topic":{name_text(record.topic)},"partition":{record.partition},"offset":{record.offset}}}'
    return f'"position":{at},"appended":"{format_instant(record.timestamp)}"'


def event_text(usage: Usage) -> str:
    """Write the event that an output rates."""
    start = "null" if usage.start is None else f'"{format_instant(usage.start)}"'
    return (
        f'{{"source":{name_text(usage.source)},"id":{quoted(usage.id)},"service":{name_text(usage.service)},'
        f'"resource":{name_text(usage.resource)},"dimensions":{_dimensions_text(usage.dimensions)},'
        f'"time":"{format_instant(usage.time)}","start":{start}}}'
    )


def line_text(line: Line, of: Currency, payer: str = "") -> str:
    """Write a line. payer: of a paid one, its field `payer` with a comma before it."""
    tier, packages = line.tier, line.packages
    more = "" if tier is None else f',"tier":{tier}'
    if packages is not None:
        more += f',"packages":{packages}'
    start, price, book = _price_texts(
        line.meter, line.unit_price, line.per, of.quantum_digits, line.book, line.book_version
    )
    return (
        f'{{"time":"{format_instant(line.time)}",{start}{format_quantity(line.quantity)}{price}'
        f"{format_amount(line.amount, of)}{book}{payer}{more}}}"
    )


@lru_cache(maxsize=8_192)
def _price_texts(meter: str, unit_price: int, per: int, digits: int, book: str, version: int) -> tuple[str, str, str]:
    """Write what a line says of its price: before its quantity, between that and its amount, and after that."""
    return (
        f'"meter":{name_text(meter)},"quantity":"',
        f'","unit_price":"{decimals(unit_price, digits)}","per":{per},"amount":"',
        f'","book":{quoted(book)},"book_version":{version}',
    )


@lru_cache(maxsize=65_536)
def payer_text(kind: str, ident: str | None) -> str:
    """Write who pays, without braces: fields `kind` and `id`."""
    return f'"kind":"{kind}","id":{name_text(ident)}'


@lru_cache(maxsize=65_536)
def payer_of(plan: str | None) -> str:
    """Write the field `payer` of a line that a plan pays, with a comma before it."""
    return f',"payer":{{{payer_text("plan", plan)}}}'


def balance_text(kind: str, ident: str | None, before: int, after: int, of: Currency) -> str:
    """Write what was left before and after."""
    amounts = f'"before":"{format_amount(before, of)}","after":"{format_amount(after, of)}"'
    return f"{{{payer_text(kind, ident)},{amounts}}}"
