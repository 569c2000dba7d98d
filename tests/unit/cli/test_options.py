"""What commands read, print and complete, and that docs/cli.md names every one of them."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from drawdown.cli.app import app
from drawdown.cli.command import read
from drawdown.cli.letters import readable
from drawdown.cli.options import Service, instant_of, reason, reasons
from drawdown.cli.output import short
from drawdown.domain.catalogue import SERVICES
from drawdown.domain.errors import REASONS
from drawdown.errors import BadInput, NotSeen, RefusedByService, UserError
from drawdown.operate.commands import read_command
from drawdown.operate.desk import LEDGERS
from drawdown.settings import load_settings

NOW = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def names(command: Any, before: str = "") -> list[str]:
    """List all commands, groups left out."""
    found = []
    for name, inner in command.commands.items():
        whole = f"{before}{name}"
        found += names(inner, f"{whole} ") if hasattr(inner, "commands") else [whole]
    return found


@pytest.mark.parametrize("name", names(get_command(app)))
def test_the_page_names_every_command(name: str) -> None:
    page = Path("docs/cli.md").read_text()
    group, _, own = name.partition(" ")
    assert f"`{name}" in page or f"drawdown {name}" in page or (f"## {group}" in page and f"`{own}" in page)


def test_the_page_lists_the_exit_codes() -> None:
    codes = {error.exit_code for error in (UserError, BadInput, RefusedByService, NotSeen)}
    page = Path("docs/cli.md").read_text()
    assert codes == {1, 2, 3, 4}
    assert all(f"\n| {code} | " in page for code in codes | {0})


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("", None),
        ("90s", NOW - 90_000),
        ("30m", NOW - 1_800_000),
        ("2h", NOW - 7_200_000),
        ("3d", NOW - 3 * 86_400_000),
        ("2026-01-01T00:00:00Z", NOW),
    ],
)
def test_since(text: str, instant: int | None) -> None:
    assert instant_of(text, NOW, "--since") == instant


@pytest.mark.parametrize("text", ["yesterday", "2", "-2h", "2w", "2026-01-01"])
def test_a_time_that_is_none(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="how long ago"):
        instant_of(text, NOW, "--since")


def test_services_and_reasons_are_those_of_the_domain() -> None:
    assert {service.value for service in Service} == set(SERVICES)
    assert set(reasons("")) == REASONS
    assert reasons("too_l") == ["too_large", "too_late"]
    assert reason("too_late") == "too_late"
    with pytest.raises(typer.BadParameter, match="reasons are"):
        reason("late")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("1.500000000", "1.50"), ("0.000000000", "0.00"), ("-12.345600000", "-12.3456"), ("7", "7"), ("-", "-")],
)
def test_amounts_lose_their_last_zeros_only(amount: str, shown: str) -> None:
    assert short(amount) == shown


def test_bytes_are_shown_so_that_a_terminal_stays_as_it_is() -> None:
    assert readable(b'{"a":1}') == '{\n  "a": 1\n}'
    assert readable(b"\x1b[31m\xff\x00\nend") == "\\x1b[31m\\xff\\x00\nend"
    assert readable(b"x" * 5_000).endswith("--raw prints all)")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "command None is not one of"),
        (b'{"command": "timer"}', "command 'timer' is not one of"),
        (b'{"command": "open_account"}', "missing"),
        (b'{"command": "top_up", "version": 1, "id": "1", "account": "a"}', "reference"),
        (b'{"command": "open_account", "version": 1, "id": "1", "account": "", "currency": "USD"}', "account"),
        (b" " * 200_000, "bytes"),
    ],
)
def test_a_command_is_checked_before_it_is_sent(value: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_command(value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="nowhere cannot be read: No such file"):
        read("nowhere")


@pytest.mark.parametrize("page", ["docs/cli.md", "docs/first-hour.md"])
def test_the_pages_tell_how_many_topics_and_partitions_there_are(page: str) -> None:
    text, settings = Path(page).read_text(), load_settings()
    inputs = sum(len(topics) for topics in LEDGERS.values())
    assert set(re.findall(r"all (\d+) topics are", text)) == {str(len(settings.topics))}
    assert set(re.findall(r"on (\d+) partitions", text)) == {str(inputs * settings.shards)}


@pytest.mark.parametrize("arguments", [[], ["--limit", "5", "--none"]])
def test_a_debt_limit_is_an_amount_or_none(arguments: list[str]) -> None:
    given = ["wallet", "debt-limit", "acme", "--currency", "USD", "--reason", "r", "--operator", "an", *arguments]
    refused = CliRunner().invoke(app, given)
    assert isinstance(refused.exception, BadInput)
    assert "give one of the two" in str(refused.exception)
