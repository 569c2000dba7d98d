"""The OpenAPI document: FastAPI's, and what FastAPI cannot know of answers, links, limits and examples."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from drawdown.api.exact import make_exact
from drawdown.api.examples import BODIES, PARAMETERS
from drawdown.api.links import link
from drawdown.api.problems import FieldProblem, ProblemBody
from drawdown.api.responses import PROBLEM_REF, scopes_of, tell_answers

_ABOUT: Final = """Billing plans of an AI cloud: read what is left of them, and steer them.

Amounts are decimal strings in the account's currency. A write needs an `Idempotency-Key`, names one command to the
ledger, and answers with its decision, or with 202 when that takes longer than `Prefer: wait`. Every error is
`application/problem+json` with a stable `code`, the ledger's own where the ledger refused."""
_SCHEMAS: Final = PROBLEM_REF.removesuffix(ProblemBody.__name__)


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
        make_exact(made)
        told = [route for route in iter_route_contexts(app.routes) if isinstance(route.original_route, APIRoute)]
        routes = {route.operation_id: route for route in told}
        for path in made["paths"].values():
            for operation in path.values():
                operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
                tell_answers(operation, scopes_of(routes[operation["operationId"]].dependant), schemas)
                _show(operation)
        link(made)
        app.openapi_schema = made
    return app.openapi_schema


def _show(operation: dict[str, Any]) -> None:
    """Give examples of a request."""
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in PARAMETERS:
            parameter["example"] = PARAMETERS[parameter["name"]]
    if operation["operationId"] in BODIES:
        operation["requestBody"]["content"]["application/json"]["example"] = BODIES[operation["operationId"]]
