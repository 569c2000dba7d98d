"""The price books as they stood at each time: an input was rated with those that its worker had read."""

from bisect import bisect_right

from drawdown.domain.policy import Policy
from drawdown.domain.prices import Book, BookError, Prices
from drawdown.engine.records import Record
from drawdown.ledgers.plans import PlansLedger
from drawdown.wire.price_book import decode_book


class PriceHistory:
    """The plans ledger as of each price book that was taken up."""

    def __init__(self, policy: Policy) -> None:
        """Hold no book."""
        self._policy = policy
        self._books: list[tuple[Book, int]] = []
        self._appended: list[int] = []
        self._all = Prices()
        self._ledgers: dict[int, PlansLedger] = {}

    def add(self, record: Record) -> None:
        """Take up a record of `prices` as a worker does; one that is refused is skipped."""
        try:
            book = decode_book(record.value)
            known = self._all.book(book.name, book.version)
            self._all.add(book, record.timestamp)
        except BookError:
            return
        if known is None:
            self._books.append((book, record.timestamp))
            self._appended.append(record.timestamp)

    def ledgers(self, appended: int) -> list[PlansLedger]:
        """Give the ledgers that may have decided an input appended at an instant (ms), the likeliest first.

        A worker reads a book a little after it is appended, so the count of books that it knew is not told by times
        alone. Versions hold an hour after their append at the earliest, so that hardly any input is rated otherwise.
        """
        likely = bisect_right(self._appended, appended)
        others = [count for count in range(len(self._books), -1, -1) if count != likely]
        return [self._ledger(count) for count in (likely, *others)]

    def _ledger(self, count: int) -> PlansLedger:
        if count not in self._ledgers:
            prices = Prices()
            for book, appended in self._books[:count]:
                prices.add(book, appended)
            self._ledgers[count] = PlansLedger(prices, self._policy)
        return self._ledgers[count]
