"""Routes that give commands: put on the log under the request's Idempotency-Key, answered by the ledger's decision."""

import re
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from inspect import Parameter, Signature
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Response
from pydantic import BaseModel

from drawdown.api.access import Allowed, KeyedRoute, check_open, check_sees
from drawdown.api.answering import (
    PENDING,
    Decided,
    IdempotencyKey,
    IfMatch,
    PathName,
    Prefer,
    applied,
    pending,
    wait_seconds,
)
from drawdown.api.bodies import body_of
from drawdown.api.commands import ROWS, Row
from drawdown.api.context import Context, context_of
from drawdown.api.problems import Problem
from drawdown.operate.keys import Key

_PARAMETER: Final = re.compile(r"{(\w+)}")
_ETAG: Final = re.compile(r'"([0-9]{1,9})-[0-9a-f]{16}"', re.ASCII)


def router() -> APIRouter:
    """Give the routes of all rows."""
    made = APIRouter(prefix="/v1", route_class=KeyedRoute)
    for row in ROWS:
        made.add_api_route(
            row.path,
            _endpoint(row),
            methods=[row.method],
            operation_id=row.command,
            description=row.message.__doc__,
            tags=[row.tag],
            status_code=row.status,
            response_model=Decided,
            responses=PENDING,
        )
    return made


def _endpoint(row: Row) -> Callable[..., Awaitable[Any]]:
    """Make the function that answers a row's requests."""
    in_path = _PARAMETER.findall(row.path)
    said_elsewhere = [*in_path, *(field for field in (row.by, row.matched) if field)]
    body = body_of(row.message, without=said_elsewhere)

    async def answer(
        held: Context, key: Key, given: BaseModel, idempotency_key: str, prefer: str | None, **told: str | None
    ) -> Response:
        command = given.model_dump(exclude_unset=True) | {name: told[name] for name in in_path}
        check_sees(key, command["account"])
        if row.by:
            command[row.by] = key.holder
        if row.matched:
            command[row.matched] = _revision(told["if_match"])
        if "account" in in_path:
            await check_open(held, command["account"])
        command |= {"command": row.command, "version": 1, "id": idempotency_key}
        return await _issued(held, command, row.status, prefer)

    answer.__signature__ = _signature(row, body, in_path)  # type: ignore[attr-defined]  # what FastAPI reads
    return answer


def _signature(row: Row, body: type[BaseModel], in_path: Sequence[str]) -> Signature:
    """Say what a row's requests are made of."""
    kinds: dict[str, tuple[Any, Any]] = {
        "held": (Annotated[Context, Depends(context_of)], Parameter.empty),
        "key": (Annotated[Key, Depends(Allowed(row.scopes))], Parameter.empty),
        "given": (Annotated[body, Body()], Parameter.empty),
        "idempotency_key": (IdempotencyKey, Parameter.empty),
        "prefer": (Prefer, None),
    }
    kinds |= dict.fromkeys(in_path, (PathName, Parameter.empty))
    if row.matched:
        kinds["if_match"] = (IfMatch, None)
    return Signature(
        [
            Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=default)
            for name, (kind, default) in kinds.items()
        ],
        return_annotation=Response,
    )


async def _issued(held: Context, command: dict[str, Any], status: HTTPStatus, prefer: str | None) -> Response:
    decision = await held.issuer.issue(command, wait_seconds(prefer))
    if decision.pending:
        return pending(command, decision.events, replayed=decision.replayed)
    return applied(command, decision.events, status, replayed=decision.replayed)


def _revision(if_match: str | None) -> int:
    """Read the revision that a caller saw. Raise Problem when it says none."""
    if if_match is None:
        detail = "confirm what you have seen: send the ETag of GET …/plans/{plan} as If-Match"
        raise Problem(HTTPStatus.PRECONDITION_REQUIRED, "missing_if_match", detail)
    found = _ETAG.fullmatch(if_match.strip())
    if found is None or found[1] == "0":
        detail = "If-Match is not the ETag of an offer: read the plan again"
        raise Problem(HTTPStatus.PRECONDITION_FAILED, "stale_revision", detail)
    return int(found[1])
