"""`drawdown verify`: replay the log and compare."""

import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from drawdown.cli.output import at_desk, say, show_json, show_table
from drawdown.errors import BadInput, UserError
from drawdown.operate.desk import Desk
from drawdown.operate.verifying import verify as run
from drawdown.verify.model import Finding, Report

_SHOWN = 20  # of one invariant, without --json


def verify(
    *, ledgers: Sequence[str], shards: Sequence[int], checkpoint: Path | None, as_json: bool, quiet: bool
) -> None:
    """Verify, print what was found; raise UserError if anything was."""
    report = at_desk(lambda desk: _verified(desk, ledgers, shards, checkpoint, quiet=quiet))
    if as_json:
        show_json({"findings": report.findings, "notes": report.notes, "counts": dict(sorted(report.counts.items()))})
    else:
        _print(report)
    if report.counts["findings"]:
        raise UserError(f"{report.counts['findings']} things do not hold")


async def _verified(
    desk: Desk, ledgers: Sequence[str], shards: Sequence[int], checkpoint: Path | None, *, quiet: bool
) -> Report:
    unknown = [name for name in ledgers if name not in desk.ledgers]
    unknown += [str(at) for at in shards if at not in desk.shards]
    if unknown:
        raise BadInput(
            f"{unknown[0]} is none: ledgers are {', '.join(desk.ledgers)}, shards 0 to {len(desk.shards) - 1}"
        )
    told = (lambda _: None) if quiet else _told
    browser = await desk.browser()
    names, numbers = ledgers or desk.ledgers, shards or desk.shards
    return await run(desk.settings, browser, desk.redis(), names, numbers, told, checkpoint)


def _told(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[Kverifying {what} …")
        sys.stderr.flush()


def _print(report: Report) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    counts = report.counts
    for ledger in sorted({name.split(" ", 1)[0] for name in counts} & {"plans", "wallet", "codes"}):
        told = [f"{n} {name.split(' ', 1)[1]}" for name, n in sorted(counts.items()) if n and name.startswith(ledger)]
        say(f"{ledger}: {', '.join(told)}")
    for note in report.notes:
        say(f"not proved: {note}")
    for invariant, group in groupby(sorted(report.findings, key=lambda one: one.invariant), lambda one: one.invariant):
        found = list(group)
        say(f"{invariant}: {len(found)}", style="bold red")
        show_table(("ledger", "where", ">offset", "account", "what"), [_row(one) for one in found[:_SHOWN]])
    if not counts["findings"]:
        say("verified: every input that was taken has one outcome, every byte is what its inputs give,")
        say("seq has no gap, and states, ids and Redis are what the log says")


def _row(one: Finding) -> tuple[str, str, str, str, str]:
    offset = "" if one.offset < 0 else str(one.offset)
    return one.ledger, f"{one.topic}/{one.partition}", offset, one.account, one.detail
