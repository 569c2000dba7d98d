"""The small rules: rounding, scopes, the price that fits, months and cycles."""

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

QUANTA = {"USD": 9, "EUR": 9, "SGD": 9, "VND": 6, "JPY": 6}
MICRO = Fraction(1, 10**6)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def covers(scope: Any, service: str, dimensions: dict[str, str]) -> bool:
    """Say whether a scope (None or "all", or a list of services and products) includes the usage."""
    if scope is None or scope == "all":
        return True
    return any(
        item["service"] == service and item.get("dimensions", {}).items() <= dimensions.items() for item in scope
    )


def price_of(book: dict[str, Any], service: str, meter: str, dimensions: dict[str, str]) -> dict[str, Any] | None:
    """Find a price: of those that fit, the one with most dimensions, then the first by name."""
    fitting = [
        price
        for price in book["prices"]
        if (price["service"], price["meter"]) == (service, meter)
        and price.get("dimensions", {}).items() <= dimensions.items()
    ]
    fitting.sort(key=lambda p: (-len(p.get("dimensions", {})), sorted(p.get("dimensions", {}).items())))
    return fitting[0] if fitting else None


def quantum(currency: str) -> Fraction:
    """Give the smallest amount of a currency."""
    return Fraction(1, 10 ** QUANTA[currency])


def half_up(value: Fraction, unit: Fraction) -> Fraction:
    """Round to a multiple of `unit`, halves up."""
    return math.floor(value / unit + Fraction(1, 2)) * unit


def months(start: int, end: int, zone: ZoneInfo) -> list[int]:
    """List the month starts of a zone in or near [start, end]."""
    local = (_EPOCH + timedelta(milliseconds=start)).astimezone(zone)
    found: list[int] = []
    year, month = local.year, local.month
    while not found or found[-1] < end:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)  # noqa: PLR2004
        found.append((datetime(year, month, 1, tzinfo=zone) - _EPOCH) // timedelta(milliseconds=1))
    return found


def month_later(anchor: int, number: int, zone: ZoneInfo) -> int:
    """Give the instant `number` months after another: the same local time, the day at most the month's last."""
    local = (_EPOCH + timedelta(milliseconds=anchor)).astimezone(zone)
    total = local.month - 1 + number
    year, month = local.year + total // 12, total % 12 + 1
    last = (datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)).day
    at = local.replace(year=year, month=month, day=min(local.day, last), fold=0)
    return (at - _EPOCH) // timedelta(milliseconds=1)
