"""The OpenAPI document: FastAPI's, with every route's problems told once and referred to."""

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from drawdown.api.problems import MEDIA_TYPE, FieldProblem, ProblemBody

_ABOUT: Final = """Billing plans of an AI cloud: read what is left of them, and steer them.

Amounts are decimal strings in the account's currency. A write needs an `Idempotency-Key`, names one command to the
ledger, and answers with its decision, or with 202 when that takes longer than `Prefer: wait`. Every error is
`application/problem+json` with a stable `code`, the ledger's own where the ledger refused."""
_ANY: Final = (401, 403, 404, 422, 429, 503)
_WRITE: Final = (400, 409, 413)
_MATCHED: Final = (412, 428)
_SCHEMAS: Final = "#/components/schemas/"


def document_of(app: FastAPI) -> dict[str, Any]:
    """Make the document, once."""
    if app.openapi_schema is None:
        made = get_openapi(title="Drawdown", version="1", description=_ABOUT, routes=app.routes)
        schemas = made["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for model in (ProblemBody, FieldProblem):
            schemas[model.__name__] = model.model_json_schema(ref_template=_SCHEMAS + "{model}")
            schemas[model.__name__].pop("$defs", None)
        for path in made["paths"].values():
            for operation in path.values():
                _told(operation)
        app.openapi_schema = made
    return app.openapi_schema


def _told(operation: dict[str, Any]) -> None:
    """Say which problems an operation answers with."""
    matched = any(one["name"] == "If-Match" for one in operation.get("parameters", ()))
    codes = _ANY + (_WRITE if "requestBody" in operation else ()) + (_MATCHED if matched else ())
    for code in codes:
        content = {MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS + ProblemBody.__name__}}}
        operation["responses"][str(code)] = {"description": HTTPStatus(code).phrase, "content": content}
