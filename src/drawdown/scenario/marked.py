"""YAML with the line of every value; what a scenario must not hold is refused with its file and line."""

from typing import Any

import yaml

from drawdown.domain.limits import SCENARIO_BYTES_MAX, SCENARIO_DEPTH_MAX
from drawdown.errors import BadInput

Path = tuple[str | int, ...]
MONEY = frozenset({"amount", "debt", "forfeited", "remaining", "spent", "total", "unit_price"})
_TAG = "tag:yaml.org,2002:"
_AS_WRITTEN = frozenset({f"{_TAG}str", f"{_TAG}timestamp"})  # an instant without quotes stays the text that it is


class Marked:
    """A document as plain values, and where each stands."""

    def __init__(self, name: str, text: str) -> None:
        """Read a document; raise BadInput. name: of the file, for messages."""
        self.name = name
        self._lines: dict[Path, int] = {}
        if len(text.encode()) > SCENARIO_BYTES_MAX:
            raise BadInput(f"{name}: more than {SCENARIO_BYTES_MAX} bytes; cut it into several scenarios")
        try:
            if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
                raise BadInput(f"{name}: an alias (*name) is not read; write the value out")
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise BadInput(f"{name}{_place_of(error)}: this is not YAML: {_problem_of(error)}") from error
        self.value = {} if node is None else self._read(node, ())

    def line(self, path: Path) -> int:
        """Give the line of a value, or of the nearest one around it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def wrong(self, path: Path, what: str) -> BadInput:
        """Give an error that names file, line and field."""
        where = ".".join(str(step) for step in path)
        return BadInput(f"{self.name}:{self.line(path)}: {where}{': ' if where else ''}{what}")

    def _read(self, node: yaml.Node, path: Path) -> Any:
        self._lines[path] = node.start_mark.line + 1
        if len(path) > SCENARIO_DEPTH_MAX:
            raise self.wrong(path, f"nested deeper than {SCENARIO_DEPTH_MAX} levels")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._read(entry, (*path, index)) for index, entry in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, entry in node.value:
            at = (*path, str(key.value))
            if not isinstance(key, yaml.ScalarNode):
                raise self.wrong(path, "a field's name is plain text")
            self._lines[at] = key.start_mark.line + 1
            if key.value in found:
                raise self.wrong(at, "this field stands here twice; keep one")
            found[key.value] = self._read(entry, at)
            if key.value in MONEY and isinstance(found[key.value], int):
                raise self.wrong(at, f'an amount is a quoted string: write "{entry.value}", not {entry.value}')
        return found

    def _scalar(self, node: yaml.Node, path: Path) -> str | int | bool | None:
        text = str(node.value)
        if node.tag in _AS_WRITTEN:
            return text
        if node.tag == f"{_TAG}float":
            raise self.wrong(path, f'{text} is a number with a fraction; amounts are quoted strings: write "{text}"')
        if node.tag == f"{_TAG}null":
            return None
        if node.tag == f"{_TAG}bool":
            return text.lower() in {"true", "yes", "on"}
        if node.tag == f"{_TAG}int" and text.removeprefix("-").isascii() and text.removeprefix("-").isdigit():
            return int(text)
        raise self.wrong(path, f"{text!r} is neither text nor a whole number; put text in quotes")


def _place_of(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f":{mark.line + 1}"


def _problem_of(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error)
