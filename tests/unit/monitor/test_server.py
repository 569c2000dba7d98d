"""The monitor's HTTP server: what it answers, and what it does not put up with."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from drawdown.adapters.monitor import server
from drawdown.adapters.monitor.server import TEXT, Answer, Server
from drawdown.errors import UserError
from drawdown.local.child import free_port


@pytest.fixture
async def port() -> AsyncIterator[int]:
    number = free_port()
    pages = {"/page": lambda headers: Answer(HTTPStatus.OK, TEXT, headers.get("accept", "nothing").encode())}
    serving = Server("127.0.0.1", number, pages)
    await serving.start()
    yield number
    await serving.stop()


async def ask(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        answer = await reader.read()
    except ConnectionResetError:  # closed with something unread
        answer = b""
    writer.close()
    return answer.decode()


async def test_a_page_is_answered_and_the_connection_closed(port: int) -> None:
    answer = await ask(port, b"GET /page?x=1 HTTP/1.1\r\nHost: a\r\nAccept: text/*\r\n\r\n")
    assert answer.startswith("HTTP/1.1 200 OK\r\n")
    assert "Connection: close" in answer
    assert answer.endswith("\r\n\r\ntext/*")


async def test_head_gives_no_body(port: int) -> None:
    answer = await ask(port, b"HEAD /page HTTP/1.1\r\n\r\n")
    assert "Content-Length: 7" in answer
    assert answer.endswith("\r\n\r\n")


@pytest.mark.parametrize(
    ("request_line", "status"), [("POST /page HTTP/1.1", "405"), ("GET /elsewhere HTTP/1.1", "404"), ("GET", "404")]
)
async def test_refusals(port: int, request_line: str, status: str) -> None:
    assert (await ask(port, f"{request_line}\r\n\r\n".encode())).split(" ")[1] == status


async def test_a_request_without_end_is_cut_off(port: int) -> None:
    assert await ask(port, b"GET /page HTTP/1.1\r\n" + b"x" * 100_000) == ""


async def test_who_asks_nothing_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SECONDS_MAX", 0.05)
    async with asyncio.timeout(5):
        assert await ask(port, b"GET /page") == ""


async def test_no_more_than_so_many_at_once(port: int) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(server.CONNECTIONS_MAX)]
    await asyncio.sleep(0.05)
    assert await ask(port, b"GET /page HTTP/1.1\r\n\r\n") == ""
    for _, writer in idle:
        writer.close()
    await asyncio.sleep(0.05)
    assert "200 OK" in await ask(port, b"GET /page HTTP/1.1\r\n\r\n")


async def test_a_port_that_is_taken_names_the_setting(port: int) -> None:
    with pytest.raises(UserError, match="metrics_port"):
        await Server("127.0.0.1", port, {}).start()
