"""What every request passes: an id, a limit on its size, a count, a line in the log, and an answer whatever fails."""

import re
import secrets
import time
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drawdown.api.answering import SLASH
from drawdown.api.counts import ApiCounts
from drawdown.api.problems import Problem, answer
from drawdown.domain.limits import API_BODY_BYTES_MAX

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HEADER: Final = b"x-request-id"
_US: Final = 1_000  # ns
_log = structlog.get_logger("drawdown.api")


class Edge:
    """Middleware around the whole app."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["path"] = _path(scope)
        request_id = _request_id(dict(scope["headers"]).get(_HEADER, b""))
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        began = time.perf_counter_ns()
        status = 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message["headers"] = [*message["headers"], (_HEADER, request_id.encode())]
            await send(message)

        try:
            await self._app(scope, _limited(scope, receive), told)
        except Exception:  # noqa: BLE001  whatever it is, the caller gets an answer and the log the trace
            _log.exception("a request failed", request_id=request_id)
            if not status:
                detail = f"the server failed; its log tells why under request id {request_id}"
                problem = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)
                await answer(Request(scope), problem)(scope, receive, told)
        finally:
            spent_ns = time.perf_counter_ns() - began
            route = getattr(scope.get("route"), "path", None)
            counts: ApiCounts = scope["app"].state.context.counts
            counts.answered(route, scope["method"], status, spent_ns)
            _log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=route,
                status=status,
                us=spent_ns // _US,
                key=state.get("key"),
            )


def _path(scope: Scope) -> str:
    """Decode the path so that a slash within a name is none between names; `drawdown.api.answering` puts it back."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return "/".join(unquote(part).replace("/", SLASH) for part in raw.decode("latin-1").split("/"))


def _request_id(given: bytes) -> str:
    """Keep a caller's id if it is a plain one, else make one."""
    text = given.decode("latin-1")
    return text if _ID.fullmatch(text) else secrets.token_hex(8)


def _limited(scope: Scope, receive: Receive) -> Receive:
    """Give the body until it is too large; then raise HTTPException."""
    told = dict(scope["headers"]).get(b"content-length", b"0")
    left = API_BODY_BYTES_MAX
    too_large = HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    async def limited() -> Message:
        nonlocal left
        if told.isdigit() and int(told) > API_BODY_BYTES_MAX:
            raise too_large
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise too_large
        return message

    return limited
