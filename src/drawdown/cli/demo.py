"""`drawdown demo`."""

import asyncio
import logging
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from drawdown.adapters.clock import SystemClock
from drawdown.cli.local import wait_for_signal
from drawdown.demo.kept import kept, told
from drawdown.demo.report import show
from drawdown.demo.run import Options, demo_settings, run, stack_of
from drawdown.demo.summary import Summary, faults
from drawdown.domain.errors import REASONS

_WIDTH = 110
OUTPUT = Path("build/demo/summary.json")


def demo(options: Options, *, as_json: bool, keep: bool) -> None:
    """Run the demonstration; exit code 1 when the check fails or a number that must not be zero is."""
    console = console_of(stderr=as_json)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    with stack_of(console) as stack:
        settings = demo_settings(stack)
        summary, found = asyncio.run(run(stack, options, console, settings))
        missing = faults(summary, REASONS) if not options.events else []
        write(summary)
        if as_json:
            sys.stdout.write(OUTPUT.read_text())
        else:
            show(summary, found, console, SystemClock().now_ms())
        for name in missing:
            console.print(f"[red]wrong[/red] {name}: must not be zero")
        console.print(f"The same numbers: {OUTPUT}")
        if keep:
            with kept(settings) as address:
                for line in told(stack.addresses, address):
                    console.print(line, soft_wrap=True, markup=False, highlight=False)
                wait_for_signal()
    if missing or not summary.conserved:
        sys.exit(1)


def console_of(*, stderr: bool = False) -> Console:
    """Give a console; one that is no terminal has room for the tables."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _WIDTH)


def write(summary: Summary) -> None:
    """Write the summary's file."""
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
