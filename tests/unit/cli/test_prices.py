"""`drawdown prices` without a Kafka: what check prints, its exit codes, and a book as a table."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drawdown.cli import output
from drawdown.cli.app import app
from drawdown.errors import BadInput
from drawdown.wire.book_file import read_book

BOOK = """\
name: plan-usd
version: 3
kind: plan
currency: USD
effective_from: 2026-01-01T00:00:00Z
prices:
  - {service: inference, meter: images, model: package, unit_price: "4.00", per: 500}
  - service: inference
    meter: output_tokens
    dimensions: {model: Qwen3-32B}
    model: graduated
    per: 1000000
    tiers: [{up_to: 10000000, unit_price: "0.60"}, {unit_price: "0.45"}]
  - {service: fine-tuning, meter: gpu_seconds, unit_price: "5.5", per: 3600}
"""
runner = CliRunner()


@pytest.fixture
def book(tmp_path: Path) -> Path:
    file = tmp_path / "book.yaml"
    file.write_text(BOOK)
    return file


def test_check_tells_what_is_in_a_book(book: Path) -> None:
    done = runner.invoke(app, ["prices", "check", str(book)])
    assert (done.exit_code, done.stdout) == (
        0,
        f"{book}: plan-usd:3, plan, USD, holds from 2026-01-01 00:00:00 UTC, 3 prices: inference 2, fine-tuning 1\n",
    )
    told = json.loads(runner.invoke(app, ["prices", "check", "-", "--json"], input=BOOK).stdout)
    assert told == [
        {
            "file": "-",
            "name": "plan-usd",
            "version": 3,
            "kind": "plan",
            "currency": "USD",
            "effective_from": "2026-01-01T00:00:00.000Z",
            "prices": 3,
            "by_service": {"inference": 2, "fine-tuning": 1},
        }
    ]


def test_check_tells_what_is_wrong_in_all_files(book: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(BOOK.replace('"4.00"', "4.00").replace("plan-usd", ""))
    done = runner.invoke(app, ["prices", "check", str(book), str(bad)])
    assert isinstance(done.exception, BadInput)
    assert done.exception.exit_code == 2
    assert str(done.exception).splitlines() == [
        "1 of 2 files are no price books:",
        f"{bad}:1: name: this field is empty; write its value",
        f'{bad}:7: prices[0].unit_price: an amount is a quoted string: write "4.00", not 4.00',
    ]
    assert "cannot be read" in str(runner.invoke(app, ["prices", "check", str(tmp_path / "none")]).exception)


def test_a_book_as_a_table_with_a_row_a_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_desk(_: Any) -> Any:
        return read_book("book.yaml", BOOK.encode()).book

    monkeypatch.setattr(output, "at_desk", at_desk)
    shown = runner.invoke(app, ["prices", "show", "plan-usd"]).stdout.splitlines()
    assert shown[0] == "plan-usd:3, plan, holds from 2026-01-01 00:00:00 UTC; prices in USD"
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in shown if line.startswith("│")]
    assert rows == [
        ["inference", "images", "any", "package", "", "4", "500"],
        ["inference", "output_tokens", "model Qwen3-32B", "graduated", "10000000", "0.6", "1000000"],
        ["inference", "output_tokens", "model Qwen3-32B", "graduated", "no end", "0.45", "1000000"],
        ["fine-tuning", "gpu_seconds", "any", "per_unit", "", "5.5", "3600"],
    ]
    as_yaml = runner.invoke(app, ["prices", "show", "plan-usd", "--yaml"]).stdout
    assert read_book("again", as_yaml.encode()).book.same_as(read_book("book.yaml", BOOK.encode()).book)
    assert json.loads(runner.invoke(app, ["prices", "show", "plan-usd", "--json"]).stdout)["prices"][2]["per"] == 3600
