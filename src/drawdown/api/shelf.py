"""The price books as of now, as a worker knows them."""

from drawdown.domain.prices import BookError, Prices
from drawdown.engine.records import Record
from drawdown.wire.price_book import decode_book


class Shelf:
    """Every book that workers take up."""

    def __init__(self) -> None:
        """Know none yet."""
        self.prices = Prices()

    def take(self, record: Record) -> None:
        """Take a book up as a worker would: one that is wrong, or changes a known version, is left out."""
        try:
            self.prices.add(decode_book(record.value), record.timestamp)
        except BookError:
            return
