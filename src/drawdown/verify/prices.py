"""The price books as the workers read them: in the order of `prices`, no sooner than the log lets one tell."""

from collections import deque
from collections.abc import Sequence

import msgspec

from drawdown.domain.prices import Book, BookError, Prices
from drawdown.engine.ledger import Ledger
from drawdown.engine.records import Record
from drawdown.ledgers.plans import PlansLedger
from drawdown.wire.price_book import decode_book


class Published(msgspec.Struct, frozen=True):
    """A book on `prices`; appended: ms."""

    offset: int
    appended: int
    book: Book


def published(records: Sequence[Record]) -> list[Published]:
    """Read the books; one that is none is skipped, as workers skip it."""
    found = []
    for record in records:
        try:
            found.append(Published(record.offset, record.timestamp, decode_book(record.value)))
        except BookError:
            continue
    return found


class Books:
    """Feeds one replay's prices."""

    def __init__(self, prices: Prices | None, books: Sequence[Published]) -> None:
        """Hold back all books. prices: where they are read into; None for a ledger that has none."""
        self._prices = prices
        self.offset = 0  # of the next one that was not read when the last one was
        self.waiting = deque(books if prices is not None else ())

    def read_to(self, offset: int) -> None:
        """Read all before `offset` of `prices`."""
        while self.waiting and self.waiting[0].offset < offset:
            self.read_one()

    def read_one(self) -> bool:
        """Read the next one; False if there is none."""
        if not self.waiting or self._prices is None:
            return False
        one = self.waiting.popleft()
        self.offset = one.offset + 1
        try:
            self._prices.add(one.book, one.appended)
        except BookError:
            return True  # skipped by every worker alike
        return True


def priced(ledger: Ledger, books: Sequence[Published] | None) -> tuple[Ledger, Books]:
    """Give the ledger with no book read yet, and its books. books: None leaves the ledger with those it has."""
    if not isinstance(ledger, PlansLedger) or books is None:
        return ledger, Books(None, ())
    prices = Prices()
    return ledger.with_prices(prices), Books(prices, books)
