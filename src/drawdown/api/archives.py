"""The history for requests: its database is asked in threads, a few at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO, Final, TypeVar

from drawdown.api.problems import Problem, later
from drawdown.domain.limits import API_EXPORTS_MAX, API_HISTORY_SECONDS, HISTORY_READERS_MAX
from drawdown.history.archive import Archive, NoHistory
from drawdown.settings import Settings

T = TypeVar("T")
_CHUNK_BYTES: Final = 64 * 1024
_IN_MEMORY_BYTES: Final = 1024 * 1024


class Archives:
    """Asks one archive."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet. Raise BadInput for an address of no known kind."""
        self._archive = Archive(settings)
        self._questions = asyncio.Semaphore(HISTORY_READERS_MAX - API_EXPORTS_MAX)
        self._exports = asyncio.Semaphore(API_EXPORTS_MAX)

    async def ask(self, question: Callable[[Archive], T]) -> T:
        """Have a question answered. Raise Problem, or UserError where the database does not answer."""
        return await self._ask(self._questions, lambda: question(self._archive))

    async def written(self, write: Callable[[Archive, IO[bytes]], object]) -> AsyncIterator[bytes]:
        """Have an export written, whole, and give its bytes: a slow reader holds up no transaction. Raise Problem."""
        file = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  closed by whoever reads it to its end
        try:
            await self._ask(self._exports, lambda: write(self._archive, file))
        except BaseException:
            file.close()
            raise
        return _chunks(file)

    async def _ask(self, room: asyncio.Semaphore, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(API_HISTORY_SECONDS):
                await room.acquire()
        except TimeoutError as error:
            raise later("too many requests read the history already; try again") from error
        try:
            return await asyncio.to_thread(work)
        except NoHistory as error:
            raise Problem(HTTPStatus.NOT_FOUND, "no_history", str(error)) from error
        finally:
            room.release()

    def close(self) -> None:
        """Let go of the database."""
        self._archive.close()


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        file.seek(0)
        chunks: Iterator[bytes] = iter(lambda: file.read(_CHUNK_BYTES), b"")
        for chunk in chunks:
            yield chunk
    finally:
        file.close()
