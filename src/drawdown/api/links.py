"""Links of the OpenAPI document: from an answer to the operations that it leads to.

What an answer makes known are the parameters of its request's path, and the fields of its body that are named like a
path's parameter. From them follow, for operations that are added later too:

- a command to what came of it, by its Idempotency-Key;
- a command that makes something to all that is asked of that thing;
- any other command to the reads about what it changed, which have its tag.

What follows from the content of an answer is told in `_FOUND`, what is usually asked next in `_NEXT`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from drawdown.api.responses import body_schema


class _Lead(NamedTuple):
    """An operation that an answer leads to, and what is known for it: parameters, and fields of its body."""

    to: str
    parameters: Mapping[str, str]
    body: Mapping[str, str] = {}


_ACCOUNT: Final = {"account": "$request.path.account"}
_LISTED: Final = _ACCOUNT | {"plan": "$response.body#/plans/0/plan"}
_BOOK: Final = {"book": "$response.body#/price_books/0/name", "version": "$response.body#/price_books/0/version"}
_SEEN: Final = _ACCOUNT | {"plan": "$request.path.plan", "header.If-Match": "$response.header.ETag"}
_DRAFTED: Final = _ACCOUNT | {"plan": "$request.body#/plan"}
_LETTER: Final = {"place": "$response.body#/dead_letters/0/letter"}
_DUE: Final = {"number": "$response.body#/payment_requests/0/number"}
_ENTRY: Final = _ACCOUNT | {"entry": "$response.body#/entries/0/entry"}
_CHARGE: Final = _ACCOUNT | {"place": "$response.body#/charges/0/place"}
_FOUND: Final[Mapping[str, Sequence[_Lead]]] = {
    "draft_plan": (_Lead("offer_plan", _DRAFTED, {"revision": "$request.body#/revision"}),),
    "list_charges": (_Lead("show_charge", _CHARGE),),
    "list_dead_letters": (_Lead("show_dead_letter", _LETTER), _Lead("replay_dead_letter", _LETTER)),
    "list_history": (_Lead("list_charges", _ENTRY),),
    "list_payment_requests": (_Lead("record_payment", _ACCOUNT, _DUE),),
    "list_plans": (_Lead("show_plan", _LISTED), _Lead("pause_plan", _LISTED), _Lead("renew_plan", _LISTED)),
    "list_price_books": (_Lead("show_price_book", _BOOK),),
    "show_plan": (_Lead("confirm_plan", _SEEN),),
}
_NEXT: Final[Mapping[str, Sequence[str]]] = {
    "activate_plan": ("pause_plan", "cancel_plan"),
    "confirm_plan": ("list_payment_requests", "record_payment"),
    "offer_plan": ("confirm_plan",),
    "pause_plan": ("resume_plan", "cancel_plan"),
    "show_account": ("list_plans", "show_wallet", "list_payment_requests"),
}
_DONE: Final = ("200", "201", "202")


class _Operation(NamedTuple):
    """What links need to know of an operation. known: path parameter → where a request says it."""

    name: str
    tags: frozenset[str]
    method: str
    takes: frozenset[str]
    known: Mapping[str, str]
    command: bool
    answers: Mapping[str, Any]


def link(document: Mapping[str, Any]) -> None:
    """Write the links of a document into its answers."""
    all_of = list(_operations(document))
    by_name = {one.name: one for one in all_of}
    for one in all_of:
        links = dict(_links(one, all_of, by_name))
        for status in _DONE if links else ():
            if status in one.answers:
                one.answers[status]["links"] = links


def _operations(document: Mapping[str, Any]) -> Iterator[_Operation]:
    told = [(method, one) for path in document["paths"].values() for method, one in path.items()]
    names = {one["name"] for _, operation in told for one in _parameters(operation, "path")}
    for method, operation in told:
        takes = {one["name"] for one in _parameters(operation, "path")}
        required = body_schema(operation, document["components"]["schemas"]).get("required", ())
        known = {name: f"$request.body#/{name}" for name in required if name in names}
        known |= {name: f"$request.path.{name}" for name in takes}
        keyed = any(one["name"] == "Idempotency-Key" for one in _parameters(operation, "header"))
        tags, answers = frozenset(operation["tags"]), operation["responses"]
        yield _Operation(operation["operationId"], tags, method, frozenset(takes), known, keyed, answers)


def _parameters(operation: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
    return [one for one in operation.get("parameters", ()) if one["in"] == place]


def _links(
    one: _Operation, all_of: list[_Operation], by_name: Mapping[str, _Operation]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for other in all_of:
        if other.name in _NEXT.get(one.name, ()) or _leads(one, other):
            yield _link(_Lead(other.name, {name: one.known[name] for name in sorted(other.takes)}))
    if one.command and "account" in one.known:
        ident = {"account": one.known["account"], "ident": "$request.header.Idempotency-Key"}
        yield _link(_Lead("show_command", ident))
    for lead in _FOUND.get(one.name, ()):
        if lead.to in by_name:
            yield _link(lead)


def _link(lead: _Lead) -> tuple[str, dict[str, Any]]:
    told = {"operationId": lead.to, "parameters": dict(lead.parameters)}
    return lead.to, told | ({"requestBody": dict(lead.body)} if lead.body else {})


def _leads(one: _Operation, other: _Operation) -> bool:
    if not one.command or other is one or not other.takes <= one.known.keys():
        return False
    return one.takes < other.takes or (other.method == "get" and bool(other.tags & one.tags) and bool(other.takes))
