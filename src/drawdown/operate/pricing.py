"""Price books: checked against those that hold, then published."""

from drawdown.domain.prices import Book, BookError, Prices
from drawdown.errors import BadInput, RefusedByService
from drawdown.operate.desk import Desk, Position
from drawdown.topics import PRICES
from drawdown.wire.price_book import decode_book


async def published(desk: Desk) -> tuple[Prices, list[Book]]:
    """Read the books as a worker does; those that it skips are left out."""
    browser = await desk.browser()
    prices, books = Prices(), []
    async for record in browser.read(await browser.spans([(PRICES, 0)])):
        try:
            book = decode_book(record.value)
            known = prices.book(book.name, book.version)
            prices.add(book, record.timestamp)
        except BookError:
            continue
        if known is None:
            books.append(book)
    return prices, books


async def publish(desk: Desk, value: bytes) -> tuple[Book, Position | None]:
    """Publish a book; None for the position when the same terms are published already. Raise UserError."""
    try:
        book = decode_book(value)
    except BookError as error:
        raise BadInput(f"this is no price book: {error}") from error
    prices, _ = await published(desk)
    known = prices.book(book.name, book.version)
    try:
        prices.add(book, desk.clock.now_ms())
    except BookError as error:
        raise RefusedByService(f"workers would skip this book: {error}") from error
    if known is not None:
        return book, None
    return book, await desk.publish_book(f"{book.name}:{book.version}", value)
