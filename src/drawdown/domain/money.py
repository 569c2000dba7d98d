"""Exact money: integers of a currency's quantum inside, decimal strings outside, one named rounding."""

import re
from typing import Final

import msgspec

from drawdown.domain.errors import Reject
from drawdown.domain.limits import AMOUNT_MAX


class Currency(msgspec.Struct, frozen=True, gc=False):
    """A currency. quantum_digits: an amount of 1 is 10^-quantum_digits units. digits: those of its documents."""

    code: str
    quantum_digits: int
    digits: int


CURRENCIES: Final = {
    entry.code: entry
    for entry in (
        Currency("EUR", 9, 2),
        Currency("JPY", 6, 0),
        Currency("SGD", 9, 2),
        Currency("USD", 9, 2),
        Currency("VND", 6, 0),
    )
}

_DECIMAL = re.compile(r"(\d{1,19})(?:\.(\d{1,18}))?", re.ASCII)


def currency(code: str) -> Currency:
    """Find a currency by its ISO 4217 code; raise Reject(wrong_currency) for one that is not in the table."""
    found = CURRENCIES.get(code)
    if found is None:
        known = ", ".join(sorted(CURRENCIES))
        raise Reject("wrong_currency", f"currency {code[:16]!r} is not known; known are {known}")
    return found


def parse_amount(text: str, of: Currency) -> int:
    """Read a decimal string as an amount, exactly; raise Reject(invalid_value) on anything else or finer or larger."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise Reject("invalid_value", f'an amount is a decimal string such as "12.50", not {text[:40]!r}')
    whole, fraction = match[1], match[2] or ""
    if len(fraction.rstrip("0")) > of.quantum_digits:
        raise Reject("invalid_value", f"{text} {of.code} is finer than {of.quantum_digits} decimals")
    amount = int(whole + fraction.ljust(of.quantum_digits, "0")[: of.quantum_digits])
    if amount > AMOUNT_MAX:
        raise Reject("amount_too_large", f"{text} {of.code} is larger than any amount can be")
    return amount


def format_amount(amount: int, of: Currency) -> str:
    """Write an amount with all the digits of the currency's quantum; negative ones carry a minus sign."""
    return decimals(amount, of.quantum_digits) if amount >= 0 else f"-{decimals(-amount, of.quantum_digits)}"


def decimals(amount: int, digits: int) -> str:
    """Write a non-negative amount with so many digits after the point."""
    text = str(amount)
    if len(text) > digits:
        return f"{text[:-digits]}.{text[-digits:]}"
    return f"0.{text.zfill(digits)}"


def divide_half_up(numerator: int, denominator: int) -> int:
    """Divide non-negative integers, rounding a half up: the one rounding of amounts and split quantities."""
    return (2 * numerator + denominator) // (2 * denominator)


def checked(amount: int) -> int:
    """Give the amount back; raise Reject(amount_too_large) past the limit that all sums share."""
    if amount > AMOUNT_MAX:
        raise Reject("amount_too_large", f"an amount of {amount} quanta passes the limit of {AMOUNT_MAX}")
    return amount
