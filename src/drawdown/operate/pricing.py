"""Price books: checked against those that hold, published, and found again."""

import contextlib
from collections.abc import Sequence

from drawdown.domain.limits import BOOK_LEAD_MS
from drawdown.domain.prices import Book, BookError, Prices
from drawdown.errors import RefusedByService, UserError
from drawdown.operate.desk import Desk, Position
from drawdown.topics import PRICES
from drawdown.wire.book_file import BookFile
from drawdown.wire.instants import format_instant
from drawdown.wire.price_book import decode_book


async def published(desk: Desk) -> Prices:
    """Read the books as a worker does; those that it skips are left out."""
    browser = await desk.browser()
    prices = Prices()
    async for record in browser.read(await browser.spans([(PRICES, 0)])):
        with contextlib.suppress(BookError):
            prices.add(decode_book(record.value), record.timestamp)
    return prices


def take_up(prices: Prices, file: BookFile, now: int) -> bool:
    """Take up a book as if it were published now (ms); False if it is there already with the same terms.

    Raise RefusedByService with file, line and field if workers would skip it.
    """
    book = file.book
    known = prices.book(book.name, book.version) is not None
    try:
        prices.add(book, now)
    except BookError as error:
        told = str(error)
        if error.field == "effective_from":
            told = (
                f"version {book.version} of {book.name} would change the past: it would hold from"
                f" {format_instant(book.effective_from)}, and usage until an hour from now may be rated already by"
                f" a version before it; write {format_instant(now + BOOK_LEAD_MS)} or later"
            )
        wrong = file.document.wrong((error.field,) if error.field else (), told)
        raise RefusedByService(str(wrong)) from error
    return not known


async def judged(desk: Desk, files: Sequence[BookFile]) -> list[bool]:
    """Say of each file whether publishing it would add a book, one after another; False: it is there already.

    Raise RefusedByService with file, line and field of all that would be refused.
    """
    prices = await published(desk)
    fresh, wrong = [], []
    for file in files:
        try:
            fresh.append(take_up(prices, file, desk.clock.now_ms()))
        except RefusedByService as error:
            wrong.append(str(error))
    if wrong:
        raise RefusedByService("\n".join(["workers would not take this up:", *wrong]))
    return fresh


async def publish(desk: Desk, file: BookFile) -> Position | None:
    """Publish a book; None when the same terms are published already. Raise UserError."""
    (fresh,) = await judged(desk, [file])
    if not fresh:
        return None
    return await desk.publish_book(f"{file.book.name}:{file.book.version}", file.message)


async def find(desk: Desk, wanted: str) -> Book:
    """Find a published book by NAME, the newest version, or NAME:VERSION. Raise UserError."""
    books = (await published(desk)).books()
    fitting = [book for book in books if wanted in {book.name, f"{book.name}:{book.version}"}]
    if not fitting:
        raise UserError(f"no price book {wanted} is published; `drawdown prices list` shows those that are")
    return max(fitting, key=lambda book: book.version)
