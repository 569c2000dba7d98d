"""Problems as HTTP answers: application/problem+json (RFC 9457), whose codes are the ledgers' own."""

from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from drawdown.domain.errors import Reject
from drawdown.domain.limits import API_RETRY_SECONDS
from drawdown.engine.errors import Doubt, Halt, Retry
from drawdown.errors import BadInput, UserError
from drawdown.operate.keys import Key

MEDIA_TYPE: Final = "application/problem+json"
_STATUS: Final = {
    "unknown_account": HTTPStatus.NOT_FOUND,
    "unknown_plan": HTTPStatus.NOT_FOUND,
    "stale_revision": HTTPStatus.PRECONDITION_FAILED,
}
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_log: Final = structlog.get_logger("drawdown.api")
_SAFE: Final = 200  # characters of what a caller sent that an answer repeats


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    field: str
    detail: str


class ProblemBody(BaseModel):
    """A problem. code: stable, for programs; detail: what happened, which value, what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldProblem] = []


class Problem(Exception):
    """A request that is answered by a problem."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, *, headers: dict[str, str] | None = None) -> None:
        """Say what happened, which value, and what to do."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}


def refused(code: str, detail: str) -> Problem:
    """Give the problem of a command that its ledger read and refused."""
    return Problem(_STATUS.get(code, HTTPStatus.CONFLICT), code, detail)


def invalid(reject: Reject) -> Problem:
    """Give the problem of a request that its ledger could not read, or whose account it does not know."""
    return Problem(_STATUS.get(reject.code, HTTPStatus.UNPROCESSABLE_ENTITY), reject.code, reject.detail)


def later(detail: str) -> Problem:
    """Give the problem of a request that may succeed in a moment."""
    headers = {"Retry-After": str(API_RETRY_SECONDS)}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers=headers)


def answered_by(app: FastAPI) -> None:
    """Have every error of an app answered by a problem."""
    handlers: dict[type[Exception], Any] = {
        Problem: _problem,
        RequestValidationError: _invalid,
        HTTPException: _http,
        UserError: _user,
        Retry: _unavailable,
        Doubt: _unavailable,
        Halt: _unavailable,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def answer(request: Request, problem: Problem, errors: list[FieldProblem] | None = None) -> Response:
    """Write a problem."""
    body = ProblemBody(
        type=f"/problems/{problem.code}",
        title=problem.status.phrase,
        status=problem.status,
        code=problem.code,
        detail=problem.detail,
        request_id=request.state.request_id,
        errors=errors or [],
    )
    return JSONResponse(body.model_dump(), problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


async def _problem(request: Request, error: Problem) -> Response:
    return answer(request, error)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    errors = [
        FieldProblem(field=".".join(str(part) for part in one["loc"])[:_SAFE], detail=one["msg"])
        for one in error.errors()
    ]
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return answer(request, Problem(HTTPStatus.BAD_REQUEST, "not_json", "the body is not JSON"), errors)
    told = "; ".join(f"{one.field}: {one.detail}" for one in errors)
    return answer(request, Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", told), errors)


async def _http(request: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.BAD_REQUEST:  # FastAPI's own, for what json gives up on
        return answer(
            request, Problem(status, "not_json", "the body cannot be read: nested too deep, or too long a number")
        )
    code = status.phrase.lower().replace(" ", "_")
    detail = f"{request.method} {request.url.path[:_SAFE]}: {status.description or status.phrase}"
    return answer(request, Problem(status, code, detail, headers=_headers(request, error)))


def _headers(request: Request, error: HTTPException) -> dict[str, str]:
    """Give an error's headers; Allow names the methods of all routes of the path, not of the first one alone."""
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return dict(error.headers or {})
    asked = [dict(request.scope) | {"method": method} for method in _METHODS]
    allowed = [
        one["method"] for one in asked if any(route.matches(one)[0] == Match.FULL for route in request.app.routes)
    ]
    return {"Allow": ", ".join(allowed)}


async def _user(request: Request, error: UserError) -> Response:
    if isinstance(error, BadInput):
        return answer(request, Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_value", str(error)))
    return await _unavailable(request, error)


async def _unavailable(request: Request, error: Exception) -> Response:
    """Answer that something does not answer: what, and where it is, is told to operators and the log alone."""
    key: Key | None = getattr(request.state, "caller", None)
    if key is not None and key.scope == "operator":
        return answer(request, later(f"{error}"))
    _log.warning("a request could not be answered", why=f"{error}", request_id=request.state.request_id)
    told = f"the server's log tells more under request id {request.state.request_id}"
    detail = f"something that this needs does not answer now; try again, or ask whoever runs it: {told}"
    return answer(request, later(detail))
