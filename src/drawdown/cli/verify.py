"""`drawdown verify`."""

import asyncio
import logging
import sys
from pathlib import Path

from drawdown.cli.output import console, say, show_json
from drawdown.engine.errors import Halt
from drawdown.errors import BadInput, UserError
from drawdown.operate.verifying import line_of, verified
from drawdown.settings import load_settings
from drawdown.verify import Finding, Report

_EVIDENCE_MAX = 10
_NOTES_MAX = 20


def verify(*, account: str, ledger: str, checkpoint: Path | None, as_json: bool) -> None:
    """Verify, print the report, and end with exit code 1 if anything was found."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    settings = load_settings()
    err = console(stderr=True)

    def told(text: str) -> None:
        err.print(f"verifying {text}", markup=False)

    try:
        report = asyncio.run(
            verified(settings, account=account or None, ledger=ledger, checkpoint=checkpoint, progress=told)
        )
    except (UserError, Halt) as error:  # exit code 1 is for findings
        raise BadInput(str(error)) from error
    if as_json:
        show_json(
            {
                "clean": report.clean,
                "findings": report.findings,
                "untold": report.untold,
                "notes": report.notes,
                "counts": report.counts,
            }
        )
    else:
        show(report)
    if not report.clean:
        sys.exit(1)


def show(report: Report) -> None:
    """Print the findings by invariant, the notes, and what was looked at."""
    groups: dict[str, list[Finding]] = {}
    for finding in report.findings:
        groups.setdefault(finding.invariant, []).append(finding)
    for invariant, findings in groups.items():
        many = len(findings) + report.untold[invariant]
        say(f"{invariant}: {many} finding{'s' if many > 1 else ''}", style="red")
        for finding in findings[:_EVIDENCE_MAX]:
            of = f", account {finding.account}" if finding.account else ""
            at = "" if finding.offset is None else f" offset {finding.offset}"
            say(f"  {finding.topic}/{finding.partition}{at}, ledger {finding.ledger}{of}")
            say(f"    expected {finding.expected}")
            say(f"    found    {finding.found}")
        if many > _EVIDENCE_MAX:
            say(f"  and {many - _EVIDENCE_MAX} more (--json lists up to 1000)")
    for note in report.notes[:_NOTES_MAX]:
        say(f"{note.kind}: {note.topic}/{note.partition} ({note.ledger}): {note.text}")
    if len(report.notes) > _NOTES_MAX:
        say(f"and {len(report.notes) - _NOTES_MAX} more notes (--json lists them)")
    say(line_of(report))
