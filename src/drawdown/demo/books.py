"""Price books of the demonstration, as files: on demand and for plans, in USD and in VND."""

from importlib.resources import files

from drawdown.topics import PRICES
from drawdown.traces.events import Outgoing
from drawdown.wire.book_file import read_book


def books() -> list[Outgoing]:
    """Give the four books as records for `prices`."""
    return [_record(name_of(kind, currency)) for kind in ("on_demand", "plan") for currency in ("USD", "VND")]


def name_of(kind: str, currency: str) -> str:
    """Give a book's name."""
    return f"{kind.replace('_', '-')}-{currency.lower()}"


def _record(name: str) -> Outgoing:
    value = files("drawdown.demo").joinpath("prices", f"{name}.yaml").read_bytes()
    file = read_book(f"{name}.yaml", value)
    return Outgoing(PRICES, f"{file.book.name}:{file.book.version}".encode(), file.message, 0)
