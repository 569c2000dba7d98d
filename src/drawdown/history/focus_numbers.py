"""Numbers and units of the export in FOCUS: exact decimals made of integers, and what a quantity is priced in.

FOCUS wants a charge's cost at list price to be exactly its unit price times its pricing quantity. A quantity that is
no whole decimal of its unit (a second of an hour) is rounded at QUANTITY_DIGITS, and the cost is the exact product.
"""

from typing import Final, NamedTuple

from drawdown.domain.money import CURRENCIES, decimals, divide_half_up
from drawdown.domain.quantity import MILLIONTHS
from drawdown.history.rows import UsageRow

QUANTITY_DIGITS: Final = 12
_MILLIONTH_DIGITS: Final = 6
_SPELT: Final = {"gpu": "GPU", "cpu": "CPU", "kb": "KB", "mb": "MB", "gb": "GB", "tb": "TB"}
_SECONDS: Final = "Seconds"
_LONGER: Final = {60: "Minutes", 3_600: "Hours", 86_400: "Days"}


class Pricing(NamedTuple):
    """How much was priced, in which unit, at what price of one, and what that makes."""

    quantity: str
    unit: str
    unit_price: str
    cost: str


def plain(value: int, digits: int) -> str:
    """Write a decimal with so many digits after the point, without zeros at its end."""
    text = decimals(abs(value), digits) if digits else str(abs(value))
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 else text


def money(amount: int, currency: str) -> str:
    """Write an amount (quanta)."""
    return plain(amount, CURRENCIES[currency].quantum_digits)


def consumed(quantity: int) -> str:
    """Write a quantity (millionths)."""
    return plain(quantity, _MILLIONTH_DIGITS)


def pricing_of(row: UsageRow, currency: str) -> Pricing:
    """Say how a usage row was priced.

    Packages cost their whole price once they are begun, so the row holds no more of them than its amount pays: what is
    priced follows from the amount, where that is not what the quantity makes. A row without a price is one unit.
    """
    if not row.unit_price:
        amount = money(row.amount, currency)
        return Pricing("1", "Units", amount, amount)
    price, digits = _read(row.unit_price)
    amount_digits = CURRENCIES[currency].quantum_digits
    fine: int = 10**QUANTITY_DIGITS
    if not price or _by_quantity(row, price, digits, amount_digits):
        quantity = divide_half_up(row.quantity * fine, MILLIONTHS * row.per)
    else:
        quantity = divide_half_up(row.amount * 10**digits * fine, price * 10**amount_digits)
    cost = plain(quantity * price, QUANTITY_DIGITS + digits)
    return Pricing(plain(quantity, QUANTITY_DIGITS), pricing_unit(row.meter, row.per), plain(price, digits), cost)


def _by_quantity(row: UsageRow, price: int, digits: int, amount_digits: int) -> bool:
    """Say whether a row's amount is its quantity's, but for a rounding of amount and quantity in each line."""
    millionth: int = price * 10**amount_digits  # what one costs, in quanta times `whole`
    whole: int = MILLIONTHS * row.per * 10**digits
    return abs(row.quantity * millionth - row.amount * whole) <= row.lines * (whole + millionth)


def _read(text: str) -> tuple[int, int]:
    whole, _, rest = text.partition(".")
    return int(whole + rest), len(rest)


# --- units ------------------------------------------------------------------------------------


def meter_name(meter: str) -> str:
    """Name a meter for people: gpu_seconds is GPU Seconds."""
    return " ".join(_words(meter))


def unit_of(meter: str) -> str:
    """Give the unit of a meter's quantum, as FOCUS spells units: GPU-Seconds, Tokens."""
    words = _words(meter)
    return "-".join(words[-2:]) if words[-1] == _SECONDS else words[-1]


def pricing_unit(meter: str, per: int) -> str:
    """Give the unit that a price is for: GPU-Hours, 1000000 Tokens."""
    unit = unit_of(meter)
    if per == 1:
        return unit
    if unit.endswith(_SECONDS) and per in _LONGER:
        return unit.removesuffix(_SECONDS) + _LONGER[per]
    return f"{per} {unit}"


def _words(meter: str) -> list[str]:
    return [_SPELT.get(word, word.capitalize()) for word in meter.split("_")]
