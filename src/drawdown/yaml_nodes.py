"""YAML nodes with their lines: scalars nearly as YAML 1.2 has them, nothing that expands, a bounded depth."""

import re
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
_INT = r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
_BREAKS = re.compile("[\x85\u2028\u2029]")


class NotYaml(Exception):
    """The text is not YAML that is read here. line: from 1."""

    def __init__(self, line: int, problem: str) -> None:
        """Say what is wrong on a line."""
        super().__init__(problem)
        self.line = line
        self.problem = problem


class _Loader(yaml.SafeLoader):
    """PyYAML's reader without aliases; tabs between the brackets of JSON are blanks, as JSON has them."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  the library's own way

    def __init__(self, text: str, depth_max: int) -> None:
        super().__init__(text)
        self._depth_left = depth_max

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Read a node; refuse an alias, and one that lies too deep."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refused("an alias (*name) is not read; write the value out", event)
        if self._depth_left < 0:
            raise _refused("this is nested too deep", event)
        self._depth_left -= 1
        node = super().compose_node(parent, index)
        self._depth_left += 1
        return node

    def scan_to_next_token(self) -> None:
        """Pass blanks and comments."""
        super().scan_to_next_token()
        while self.flow_level and self.peek() == "\t":
            self.forward()
            super().scan_to_next_token()


def _refused(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, problem, event.start_mark)


for _tag, _form, _first in (  # the first that fits; all else is text: dates, yes, no, 1:30
    ("bool", "true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", _INT, [*"-+0123456789"]),
    ("float", _FLOAT, [*"-+.0123456789"]),
    ("null", "~|null|Null|NULL|", [*"~nN", ""]),
):
    _Loader.add_implicit_resolver(TAG + _tag, re.compile(rf"(?:{_form})\Z"), _first)


def compose(text: str, depth_max: int) -> yaml.Node | None:
    """Read one document, None if there is nothing in it. Raise NotYaml. depth_max: levels below the outermost."""
    ending = _BREAKS.search(text)
    if ending is not None:  # YAML 1.1 has them as ends of lines, and would read a blank
        line = text.count("\n", 0, ending.start()) + 1
        raise NotYaml(line, f"write this character as {ending[0]!a}, in double quotes")
    loader = None
    try:
        loader = _Loader(text, depth_max)
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYaml(mark.line + 1 if mark else 1, str(error.problem or error.context)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NotYaml(line, f"the character U+{error.character:04X} may not stand in a file") from error
    except (ValueError, OverflowError) as error:  # an escape or a version whose number is out of bounds
        raise NotYaml(loader.line + 1 if loader else 1, str(error)) from error
