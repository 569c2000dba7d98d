"""What the OpenAPI document says that an operation answers: every status, its body and its headers."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from fastapi.dependencies.models import Dependant

from drawdown.api.access import Allowed
from drawdown.api.answering import header
from drawdown.api.problems import MEDIA_TYPE, ProblemBody
from drawdown.operate.keys import SCOPES

PROBLEM_REF: Final = f"#/components/schemas/{ProblemBody.__name__}"
_JSON: Final = "application/json"
_ERROR: Final = 400  # and what is above it
_ANY: Final = (401, 429, 500, 503)
_BODY: Final = (400, 413)
_REPLAYED: Final = "sent before under this Idempotency-Key: nothing happened now"
_REQUEST_ID: Final = {"X-Request-Id": header("the request's own, or one that was made; the log has it")}
_RETRY: Final = "Retry-After"
_HEADERS: Final = {
    "401": {"WWW-Authenticate": header("Bearer")},
    "429": {_RETRY: header("seconds until the next request is let through", "integer")},
    "503": {_RETRY: header("seconds until it is worth trying again", "integer", always=False)},
}


def tell_answers(operation: dict[str, Any], scopes: frozenset[str], schemas: dict[str, Any]) -> None:
    """Complete the answers of an operation. scopes: of the keys that it lets through. schemas: the document's."""
    answers: dict[str, dict[str, Any]] = operation["responses"]
    if "201" in answers and _has(operation, "header", "Idempotency-Key"):
        answers["200"] = {"description": _REPLAYED, "content": answers["201"]["content"]}
    declared = [int(status) for status in answers if int(status) >= _ERROR]
    for status in sorted({*declared, *_problems(operation, scopes, schemas)}):
        told = answers.get(str(status), {})
        description = told.get("description", HTTPStatus(status).phrase)
        if status == HTTPStatus.FORBIDDEN:
            description = f"the key is of another scope than {', '.join(sorted(scopes))}"
        content = {MEDIA_TYPE: {"schema": {"$ref": PROBLEM_REF}}}
        answers[str(status)] = told | {"description": description, "content": content}
    for code, told in answers.items():
        told["headers"] = told.get("headers", {}) | _HEADERS.get(code, {}) | _REQUEST_ID
    operation["responses"] = dict(sorted(answers.items()))


def _problems(operation: dict[str, Any], scopes: frozenset[str], schemas: dict[str, Any]) -> Iterator[int]:
    """Give the statuses of the problems that an operation of this form can answer."""
    yield from _ANY
    if scopes != frozenset(SCOPES):
        yield 403
    if any(one["in"] == "path" for one in operation.get("parameters", ())):
        yield 404
    if "requestBody" in operation:
        yield from _BODY
    if _has(operation, "header", "Idempotency-Key"):
        yield 409
    if _has(operation, "header", "If-Match"):
        yield from (412, 428)
    if "revision" in _body_fields(operation, schemas):
        yield 412


def _has(operation: dict[str, Any], place: str, name: str) -> bool:
    return any((one["in"], one["name"]) == (place, name) for one in operation.get("parameters", ()))


def body_schema(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of a request's body; an empty one where there is none."""
    told = operation.get("requestBody", {}).get("content", {}).get(_JSON, {}).get("schema", {})
    found: dict[str, Any] = schemas[told["$ref"].rpartition("/")[2]] if "$ref" in told else told
    return found


def _body_fields(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body_schema(operation, schemas).get("properties", {})
    return found


def scopes_of(dependant: Dependant) -> frozenset[str]:
    """Say keys of which scopes a route lets through that depends on this."""
    found = [one.call.scopes for one in _all(dependant) if isinstance(one.call, Allowed)]
    return frozenset(SCOPES).intersection(*found)


def _all(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for one in dependant.dependencies:
        yield from _all(one)
