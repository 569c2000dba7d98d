"""Cut a quantity where a graduated price changes, or where a package ends. Design section 5, "Prices"."""

from collections.abc import Iterator
from typing import NamedTuple

from drawdown.domain.money import divide_half_up
from drawdown.domain.prices import GRADUATED, Price
from drawdown.domain.quantity import MILLIONTHS


class Part(NamedTuple):
    """A quantity (millionths) at one price, and what it costs.

    tier: its number, from 1; None for packages. size: of the packages that it opens, millionths; 0 if it opens none.
    """

    quantity: int
    unit_price: int
    amount: int
    tier: int | None = None
    size: int = 0

    def packages(self, quantity: int) -> int | None:
        """Say how many packages so much of the part opens; None for a tier."""
        if self.tier is not None:
            return None
        return -(-quantity // self.size) if self.size else 0


def parts_of(price: Price, quantity: int, counted: int) -> Iterator[Part]:
    """Cut a quantity that comes after `counted` (millionths), in the order in which its units are used."""
    return (_tiers if price.model == GRADUATED else _packages)(price, quantity, counted)


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


def _packages(price: Price, quantity: int, counted: int) -> Iterator[Part]:
    """Give what the open package still holds, for nothing, and then the packages that the rest opens, whole."""
    size = price.per * MILLIONTHS
    free = min(-counted % size, quantity)
    if free:
        yield Part(free, 0, 0)
    if quantity > free:
        rest = quantity - free
        yield Part(rest, price.unit_price, -(-rest // size) * price.unit_price, size=size)
