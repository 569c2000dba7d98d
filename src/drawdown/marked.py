"""YAML that people write, with the line of every value; all that is wrong with it is told with file, line and field."""

from typing import Any

import yaml
from pydantic import ValidationError

from drawdown.domain.limits import FILE_ERRORS_MAX, SCENARIO_BYTES_MAX, SCENARIO_DEPTH_MAX
from drawdown.errors import BadInput
from drawdown.yaml_nodes import TAG, NotYaml, compose

Path = tuple[str | int, ...]
MONEY = frozenset({"amount", "debt", "forfeited", "remaining", "spent", "total", "unit_price"})
_INT_DIGITS_MAX = 20
_SHOWN_MAX = 40

_SAID = {
    "missing": "this field is missing",
    "model_type": "fields are expected here, each as name: value",
    "dict_type": "fields are expected here, each as name: value",
    "list_type": "a list is expected here, each entry after a dash",
}


class Marked:
    """A document as plain values, and where each stands. A value that cannot be read is None, and refused."""

    def __init__(
        self, name: str, text: str, *, bytes_max: int = SCENARIO_BYTES_MAX, depth_max: int = SCENARIO_DEPTH_MAX
    ) -> None:
        """Read a document; raise BadInput if it is no YAML or too large. name: of the file, for messages."""
        self.name = name
        self._lines: dict[Path, int] = {}
        self._wrong: dict[Path, str] = {}
        if len(text.encode()) > bytes_max:
            raise BadInput(f"{name}: more than {bytes_max} bytes, which is too much for one file; cut it into several")
        try:
            node = compose(text, depth_max)
        except NotYaml as error:
            raise BadInput(f"{name}:{error.line}: this is not YAML: {error.problem}") from error
        self.value: Any = {} if node is None else self._read(node, ())

    def line(self, path: Path) -> int:
        """Give the line of a value, or of the nearest one around it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def wrong(self, path: Path, what: str) -> BadInput:
        """Give an error that names file, line and field."""
        return BadInput(f"{self.name}:{self.line(path)}: {field(path)}{': ' if path else ''}{what}")

    def refuse(self, path: Path, what: str) -> None:
        """Remember what is wrong with a value, unless it or one around it is refused already."""
        if not any(path[:length] in self._wrong for length in range(len(path) + 1)):
            self._wrong[path] = what

    @property
    def refused(self) -> list[Path]:
        """List what is refused."""
        return list(self._wrong)

    def check(self) -> None:
        """Raise BadInput with all that is refused, by line."""
        told = sorted(self._wrong.items(), key=lambda entry: self.line(entry[0]))
        lines = [str(self.wrong(*entry)) for entry in told[:FILE_ERRORS_MAX]]
        if len(told) > FILE_ERRORS_MAX:
            lines.append(f"{self.name}: and {len(told) - FILE_ERRORS_MAX} more")
        if lines:
            raise BadInput("\n".join(lines))

    def _read(self, node: yaml.Node, path: Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{TAG}map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{TAG}seq":
            return [self._read(entry, (*path, index)) for index, entry in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self.refuse(path, f"the tag {shown(node.tag)} is not read; leave it out")
        return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, entry in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.refuse(path, "a field's name is plain text")
                continue
            name = self._text(key, path)
            at = (*path, name)
            self._lines[at] = key.start_mark.line + 1
            if name in found:
                self.refuse(at, "this field stands here twice; keep one")
            else:
                found[name] = self._read(entry, at)
        return found

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> str | int | bool | None:
        text, kind = str(node.value), node.tag.removeprefix(TAG)
        if kind == "str":
            return self._text(node, path)
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if kind in {"int", "float"} and path and path[-1] in MONEY:
            self.refuse(path, f'an amount is a quoted string: write "{shown(text)}", not {shown(text)}')
        elif kind == "float":
            told = f"{shown(text)} is a number with a fraction, which is not read"
            self.refuse(path, f'{told}: write "{shown(text)}" in quotes if it is an amount or a name')
        elif kind == "int" and len(text) <= _INT_DIGITS_MAX and text.lstrip("+-").isdecimal():
            return int(text)
        else:
            self.refuse(path, f"{shown(text)!r} is neither text nor a whole number; put text in quotes")
        return None

    def _text(self, node: yaml.ScalarNode, path: Path) -> str:
        """Give text; the two halves of a character that JSON escapes one by one are put together."""
        text = str(node.value)
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.refuse(path, f"{shown(text)!a} holds half a character; write it whole")
            return ""


def utf8(name: str, value: bytes) -> str:
    """Give a file's text; raise BadInput."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        line = value.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{name}:{line}: this is not UTF-8: write it anew in that encoding") from error


def field(path: Path) -> str:
    """Write a path as prices[3].unit_price, entries counted from 0."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def shown(value: object) -> str:
    """Give what stands there, cut off where it is long."""
    text = str(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def refuse_invalid(document: Marked, error: ValidationError, page: str, at: Path = ()) -> None:
    """Refuse all that a form did not take. page: that lists the fields; at: where in the document it stands.

    A form's own error about a list may tell `entries` in its context: where below it, and what is wrong there.
    """
    for entry in error.errors(include_url=False):
        for below, said in entry.get("ctx", {}).get("entries") or [((), _say(entry, page))]:
            document.refuse((*at, *entry["loc"], *below), said)


def _say(entry: Any, page: str) -> str:
    kind, given, said = entry["type"], entry["input"], str(entry["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"there is no such field here; {page} lists them"
    if kind in _SAID:
        return _SAID[kind]
    if given is None:
        return "this field is empty; write its value"
    if kind == "string_type" and isinstance(given, int):
        return f'write "{str(given).lower()}" in quotes: it is text'
    if kind == "int_type" and isinstance(given, str) and given.isdecimal():
        return f"write {shown(given)} without quotes: it is a number"
    if kind == "string_pattern_mismatch" and entry["loc"][-1] in MONEY:
        return f'"{shown(given)}" is no amount: write digits with at most one point, such as "0.165"'
    if kind == "string_pattern_mismatch" and entry["loc"][-1] == "currency":
        return f"{shown(given)!r} is no currency: write three capitals, such as USD"
    if isinstance(given, str | int) and said.startswith(("Input should", "String should")):
        return f"{shown(given)!r} cannot stand here: it{said.removeprefix('Input').removeprefix('String')}"
    return said
