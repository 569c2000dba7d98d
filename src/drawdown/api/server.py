"""`drawdown api`: the app behind uvicorn, on one address."""

import logging
from typing import Final

import uvicorn

from drawdown.api.app import create_app
from drawdown.domain.limits import API_CONNECTIONS_MAX, API_STOP_SECONDS
from drawdown.errors import UserError
from drawdown.settings import Settings

_KEEP_ALIVE_SECONDS: Final = 30


def serve(settings: Settings) -> None:
    """Answer requests until SIGTERM or Ctrl-C. Raise UserError when it cannot start."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    config = uvicorn.Config(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=API_CONNECTIONS_MAX,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=API_STOP_SECONDS,
    )
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        raise UserError("the API did not start: what was logged before says why")
