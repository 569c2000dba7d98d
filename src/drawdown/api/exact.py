"""What the ledgers check of a field and its type does not say, said in the OpenAPI document's schemas too."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter

from drawdown.domain.catalogue import SERVICES
from drawdown.domain.limits import DIMENSIONS_MAX, NAME_LENGTH_MAX
from drawdown.domain.money import CURRENCIES
from drawdown.wire.basics import CurrencyCode, Instant, Name

_ASIDE: Final = frozenset({"title", "description", "default", "examples"})
_BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+$"  # no control characters
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": NAME_LENGTH_MAX, "pattern": _PRINTABLE}


class _Rule(NamedTuple):
    """What is known of schemas of a type, of any name or of one, with the type's examples where it has some."""

    kind: Any
    more: dict[str, Any]
    name: str | None = None


def _one_of(names: Iterable[str]) -> str:
    """Give a pattern: an enum would become a type of its own for every field in clients that are generated."""
    return f"^({'|'.join(sorted(names))})$"


_RULES: Final = (
    _Rule(Name, {"pattern": _one_of(SERVICES)}, "service"),
    _Rule(Instant, {"format": "date-time", "pattern": "^2[01][0-9]{2}-"}),  # the years 2000 to 2199
    _Rule(CurrencyCode, {"pattern": _one_of(CURRENCIES)}),
    _Rule(Name, {"pattern": _PRINTABLE}),
    _Rule(
        dict[str, str],
        {"maxProperties": DIMENSIONS_MAX, "propertyNames": _TEXT, "additionalProperties": _TEXT},
        "dimensions",
    ),
)


def _core(schema: dict[str, Any]) -> dict[str, Any]:
    return {word: value for word, value in schema.items() if word not in _ASIDE}


_TOLD: Final = [TypeAdapter(rule.kind).json_schema() for rule in _RULES]
_KNOWN: Final = [(rule, _core(told), told.get("examples")) for rule, told in zip(_RULES, _TOLD, strict=True)]


def make_exact(schema: Any, name: str | None = None) -> None:
    """Add to every schema within a document, or within a part of it, what is known of its type.

    name: of the field or parameter that the schema is of.
    """
    if isinstance(schema, list):
        for one in schema:
            make_exact(one, name)
    if not isinstance(schema, dict):
        return
    for word, one in schema.items():
        make_exact(one, schema.get("name") if word == "schema" else name if word == "anyOf" else word)
    for bound in _BOUNDS & schema.keys():
        if schema.get("type") == "integer":
            schema[bound] = int(schema[bound])  # FastAPI writes them as 1000000.0
    core = _core(schema)
    for rule, known, examples in _KNOWN:
        if core == known and rule.name in {None, name} and (examples is None or examples == schema.get("examples")):
            schema.update(rule.more)
            return
