"""The API in this process, its commands and its clock at the instants of scenarios: a desk of its own, no way in."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple, cast
from urllib.parse import quote

import httpx
from aiokafka import AIOKafkaProducer

from drawdown.adapters.clock import SystemClock
from drawdown.api.app import create_app
from drawdown.api.commands import ROWS, Row
from drawdown.api.context import opened
from drawdown.operate.desk import Desk
from drawdown.operate.keys import create
from drawdown.settings import Settings

AT: ContextVar[int] = ContextVar("the instant of a scenario's step, ms")  # a request is answered in its caller's task
ROUTES: Mapping[str, Row] = {row.command: row for row in ROWS}
_SECONDS, _POLL_SECONDS = 60, 0.1
_PARAMETER = re.compile(r"{(\w+)}")
_MADE_UP = "0123456789abcdef"  # a digest of something that nobody saw


class _Clock(SystemClock):
    def now_ms(self) -> int:
        return AT.get()


class _Stamping:
    """A producer whose records stand at the instant of their step."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, topic: str, value: bytes, *, key: bytes, partition: int) -> Any:
        return await self._producer.send(topic, value, key=key, partition=partition, timestamp_ms=AT.get())


class ScenarioDesk(Desk):
    """What an API writes and reads with, as if now were the instant of a scenario's step."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.clock = _Clock()

    async def _started(self) -> AIOKafkaProducer:
        return cast(AIOKafkaProducer, _Stamping(await super()._started()))


class Asked(NamedTuple):
    """A command as a request."""

    method: str
    path: str
    body: dict[str, Any]


def asked(command: Mapping[str, Any]) -> Asked:
    """Write a command as the request that its row says."""
    row = ROUTES[command["command"]]
    in_path = _PARAMETER.findall(row.path)
    path = _PARAMETER.sub(lambda found: quote(str(command[found[1]]), safe=""), row.path)
    elsewhere = {"command", "version", "id", row.by, row.matched, *in_path}
    return Asked(row.method, f"/v1{path}", {name: one for name, one in command.items() if name not in elsewhere})


class ScenarioApi:
    """A running app, and a client for each operator that scenarios name."""

    def __init__(self, clients: Mapping[str, httpx.AsyncClient]) -> None:
        self._clients = clients
        self.requests = 0

    async def give(self, command: Mapping[str, Any]) -> httpx.Response:
        """Ask for a command, by the operator that it names."""
        row, request = ROUTES[command["command"]], asked(command)
        client = self._clients[str(command[row.by])] if row.by else self.anyone
        headers = {"Idempotency-Key": str(command["id"]), "Prefer": "wait=30"}
        if row.matched:
            headers["If-Match"] = await self._etag(command)
        self.requests += 1
        async with asyncio.timeout(_SECONDS):
            while True:
                answer = await client.request(request.method, request.path, json=request.body, headers=headers)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:  # as when the worker makes Redis anew
                    return answer
                await asyncio.sleep(_POLL_SECONDS)

    @property
    def anyone(self) -> httpx.AsyncClient:
        return next(iter(self._clients.values()))

    async def _etag(self, command: Mapping[str, Any]) -> str:
        """Give the ETag of the plan as it is now, with the revision that the command says was seen."""
        names = (quote(str(command[name]), safe="") for name in ("account", "plan"))
        plan = await self.anyone.get("/v1/accounts/{}/plans/{}".format(*names))
        _, _, digest = plan.headers.get("etag", f'"0-{_MADE_UP}"').partition("-")
        return f'"{command["revision"]}-{digest}'


@contextlib.asynccontextmanager
async def in_process(settings: Settings, operators: Iterable[str]) -> AsyncIterator[ScenarioApi]:
    """Open the app on a stage's topics. `drawdown.api.context.Desk` must be a ScenarioDesk by then."""
    async with Desk(settings) as desk:
        keys = {name: (await create(desk, name, "operator", None, None))[1] for name in operators}
    async with opened(settings) as context, contextlib.AsyncExitStack() as clients:
        assert isinstance(context.desk, ScenarioDesk)
        app = create_app()
        app.state.context = context
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        made = {}
        for name, key in keys.items():
            headers = {"Authorization": f"Bearer {key}"}
            client = httpx.AsyncClient(transport=transport, base_url="http://scenarios", headers=headers)
            made[name] = await clients.enter_async_context(client)
        yield ScenarioApi(made)
