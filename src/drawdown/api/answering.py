"""What all writes share: their headers, and the answer that a decision is written as."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import Header, Path
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, BaseModel

from drawdown.domain.limits import (
    API_RETRY_SECONDS,
    API_WAIT_DEFAULT_MS,
    API_WAIT_MAX_MS,
    ID_LENGTH_MAX,
    NAME_LENGTH_MAX,
)
from drawdown.operate.desk import Output

_MS: Final = 1_000
_WAIT: Final = re.compile(r"(?:^|,)\s*wait=([0-9]{1,4})\s*(?:$|[,;])", re.ASCII)
SLASH: Final = "\x00"  # stands for a slash within a name while a path is taken apart; no name holds it
_back: Final = AfterValidator(lambda text: text.replace(SLASH, "/"))
PathName = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH_MAX, description="its name"), _back]
PathIdent = Annotated[
    str, Path(min_length=1, max_length=ID_LENGTH_MAX, description="the Idempotency-Key of a request"), _back
]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=ID_LENGTH_MAX,
        description="names this request: sent again, it counts once",
    ),
]
Prefer = Annotated[
    str | None,
    Header(
        alias="Prefer",
        max_length=200,
        description="wait=SECONDS: how long to wait for the decision",
        examples=["wait=5"],
    ),
]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=200, description="the ETag of what was seen")]


class Event(BaseModel):
    """An account event that a command led to: where it stands, and what it says (schema account-event.v1)."""

    topic: str
    partition: int
    offset: int
    said: dict[str, Any]


class Decided(BaseModel):
    """What a ledger decided. id: the Idempotency-Key. replayed: it was decided before, and nothing happened now."""

    id: str
    outcome: Literal["applied", "pending"]
    replayed: bool
    events: list[Event]


def header(description: str, kind: str = "string", *, always: bool = True) -> dict[str, Any]:
    """Describe a header of an answer. always: no answer of its status is without it."""
    return {"description": description, "required": always, "schema": {"type": kind}}


PENDING: Final[dict[int | str, dict[str, Any]]] = {
    int(HTTPStatus.ACCEPTED): {
        "model": Decided,
        "description": "not decided yet: ask Location",
        "headers": {
            "Location": header("where to ask what came of it"),
            "Retry-After": header("seconds until it is worth asking", "integer"),
        },
    }
}


def wait_seconds(prefer: str | None) -> float:
    """Read how long a caller would wait (RFC 7240), within the limits."""
    found = _WAIT.search(prefer or "")
    wait_ms = API_WAIT_DEFAULT_MS if found is None else int(found[1]) * _MS
    return min(wait_ms, API_WAIT_MAX_MS) / _MS


def applied(command: dict[str, Any], outputs: Sequence[Output], status: HTTPStatus, *, replayed: bool) -> Response:
    """Write that a command is applied: with `status` if it was by this request."""
    return written(command["id"], outputs, HTTPStatus.OK if replayed else status, replayed=replayed)


def pending(command: dict[str, Any], outputs: Sequence[Output], *, replayed: bool) -> Response:
    """Write that a command is on the log and not decided, and where to ask."""
    place = f"/v1/accounts/{quote(command['account'], safe='')}/commands/{quote(command['id'], safe='')}"
    return later_at(place, command["id"], outputs, replayed=replayed)


def later_at(place: str, ident: str, outputs: Sequence[Output] = (), *, replayed: bool = False) -> Response:
    """Write that what was asked for under an Idempotency-Key is not decided, and where to look."""
    headers = {"Location": place, "Retry-After": str(API_RETRY_SECONDS)}
    return written(ident, outputs, HTTPStatus.ACCEPTED, headers, replayed=replayed)


def written(
    ident: str,
    outputs: Sequence[Output],
    status: HTTPStatus = HTTPStatus.OK,
    headers: dict[str, str] | None = None,
    *,
    replayed: bool,
) -> Response:
    """Write what was decided of an Idempotency-Key, or with status 202 that nothing was yet."""
    outcome = "pending" if status == HTTPStatus.ACCEPTED else "applied"
    events = [Event(topic=one.topic, partition=one.partition, offset=one.offset, said=one.said) for one in outputs]
    body = Decided(id=ident, outcome=outcome, replayed=replayed, events=events)
    return JSONResponse(body.model_dump(), status, headers=headers)
