"""`drawdown command`: any command as JSON; and the way there for the small ones."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from drawdown.cli.output import at_desk
from drawdown.cli.sending import show_outcomes
from drawdown.errors import BadInput
from drawdown.operate.commands import read_command, send_command


def from_file(file: str, *, as_json: bool, timeout: float) -> None:
    """Send the command in a file, or on standard input for "-"."""
    issue_bytes(read(file), as_json=as_json, timeout=timeout)


def read(file: str) -> bytes:
    """Read a file, or standard input for "-". Raise BadInput."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from error


def issue(command: dict[str, Any], *, as_json: bool, timeout: float) -> None:
    """Check and send a command, wait for what comes of it, and print that."""
    issue_bytes(msgspec.json.encode(command), as_json=as_json, timeout=timeout)


def issue_bytes(value: bytes, *, as_json: bool, timeout: float) -> None:
    """Do the same with a command as JSON."""
    command = read_command(value)
    outcomes = at_desk(lambda desk: send_command(desk, command, timeout))
    show_outcomes(outcomes, as_json=as_json, timeout=timeout)
