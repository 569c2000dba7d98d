"""Compiled modules are used for the very sources that they were made from, and for no others."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from drawdown import compiled

SOURCES = Path(compiled.__file__).parent.parent


def whether_compiled(tree: Path, **environment: str) -> str:
    """Import a tree's package in a process of its own; say whether it is compiled, and where a module is from."""
    told = "import drawdown, drawdown.domain.money as m; print(drawdown.COMPILED, m.__file__)"
    run = subprocess.run(
        [sys.executable, "-c", told],
        check=False,
        env={"PYTHONPATH": str(tree), **environment},
        capture_output=True,
        text=True,
    )
    return run.stdout + run.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package, compiled as this one is."""
    if not compiled.folder().exists():
        pytest.skip("nothing is compiled: `make compiled`")
    copy = tmp_path / "copy"
    for source in (SOURCES / "drawdown").rglob("*"):
        if source.suffix in {".py", ".so"}:
            place = copy / source.relative_to(SOURCES)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(source.read_bytes())
    return copy


def test_what_was_compiled_from_these_sources_is_used_unless_switched_off(tree: Path) -> None:
    assert whether_compiled(tree).startswith("True ")
    assert ".so" in whether_compiled(tree)
    off = whether_compiled(tree, DRAWDOWN_COMPILED="0")
    assert off.startswith("False ")
    assert off.strip().endswith("money.py")


@pytest.mark.parametrize("changed", ["domain/money.py", "domain/model.py", "engine/cycle.py", "topics.py"])
def test_after_a_change_of_a_source_nothing_is_compiled(tree: Path, changed: str) -> None:
    source = tree / "drawdown" / changed
    source.write_text(source.read_text() + "# changed\n")
    assert whether_compiled(tree).startswith("False ")


def test_a_set_that_lacks_a_module_is_not_used(tree: Path) -> None:
    next(tree.glob("drawdown/_compiled/*/drawdown.domain.money.*")).unlink()
    assert whether_compiled(tree).startswith("False ")


def test_every_module_named_is_there_and_defines_no_struct_that_msgspec_reads() -> None:
    followed = {
        f"drawdown.{name}" for name in (*compiled.PACKAGES, *(one.stem for one in compiled.PACKAGE.glob("*.py")))
    }
    for name in compiled.MODULES:
        text = (SOURCES / f"{name.replace('.', '/')}.py").read_text()
        assert set(re.findall(r"^from (drawdown\.\w+)", text, re.MULTILINE)) <= followed, f"{name}: add it to PACKAGES"
        allowed = 1 if name.endswith(("money", "catalogue")) else 2 if name.endswith("prices") else 0
        assert text.count("(msgspec.Struct") == allowed, f"{name} defines structs: msgspec must read their types"
