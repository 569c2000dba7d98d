"""Cut a quantity where a graduated price changes, or where a package ends. Design section 5, "Prices"."""

from collections.abc import Iterator
from typing import NamedTuple

from drawdown.domain.money import divide_half_up
from drawdown.domain.prices import GRADUATED, Price
from drawdown.domain.quantity import MILLIONTHS


class Part(NamedTuple):
    """A quantity (millionths) at one price, and what it costs.

    tier: its number, from 1; None for packages. packages: how many it opens; None for a tier.
    """

    quantity: int
    unit_price: int
    amount: int
    tier: int | None = None
    packages: int | None = None


def parts_of(price: Price, quantity: int, counted: int, left: int | None = None) -> Iterator[Part]:
    """Cut a quantity that comes after `counted` (millionths), in the order in which its units are used.

    left: the amount that there is to pay with, None without an end. All packages that it pays whole are one part; so is
    the one that it does not, and no more.
    """
    if price.model == GRADUATED:
        return _tiers(price, quantity, counted)
    return _packages(price, quantity, counted, left)


def _tiers(price: Price, quantity: int, counted: int) -> Iterator[Part]:
    """Give one part a tier, each rounded half up once."""
    for number, tier in enumerate(price.tiers, 1):
        room = quantity if tier.up_to is None else tier.up_to * MILLIONTHS - counted
        if room > 0 and quantity:
            taken = min(room, quantity)
            amount = divide_half_up(taken * tier.unit_price, price.per * MILLIONTHS)
            yield Part(taken, tier.unit_price, amount, tier=number)
            counted += taken
            quantity -= taken


def _packages(price: Price, quantity: int, counted: int, left: int | None) -> Iterator[Part]:
    """Give what the open package still holds, for nothing, and then the packages that the rest opens."""
    size, cost = price.per * MILLIONTHS, price.unit_price
    held = min(-counted % size, quantity)
    if held:
        yield Part(held, 0, 0, packages=0)
    rest = quantity - held
    opened = -(-rest // size)
    whole = opened if left is None or opened * cost <= left else left // cost
    if whole:
        yield Part(min(whole * size, rest), cost, whole * cost, packages=whole)
    if whole < opened:
        yield Part(min(size, rest - whole * size), cost, cost, packages=1)
