"""`drawdown api`: the app behind uvicorn, on one address."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator
from typing import Final

import structlog
import uvicorn

from drawdown.api.app import create_app
from drawdown.api.context import opened
from drawdown.api.counts import ApiCounts
from drawdown.api.monitor import ApiMonitor
from drawdown.domain.limits import API_CONNECTIONS_MAX, API_STOP_SECONDS
from drawdown.errors import UserError
from drawdown.settings import Settings

_KEEP_ALIVE_SECONDS: Final = 30
_log = structlog.get_logger("drawdown.api")


def serve(settings: Settings) -> None:
    """Answer requests until SIGTERM or Ctrl-C. Raise UserError when it cannot start."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: None)  # uvicorn raises it again once it has stopped, and connections wait for us
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    with _listening(settings) as listening:
        async with opened(settings) as context, _shown(settings, context.counts):
            app = create_app(settings.api_cors_origins)
            app.state.context = context
            server = uvicorn.Server(
                uvicorn.Config(
                    app,
                    lifespan="off",
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    limit_concurrency=API_CONNECTIONS_MAX,
                    timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                    timeout_graceful_shutdown=API_STOP_SECONDS,
                )
            )
            host, port = listening.getsockname()[:2]
            _log.info("the API listens", host=host, port=port)
            await server.serve(sockets=[listening])
    _log.info("the API has stopped")


@contextlib.asynccontextmanager
async def _shown(settings: Settings, counts: ApiCounts) -> AsyncIterator[None]:
    """Show the metrics meanwhile."""
    monitor = ApiMonitor(settings, counts)
    await monitor.start()
    try:
        yield
    finally:
        await monitor.stop()


def _listening(settings: Settings) -> socket.socket:
    """Take the address. Raise UserError when it cannot be had."""
    host, port = settings.api_host, settings.api_port
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UserError(
            f"settings api_host and api_port: {host}:{port} cannot be listened on: {error.strerror}. Give another port"
        ) from error
