"""`drawdown replay`."""

import asyncio
import logging
import sys

from drawdown.adapters.clock import SystemClock
from drawdown.cli.demo import console_of
from drawdown.cli.output import show_json
from drawdown.demo.replay import Replay, locally, onto
from drawdown.demo.report import show
from drawdown.demo.run import stack_of
from drawdown.errors import UserError
from drawdown.settings import load_settings
from drawdown.traces.columns import PRESETS, Columns


def replay(what: Replay, *, local: bool, as_json: bool) -> None:
    """Replay a trace; with `local`, exit code 1 unless every usable row is rated as the oracle rates it."""
    console = console_of(stderr=as_json)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    if not local:
        count = asyncio.run(onto(load_settings(), what, console))
        if as_json:
            show_json({"published": count})
        else:
            console.print(f"published {count} events")
        return
    with stack_of(console) as stack:
        summary, found = asyncio.run(locally(stack, what, console))
    if as_json:
        show_json(summary)
    else:
        show(summary, found, console, SystemClock().now_ms())
    if summary.rated != summary.events:
        console.print(f"[red]wrong[/red] {summary.events} events, but {summary.rated} rated")
    if summary.rated != summary.events or not summary.conserved:
        sys.exit(1)


def columns_of(
    preset: str, time: str, start: str, end: str, count: list[str], name: str, gpus: str, gpu_model: str
) -> Columns | None:
    """Put the options together; None where the file's header decides. Raise UserError."""
    given = (time, start, end, *count, name, gpus, gpu_model)
    if preset:
        if preset not in PRESETS or any(given):
            raise UserError(f"--preset is one of {', '.join(PRESETS)}, and goes without other columns")
        return PRESETS[preset]
    if not any(given):
        return None
    pairs = [entry.partition("=") for entry in count]
    wrong = [field for field, sign, column in pairs if not (field and sign and column)]
    if wrong:
        raise UserError(f"--count is METER=COLUMN, such as input_tokens=ContextTokens, not {wrong[0]!r}")
    counts = {field: column for field, _, column in pairs}
    return Columns(time, start, end, counts, name, gpus, "", gpu_model)
