"""Exact quantities: integers of millionths of a meter's quantum; thousandths for GPUs and gigabytes."""

import re
from typing import Final

from drawdown.domain.errors import Reject
from drawdown.domain.limits import COUNT_MAX, QUANTITY_MAX

MILLIONTHS: Final = 1_000_000
_THOUSANDTHS: Final = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,3})0*)?", re.ASCII)


def parse_thousandths(value: int | str, field: str) -> int:
    """Read a whole number or a decimal string of at most three decimals, in thousandths.

    Raise Reject: negative_quantity, or invalid_value for anything else that is none.
    """
    if isinstance(value, int):
        return count(value, field) * 1000
    match = _THOUSANDTHS.fullmatch(value)
    if match is None:
        raise Reject("invalid_value", f'{field} is a whole number or a string such as "0.25", not {value[:40]!r}')
    thousandths = int(match[2]) * 1000 + int((match[3] or "").ljust(3, "0"))
    if match[1] and thousandths:
        raise Reject("negative_quantity", f"{field} is {value[:40]}; usage is never negative")
    return thousandths


def count(value: int, field: str) -> int:
    """Give a count back; raise Reject for a negative or absurd one."""
    if value < 0:
        raise Reject("negative_quantity", f"{field} is {value}; usage is never negative")
    if value > COUNT_MAX:
        raise Reject("invalid_value", f"{field} is {value}; at most {COUNT_MAX} in one event")
    return value


def checked_quantity(quantity: int, meter: str) -> int:
    """Give the quantity back; raise Reject(invalid_value) past the limit."""
    if quantity > QUANTITY_MAX:
        raise Reject("invalid_value", f"{meter} of {quantity} millionths passes the limit of {QUANTITY_MAX}")
    return quantity


def format_quantity(quantity: int) -> str:
    """Write a quantity in whole quanta of its meter, without trailing zeros."""
    whole, rest = divmod(quantity, MILLIONTHS)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:06d}".rstrip("0")
