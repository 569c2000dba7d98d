"""The FastAPI app: routes, errors, health."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from redis.exceptions import RedisError

from drawdown.api import (
    authorizing,
    codes,
    estimating,
    history,
    letters,
    limiting,
    origins,
    pricing,
    problems,
    reading,
    redeeming,
    replaying,
    reports,
    writing,
)
from drawdown.api.context import context_of
from drawdown.api.document import document_of
from drawdown.api.edge import Edge
from drawdown.domain.limits import API_READY_SECONDS
from drawdown.errors import UserError
from drawdown.topics import API_KEYS


def create_app(cors_origins: Sequence[str] = ()) -> FastAPI:
    """Make the app; whoever runs it puts a Context into its state. cors_origins: whose scripts may use it."""
    app = FastAPI(
        openapi_url="/v1/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.routes.append(authorizing.QUICK)  # found before the one that the document is made from
    app.include_router(reading.router)
    app.include_router(writing.router())
    app.include_router(redeeming.router)
    app.include_router(authorizing.router)
    app.include_router(pricing.router)
    app.include_router(estimating.router)
    app.include_router(limiting.router)
    app.include_router(history.router)
    app.include_router(reports.router)
    app.include_router(letters.router)
    app.include_router(codes.router)
    app.include_router(replaying.router)
    app.add_api_route("/live", live, include_in_schema=False)
    app.add_api_route("/ready", ready, include_in_schema=False)
    problems.answered_by(app)
    app.openapi = lambda: document_of(app)  # type: ignore[method-assign]  # as FastAPI says to
    app.add_middleware(Edge)
    origins.let_in(app, cors_origins)  # around the edge, so that a browser can read its answers, too
    return app


async def live() -> dict[str, str]:
    """Say that the event loop turns."""
    return {"status": "live"}


async def ready(request: Request, response: Response) -> dict[str, str]:
    """Say whether Kafka and Redis answer."""
    desk = (await context_of(request)).desk
    try:
        async with asyncio.timeout(API_READY_SECONDS):
            await desk.redis().ping()
            await (await desk.browser()).spans([(API_KEYS, 0)])
    except (RedisError, UserError, OSError, TimeoutError) as error:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return {"status": "not ready", "why": str(error) or f"no answer within {API_READY_SECONDS} s"}
    return {"status": "ready"}
