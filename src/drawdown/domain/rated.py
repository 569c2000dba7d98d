"""What a usage was rated to: lines, and the charge or overage that holds them. Units as in model.py.

Plain classes, for they are never read back, and a compiled worker fills and reads millions. Never changed once made.
"""

from typing import Final

from drawdown.domain.model import Usage


class Value:
    """Equal to another of its kind whose fields are."""

    def fields(self) -> tuple[object, ...]:
        """Give all fields, in their order."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        """Compare all fields."""
        return isinstance(other, Value) and type(self) is type(other) and self.fields() == other.fields()

    def __hash__(self) -> int:
        """Digest all fields."""
        return hash(self.fields())

    def __repr__(self) -> str:
        """Show all fields."""
        return f"{type(self).__name__}{self.fields()}"


class Line(Value):
    """The rated part of a piece that one payer pays.

    time: the piece's instant. unit_price: amount per `per` whole quanta of the meter.
    plan: who pays; None on demand (an overage's lines). tier: of a graduated price, from 1, else None.
    packages: how many the line opened, of a package price, else None; one that uses up open packages has unit_price 0.
    """

    def __init__(
        self,
        time: int,
        meter: str,
        quantity: int,
        unit_price: int,
        per: int,
        amount: int,
        book: str,
        book_version: int,
        plan: str | None,
        tier: int | None = None,
        packages: int | None = None,
    ) -> None:
        """Hold all."""
        self.time: Final = time
        self.meter: Final = meter
        self.quantity: Final = quantity
        self.unit_price: Final = unit_price
        self.per: Final = per
        self.amount: Final = amount
        self.book: Final = book
        self.book_version: Final = book_version
        self.plan: Final = plan
        self.tier: Final = tier
        self.packages: Final = packages

    def fields(self) -> tuple[object, ...]:
        """Give all fields, in their order."""
        price = self.unit_price, self.per, self.amount, self.book, self.book_version
        return self.time, self.meter, self.quantity, *price, self.plan, self.tier, self.packages


class Balance(Value):
    """A plan's remaining amount before and after a charge."""

    def __init__(self, plan: str, before: int, after: int) -> None:
        """Hold all."""
        self.plan: Final = plan
        self.before: Final = before
        self.after: Final = after

    def fields(self) -> tuple[object, ...]:
        """Give all fields, in their order."""
        return self.plan, self.before, self.after


class Charge(Value):
    """What plans paid of one event."""

    def __init__(
        self,
        usage: Usage,
        currency: str,
        lines: tuple[Line, ...],
        total: int,
        balances: tuple[Balance, ...],
        seq: int,
        applied: int,
    ) -> None:
        """Hold all."""
        self.usage: Final = usage
        self.currency: Final = currency
        self.lines: Final = lines
        self.total: Final = total
        self.balances: Final = balances
        self.seq: Final = seq
        self.applied: Final = applied

    def fields(self) -> tuple[object, ...]:
        """Give all fields, in their order."""
        return self.usage, self.currency, self.lines, self.total, self.balances, self.seq, self.applied


class Overage(Value):
    """What no plan covered of one event, priced on demand."""

    def __init__(
        self, usage: Usage, currency: str, lines: tuple[Line, ...], total: int, seq: int, applied: int
    ) -> None:
        """Hold all."""
        self.usage: Final = usage
        self.currency: Final = currency
        self.lines: Final = lines
        self.total: Final = total
        self.seq: Final = seq
        self.applied: Final = applied

    def fields(self) -> tuple[object, ...]:
        """Give all fields, in their order."""
        return self.usage, self.currency, self.lines, self.total, self.seq, self.applied
