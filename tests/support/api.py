"""The HTTP API on a stage: a process of its own, keys, and clients that show them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from drawdown.demo.stage import Stage
from drawdown.local.child import free_port
from drawdown.operate.desk import Desk
from drawdown.operate.keys import Scope, create

_SECONDS = 30
_POLL_SECONDS = 0.05


class Api:
    """A running API."""

    def __init__(self, stage: Stage, address: str) -> None:
        self.stage = stage
        self.address = address
        self.clients = contextlib.AsyncExitStack()

    async def key(self, holder: str, scope: Scope, account: str | None = None) -> str:
        async with Desk(self.stage.settings) as desk:
            return (await create(desk, holder, scope, account, 1))[1]

    async def client(self, scope: Scope, account: str | None = None) -> httpx.AsyncClient:
        """Give a client with a key of its own, once the API knows it."""
        text = await self.key(f"{scope}-{account}", scope, account)
        made = httpx.AsyncClient(base_url=self.address, headers={"Authorization": f"Bearer {text}"}, timeout=_SECONDS)
        client = await self.clients.enter_async_context(made)
        async with asyncio.timeout(_SECONDS):
            while (await client.get("/v1/accounts/nobody")).status_code == httpx.codes.UNAUTHORIZED:
                await asyncio.sleep(_POLL_SECONDS)
        return client


@contextlib.asynccontextmanager
async def served(stage: Stage, **settings: object) -> AsyncIterator[Api]:
    """Run the API beside a stage's workers."""
    port = free_port()
    child = stage.start_worker(("-m", "drawdown", "api"), **{"api_port": port, "metrics_port": 0} | settings)
    api = Api(stage, f"http://127.0.0.1:{port}")
    async with api.clients, httpx.AsyncClient(base_url=api.address) as client, asyncio.timeout(600):
        async with asyncio.timeout(_SECONDS):
            while not await _ready(client):
                assert child.alive, child.tail(4_000)
                await asyncio.sleep(_POLL_SECONDS)
        yield api


async def _ready(client: httpx.AsyncClient) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await client.get("/ready")).is_success
    return False


async def give(
    client: httpx.AsyncClient, method: str, path: str, key: str, body: dict[str, Any], **headers: str
) -> Any:
    """Send a command under an idempotency key."""
    return await client.request(method, f"/v1{path}", json=body, headers={"Idempotency-Key": key, **headers})
