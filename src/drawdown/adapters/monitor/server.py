"""A small HTTP server on the worker's own event loop, so that a loop that hangs does not answer.

It reads GET and HEAD, answers, and closes the connection. Connections, the size of a request and the time for it are
bounded.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec

from drawdown.errors import UserError

CONNECTIONS_MAX = 16
REQUEST_BYTES_MAX = 8 * 1024
SECONDS_MAX = 5
TEXT = "text/plain; charset=utf-8"


class Answer(msgspec.Struct, frozen=True):
    """What a page says."""

    status: HTTPStatus
    content_type: str
    body: bytes


Page = Callable[[Mapping[str, str]], Answer]


class Server:
    """Serves pages: path → a function of the request's headers (names in lower case)."""

    def __init__(self, host: str, port: int, pages: Mapping[str, Page]) -> None:
        """Listen nowhere yet."""
        self._host = host
        self._port = port
        self._pages = pages
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen; raise UserError if the address cannot be had."""
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=REQUEST_BYTES_MAX)
        except OSError as error:
            raise UserError(
                f"settings metrics_host and metrics_port: {self._host}:{self._port} cannot be listened on:"
                f" {error.strerror}. Give another port, or 0 for none"
            ) from error

    async def stop(self) -> None:
        """Close the socket and what is open."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if len(self._open) <= CONNECTIONS_MAX:
                async with asyncio.timeout(SECONDS_MAX):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._reply(head.decode("latin-1")))
                    await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # whoever asked is gone, or asks too much
        finally:
            self._open.discard(writer)
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(SECONDS_MAX):
                    await writer.wait_closed()

    def _reply(self, head: str) -> bytes:
        request, *lines = head.split("\r\n")
        method, _, rest = request.partition(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        page = self._pages.get(rest.partition(" ")[0].partition("?")[0])
        if method not in {"GET", "HEAD"}:
            answer = Answer(HTTPStatus.METHOD_NOT_ALLOWED, TEXT, b"only GET and HEAD\n")
        elif page is None:
            answer = Answer(HTTPStatus.NOT_FOUND, TEXT, f"here are {', '.join(self._pages)}\n".encode())
        else:
            answer = page(headers)
        first = (
            f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\nContent-Type: {answer.content_type}\r\n"
            f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
        )
        return first.encode() + (b"" if method == "HEAD" else answer.body)
