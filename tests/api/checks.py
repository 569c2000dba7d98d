"""What schemathesis does not ask of an answer by itself, and instants that the API reads. It loads this module."""

import itertools
import os
from collections import Counter
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import schemathesis
from hypothesis import strategies
from schemathesis.checks import CheckContext
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext

_ERROR = 400
_KEY = "Idempotency-Key"
_KEY_LENGTH = 200
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)


def _written(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_instants = strategies.datetimes(
    _FIRST.replace(tzinfo=None), _LAST.replace(tzinfo=None), timezones=strategies.just(UTC)
)
schemathesis.openapi.format("date-time", _instants.map(_written))


_given = itertools.count(1)
_AGAIN = 8  # one of so many requests goes out under the key that was drawn, which others may have had


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Give most writes a key of their own: the few that are drawn again and again would all be conflicts."""
    given = case.headers.get(_KEY) if case.headers else None
    wrong = case.meta is not None and case.meta.is_negative_at(ParameterLocation.HEADER)
    number = next(_given)
    if isinstance(given, str) and given and not wrong and number % _AGAIN:
        case.headers[_KEY] = f"{given[:_KEY_LENGTH]}-{number}"


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Send 1 for 1.0: JSON Schema takes both for an integer, the ledgers do not, as no float comes near them."""
    if isinstance(body, dict):
        return {name: map_body(context, one) for name, one in body.items()}
    if isinstance(body, list):
        return [map_body(context, one) for one in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body


@schemathesis.check
def problems_are_whole(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """A problem says what RFC 9457 and docs/api.md say, and nothing of the server's insides."""
    if response.status_code < _ERROR or not response.content:
        return
    assert response.headers["content-type"] == ["application/problem+json"]
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"/problems/{body['code']}"
    assert body["title"] == HTTPStatus(response.status_code).phrase
    assert body["detail"]
    assert [body["request_id"]] == response.headers["x-request-id"]
    assert "Traceback" not in body["detail"]


@schemathesis.check
def what_the_document_allows_is_read(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """What is of the documented form may be refused by a rule (422 with its code, 409), never for its form.

    Floating-point numbers aside, which `map_body` does not see everywhere.
    """
    positive = case.meta is not None and case.meta.generation.mode.is_positive
    if not positive or response.status_code < _ERROR or _holds_float(case.body):
        return
    body = response.json()
    assert body["code"] not in {"invalid_request", "not_json"}, body["detail"]


def _holds_float(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_float(one) for one in value.values())
    if isinstance(value, list):
        return any(_holds_float(one) for one in value)
    return isinstance(value, float)


@schemathesis.check
class Answers:
    """Counts what was answered, for who runs schemathesis: by operation, status and problem's code."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[str, str]] = Counter()

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> None:
        status = str(response.status_code)
        name = case.operation.definition.raw["operationId"]
        code = response.json().get("code", "") if response.status_code >= _ERROR and response.content else ""
        self.counted[name, f"{status} {code}".strip()] += 1

    def after_run(self, ctx: CheckContext) -> None:
        told: dict[str, dict[str, int]] = {}
        for (name, answer), count in sorted(self.counted.items()):
            told.setdefault(name, {})[answer] = count
        Path(os.environ["DRAWDOWN_TEST_ANSWERS"]).write_bytes(msgspec.json.encode(told))
