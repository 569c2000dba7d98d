"""Every scenario file, run through both ledgers in one process; and each is what its schema says."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from drawdown.marked import Marked
from drawdown.scenario.run import load, run

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "tests" / "scenarios").glob("*.yaml"))
READMES = sorted((ROOT / "src" / "drawdown" / "domain").rglob("README.md"))
SCHEMA = Draft202012Validator(json.loads((ROOT / "schemas" / "scenario.v1.json").read_text()))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_scenario_comes_out_as_it_says(file: Path) -> None:
    report = run(load(str(file)))
    assert [(step.line, step.differences) for step in report.differing] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_scenario_is_what_the_schema_says(file: Path) -> None:
    SCHEMA.validate(Marked(file.name, file.read_text()).value)


def test_every_scenario_is_named_by_the_rule_that_it_proves() -> None:
    told = "".join(page.read_text() for page in READMES)
    assert [file.stem for file in FILES if f"`{file.stem}`" not in told] == []
