"""The price books as of now: read whole at start, and followed, as a worker does."""

from drawdown.api.following import Follower
from drawdown.domain.prices import BookError, Prices
from drawdown.engine.records import Record
from drawdown.settings import Settings
from drawdown.topics import PRICES
from drawdown.wire.price_book import decode_book


class Shelf:
    """Every book that workers take up."""

    def __init__(self, settings: Settings) -> None:
        """Know none yet."""
        self.prices = Prices()
        self._follower = Follower(settings, [(PRICES, 0)], self.take)

    async def start(self) -> None:
        """Read all, and follow."""
        await self._follower.start(history=True)

    async def stop(self) -> None:
        """Follow no more."""
        await self._follower.stop()

    def take(self, record: Record) -> None:
        """Take a book up as a worker would: one that is wrong, or changes a known version, is left out."""
        try:
            self.prices.add(decode_book(record.value), record.timestamp)
        except BookError:
            return
