"""How commands print: tables for people, JSON for programs; and how they run."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from rich.console import Console
from rich.table import Table

from drawdown.operate.desk import Desk
from drawdown.settings import load_settings

R = TypeVar("R")
_WIDTH = 120
_NANO_DIGITS = 2


def at_desk(work: Callable[[Desk], Awaitable[R]]) -> R:
    """Run an operator's work on the system that the settings name."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    settings = load_settings()

    async def run() -> R:
        async with Desk(settings) as desk:
            return await work(desk)

    return asyncio.run(run())


def console(*, stderr: bool = False) -> Console:
    """Give a console; one that is no terminal has room for the tables."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _WIDTH, highlight=False)


def say(text: str, *, style: str | None = None) -> None:
    """Print a line."""
    console().print(text, soft_wrap=True, markup=False, style=style)


def show_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def show_line(value: Any) -> None:
    """Print JSON on a line of its own, at once."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """Print a table; columns that begin with > are numbers."""
    table = Table(title=title or None, title_justify="left")
    for name in columns:
        table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_plain(cell) for cell in row))
    console().print(table)


def _plain(cell: object) -> str:
    return str(cell).replace("[", r"\[")


def short(amount: str) -> str:
    """Cut the zeros off a decimal string, down to two digits."""
    whole, _, fraction = amount.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(_NANO_DIGITS, '0')}" if fraction else whole


def when(text: str) -> str:
    """Write a message's instant for people, to the second."""
    return text[:19].replace("T", " ")
