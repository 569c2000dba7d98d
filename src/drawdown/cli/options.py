"""Options that several commands share, and how their values are read."""

import re
from enum import StrEnum
from typing import Annotated

import typer

from drawdown.domain.errors import REASONS, Reject
from drawdown.wire.instants import parse_instant

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AGO = re.compile(r"(\d{1,6})([smhd])", re.ASCII)

AsJson = Annotated[bool, typer.Option("--json", help="print JSON for programs")]
Timeout = Annotated[float, typer.Option(min=0.1, max=3_600, help="how many seconds to wait for the outcome")]
Since = Annotated[str, typer.Option(metavar="WHEN", help="from then on: 2h, 3d or 2026-11-23T10:15:00Z")]
Until = Annotated[str, typer.Option(metavar="WHEN", help="before then, written like --since")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="at most so many, the newest")]
AccountFilter = Annotated[str, typer.Option("--account", metavar="ACCOUNT", help="of this account")]


class Service(StrEnum):
    """The services of the catalogue."""

    GPU_CONTAINER = "gpu-container"
    FINE_TUNING = "fine-tuning"
    INFERENCE = "inference"


class LedgerName(StrEnum):
    """The ledgers."""

    PLANS = "plans"
    WALLET = "wallet"
    CODES = "codes"


ServiceFilter = Annotated[Service | None, typer.Option("--service", help="of this service")]


def reason(value: str) -> str:
    """Check a reason's code."""
    if value and value not in REASONS:
        raise typer.BadParameter(f"{value!r} is no reason; reasons are {', '.join(sorted(REASONS))}")
    return value


def reasons(incomplete: str) -> list[str]:
    """Complete a reason's code."""
    return [code for code in sorted(REASONS) if code.startswith(incomplete)]


ReasonFilter = Annotated[
    str,
    typer.Option("--reason", metavar="CODE", callback=reason, autocompletion=reasons, help="refused for this reason"),
]


def instant_of(text: str, now: int, option: str) -> int | None:
    """Read an instant or how long ago it was, ms; None for nothing."""
    if not text:
        return None
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        return parse_instant(text, option)
    except Reject as reject:
        raise typer.BadParameter(f"{reject.detail}; or how long ago: 30m, 2h, 3d", param_hint=option) from reject
