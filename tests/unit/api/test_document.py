"""The OpenAPI document: it is one, it tells each operation whole, and what it tells is so."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest
import schemathesis
from tests.support.fake_api import OWN, FakeApi
from tests.support.requests import HEADERS, REQUESTS, of_account

from drawdown.api.app import create_app
from drawdown.operate.keys import SCOPES, Scope

DOCUMENT: dict[str, Any] = create_app().openapi()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
EPOCH = "1970-01-01"  # from which the books of tests hold, and no published one can
WITH_BODY = [name for name, (_, _, operation) in OPERATIONS.items() if "requestBody" in operation]
LINKS = [
    pytest.param(name, status, link, id=f"{name}-{status}-{target}")
    for name, (_, _, operation) in OPERATIONS.items()
    for status, answer in operation["responses"].items()
    for target, link in answer.get("links", {}).items()
]


def parameters(operation: dict[str, Any], place: str) -> set[str]:
    return {one["name"] for one in operation.get("parameters", ()) if one["in"] == place}


def body_of(operation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = operation["requestBody"]["content"]["application/json"]
    return found


def valid(instance: Any, schema: dict[str, Any]) -> bool:
    whole = {"$ref": "#/it", "it": schema, "components": DOCUMENT["components"]}
    return bool(jsonschema.Draft202012Validator(whole).is_valid(instance))


async def asked(api: FakeApi, scope: Scope, name: str) -> httpx.Response:
    request = of_account(REQUESTS[name], OWN)
    async with api.client(api.keyring.draw(scope, OWN if scope == "account" else None)) as client:
        return await client.request(request.method, request.path, json=request.body, headers=HEADERS)


def test_it_is_an_openapi_document() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_told_whole(name: str) -> None:
    _, path, operation = OPERATIONS[name]
    assert operation["summary"].split() == operation["operationId"].capitalize().split("_")
    assert len(operation["description"]) > 20
    assert operation["tags"]
    assert operation["security"] == [{"HTTPBearer": []}]
    assert parameters(operation, "path") == set(re.findall(r"{(\w+)}", path))
    answers = operation["responses"]
    assert {"401", "429", "500", "503"} < set(answers)
    assert any(status.startswith("2") for status in answers)
    for status, answer in answers.items():
        assert answer["description"]
        assert answer["headers"]["X-Request-Id"]["required"]
        if status >= "400":
            ref = {"$ref": "#/components/schemas/ProblemBody"}
            assert answer["content"] == {"application/problem+json": {"schema": ref}}


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_body_has_an_example_that_its_schema_allows(name: str) -> None:
    body = body_of(OPERATIONS[name][2])
    assert "example" in body, "give one in drawdown.api.examples"
    assert valid(body["example"], body["schema"])


@pytest.mark.parametrize("name", WITH_BODY)
async def test_and_that_the_api_reads(name: str) -> None:
    body = body_of(OPERATIONS[name][2])["example"]
    request = of_account(REQUESTS[name], OWN)
    api = FakeApi()
    async with api.client(api.keyring.draw("operator")) as client:
        answer = await client.request(request.method, request.path, json=body, headers=HEADERS)
    assert answer.is_success or answer.status_code in {404, 409}, (
        answer.text
    )  # it was read, and then not there or refused


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_what_is_answered_is_documented(name: str, scope: Scope) -> None:
    answer = await asked(FakeApi(), scope, name)
    told = OPERATIONS[name][2]["responses"][str(answer.status_code)]
    assert {header.lower() for header, one in told["headers"].items() if one["required"]} <= set(answer.headers)
    kind = answer.headers["content-type"].partition(";")[0]
    schema = told["content"][kind].get("schema")
    assert schema is None or valid(json.loads(answer.text.replace(EPOCH, "2026-01-01")), schema)


@pytest.mark.parametrize("name", OPERATIONS)
async def test_forbidden_is_told_where_a_scope_is_forbidden_and_only_there(name: str) -> None:
    statuses = {scope: (await asked(FakeApi(), scope, name)).status_code for scope in SCOPES}
    assert ("403" in OPERATIONS[name][2]["responses"]) == (403 in statuses.values())
    if 403 in statuses.values():
        told = OPERATIONS[name][2]["responses"]["403"]["description"]
        assert told.endswith(" " + ", ".join(sorted(scope for scope, status in statuses.items() if status != 403)))


@pytest.mark.parametrize(("name", "status", "link"), LINKS)
def test_a_link_says_all_that_its_target_needs_and_only_what_is_known(
    name: str, status: str, link: dict[str, Any]
) -> None:
    _, _, source = OPERATIONS[name]
    _, _, target = OPERATIONS[link["operationId"]]
    given = {one.removeprefix("header.") for one in link["parameters"]}
    assert parameters(target, "path") <= given <= parameters(target, "path") | parameters(target, "header")
    fields = link.get("requestBody", {})
    assert set(fields) <= (set(resolved(body_of(target)["schema"])["properties"]) if fields else set())
    assert all(known(one, source, status) for one in [*link["parameters"].values(), *fields.values()]), link


def known(expression: str, source: dict[str, Any], status: str) -> bool:
    """Say whether a runtime expression names something that a request or its answer is documented to have."""
    where, _, pointer = expression.partition("#/")
    side, place, *rest = where.removeprefix("$").split(".")
    if place == "body":
        answer = source["responses"][status]
        content = body_of(source) if side == "request" else answer["content"]["application/json"]
        return has(content["schema"], pointer.split("/"))
    if side == "response":
        return rest[0] in source["responses"][status]["headers"]
    return rest[0] in parameters(source, place)


def has(schema: dict[str, Any], pointer: list[str]) -> bool:
    """Say whether what fits a schema may have what a JSON pointer names."""
    if not pointer:
        return True
    name, *rest = pointer
    told = resolved(schema)
    inner = told.get("items") if name.isdigit() else told.get("properties", {}).get(name)
    return inner is not None and has(inner, rest)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def test_every_command_to_an_account_leads_to_what_came_of_it() -> None:
    commands = {
        name: one["responses"]
        for name, (_, path, one) in OPERATIONS.items()
        if "Idempotency-Key" in parameters(one, "header") and path.startswith("/v1/accounts")
    }
    assert len(commands) > 10
    for name, answers in commands.items():
        assert all("show_command" in one["links"] for status, one in answers.items() if status < "300"), name
        assert {"200", "202", "409"} <= set(answers), name
        assert {"Location", "Retry-After"} <= set(answers["202"]["headers"]), name


def test_what_is_made_leads_to_all_that_is_asked_of_it() -> None:
    opened = OPERATIONS["open_account"][2]["responses"]["201"]["links"]
    assert {"show_account", "draft_plan", "top_up", "authorize", "show_command"} <= set(opened)
    drafted = OPERATIONS["draft_plan"][2]["responses"]["201"]["links"]
    assert {"show_plan", "offer_plan", "cancel_plan", "show_services"} <= set(drafted)
    assert drafted["offer_plan"]["parameters"] == {"account": "$request.path.account", "plan": "$request.body#/plan"}
    assert "confirm_plan" in OPERATIONS["offer_plan"][2]["responses"]["200"]["links"]
    seen = OPERATIONS["show_plan"][2]["responses"]["200"]["links"]["confirm_plan"]["parameters"]
    assert seen["header.If-Match"] == "$response.header.ETag"


@pytest.mark.parametrize(
    ("schema", "field", "good", "bad"),
    [
        ("PausePlan", "until", "2026-11-23T10:15:00.123Z", "1999-11-23T10:15:00.123Z"),
        ("PausePlan", "until", None, "tomorrow"),
        ("TopUp", "currency", "VND", "XYZ"),
        ("TopUp", "reference", "a ü 漢", "line\nbreak"),
        ("ScopeItemMessage", "service", "inference", "teleport"),
        ("ScopeItemMessage", "dimensions", {"model": "Q"}, {"model": ""}),
        ("ScopeItemMessage", "dimensions", {}, {str(number): "x" for number in range(9)}),
    ],
)
def test_schemas_say_what_the_ledgers_check(schema: str, field: str, good: Any, bad: Any) -> None:
    told = SCHEMAS[schema]["properties"][field]
    assert (valid(good, told), valid(bad, told)) == (True, False)


def test_fields_that_look_alike_and_are_something_else_are_left_alone() -> None:
    assert "enum" not in SCHEMAS["TopUp"]["properties"]["reference"]
    assert "pattern" not in SCHEMAS["RequestPlan"]["properties"]["contact"]
    (place,) = (one for one in OPERATIONS["show_charge"][2]["parameters"] if one["name"] == "place")
    assert "format" not in place["schema"]  # as long at most as an instant


def test_no_bound_of_an_integer_is_a_float() -> None:
    bounds = [SCHEMAS["DraftPlan"]["properties"]["revision"][name] for name in ("minimum", "maximum")]
    assert [(type(bound), bound) for bound in bounds] == [(int, 1), (int, 10**6)]


def every(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for one in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from every(one)


def test_all_that_is_referred_to_is_there() -> None:
    refs = {one["$ref"] for one in every(DOCUMENT) if isinstance(one.get("$ref"), str)}
    assert {one.removeprefix("#/components/schemas/") for one in refs} <= set(SCHEMAS)
