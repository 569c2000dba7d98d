"""The money lint finds every way a float comes in, and nothing else."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "tools" / "money_lint.py"


@pytest.mark.parametrize(
    "source", ["x = 0.5", "x = 1 / 2", "x /= 2", "float('1')", "round(x)", "import math\nmath.floor(x)"]
)
def test_a_float_is_found(source: str) -> None:
    assert findings(source)


@pytest.mark.parametrize("source", ["x = 5", "x = 7 // 2", "x = '0.5'", "divmod(7, 2)", "x = Path('a') and 1"])
def test_exact_arithmetic_passes(source: str) -> None:
    assert not findings(source)


def findings(source: str) -> list[str]:
    spec = importlib.util.spec_from_file_location("money_lint", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[str] = module.findings(source, "x.py")
    return found
