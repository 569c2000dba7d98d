"""The demonstration's system left running: a worker, the history, the HTTP API, and three requests to try."""

import asyncio
import contextlib
import http.client
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec
from pydantic import SecretStr

from drawdown.compiled import SWITCH
from drawdown.demo.scenario import account_name
from drawdown.errors import UserError
from drawdown.history.projector import behind
from drawdown.local.child import Child, free_port
from drawdown.local.stack import Addresses
from drawdown.operate.desk import Desk
from drawdown.operate.keys import create
from drawdown.settings import Settings

_SECONDS_MAX: Final = 60
_POLL_SECONDS: Final = 0.2
_KEY_DAYS: Final = 1


class Kept(msgspec.Struct, frozen=True):
    """Where the API answers, and a key of scope operator."""

    address: str
    key: str


@contextlib.contextmanager
def kept(settings: Settings) -> Iterator[Kept]:
    """Run them for the length of a context. Raise UserError when one does not start."""
    with tempfile.TemporaryDirectory(prefix="drawdown-kept-") as folder, contextlib.ExitStack() as ends:
        port = free_port()
        database = f"sqlite:///{folder}/history.db"
        own: dict[str, object] = {"history": database, "api_port": port, "metrics_port": 0}
        there = settings.model_copy(update={"history": SecretStr(database)})
        children = []
        for name in ("worker", "history", "api"):
            child = Child([sys.executable, "-m", "drawdown", name], Path(folder) / f"{name}.log", _told(settings, own))
            ends.callback(child.stop)
            children.append(child)
        asyncio.run(_ready(children, there, port))
        yield Kept(f"http://127.0.0.1:{port}", asyncio.run(_key(settings)))


def told(stack: Addresses, there: Kept) -> Iterator[str]:
    """Say what runs, and three requests to try."""
    yield f"Kafka {stack.kafka}, Redis {stack.redis}, a worker, the history and the HTTP API run until Ctrl-C. Try:"
    yield ""
    yield f"export API={there.address}/v1/accounts KEY={there.key}"
    account = account_name(0)
    yield f'curl -s -H "Authorization: Bearer $KEY" $API/{account}'
    yield f'curl -s -H "Authorization: Bearer $KEY" "$API/{account}/history?limit=3"'
    usage = '{"service": "inference", "data": {"endpoint": "chat", "model": "Qwen3-32B", "input_tokens": 1000000}}'
    sent = '-H "Content-Type: application/json"'
    yield f"""curl -s -H "Authorization: Bearer $KEY" {sent} $API/{account}/estimate -d '{usage}'"""


def _told(settings: Settings, own: dict[str, object]) -> dict[str, str]:
    """Give the environment of a process with these settings."""
    said = settings.model_dump(mode="json") | {"redis": settings.redis.get_secret_value()} | own
    ours = {key: value for key, value in os.environ.items() if not key.startswith("DRAWDOWN_") or key == SWITCH}
    return ours | {f"DRAWDOWN_{name.upper()}": str(value) for name, value in said.items()}


async def _ready(children: list[Child], settings: Settings, port: int) -> None:
    """Wait until the API answers and the history is at the end of the log."""
    until = time.monotonic() + _SECONDS_MAX
    while time.monotonic() < until:
        for child in children:
            if not child.alive:
                raise UserError(f"a process of the demonstration ended:\n{child.tail(2_000)}")
        with contextlib.suppress(OSError, UserError):
            if await asyncio.to_thread(_answers, port) and all(at == end for _, at, end in await behind(settings)):
                return
        await asyncio.sleep(_POLL_SECONDS)
    raise UserError(f"the API or the history was not ready within {_SECONDS_MAX} s")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS_MAX)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == HTTPStatus.OK
    finally:
        connection.close()


async def _key(settings: Settings) -> str:
    async with Desk(settings) as desk:
        return (await create(desk, "demonstration", "operator", None, _KEY_DAYS))[1]
