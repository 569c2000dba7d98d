"""Fail on a float near money: literals, float(), true division, round() and float maths in the exact layers."""

import ast
import sys
from pathlib import Path

EXACT_LAYERS = ("domain", "wire", "engine", "history")
CLOCKS = frozenset({"projector.py"})  # divide seconds, and never see an amount
FORBIDDEN_CALLS = frozenset({"float", "round"})


def findings(source: str, name: str) -> list[str]:
    """List what must not stand in `source`, one line each: file, line, what."""
    found = []
    for node in ast.walk(ast.parse(source)):
        what = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            what = f"the float literal {node.value!r}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            what = "a true division"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            what = f"a call of {node.func.id}()"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "math":
            what = f"math.{node.attr}"
        if what:
            found.append(f"{name}:{getattr(node, 'lineno', 0)}: {what}")
    return found


def main(root: Path) -> int:
    """Print the findings under `root`; give how many there are, at most 1."""
    found = []
    for layer in EXACT_LAYERS:
        for path in sorted(path for path in (root / layer).rglob("*.py") if path.name not in CLOCKS):
            found += findings(path.read_text(), str(path))
    for line in found:
        print(f"{line}: amounts and quantities are integers here")
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main(Path("src/drawdown")))
