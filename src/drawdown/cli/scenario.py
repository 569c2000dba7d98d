"""`drawdown scenario`: check scenario files, and run them."""

import asyncio
import logging
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from drawdown.cli.options import AsJson
from drawdown.errors import BadInput

if TYPE_CHECKING:
    from drawdown.scenario.run import Plan, Report

app = typer.Typer(no_args_is_help=True, help="Run what billing people wrote down; docs/scenarios.md says how.")
Files = Annotated[list[str], typer.Argument(metavar="FILE…", help="scenario files (YAML)")]


@app.command()
def run(
    files: Files,
    stack: Annotated[bool, typer.Option("--stack", help="on a real Kafka and Redis, with a worker")] = False,
    as_json: AsJson = False,
) -> None:
    """Run scenarios through both ledgers in one process and print what differs; exit code 1 if anything does."""
    from drawdown.cli.output import say, show_json  # noqa: PLC0415
    from drawdown.scenario.run import load  # noqa: PLC0415
    from drawdown.scenario.run import run as run_plan  # noqa: PLC0415

    plans = [load(file) for file in files]
    reports = _on_stack(plans) if stack else [run_plan(plan) for plan in plans]
    if as_json:
        show_json(reports)
    else:
        for report in reports:
            say(f"{'differs' if report.differing else 'agrees '}  {report.file}: {report.scenario}")
            for step in report.differing:
                say(f"  step {step.number} (line {step.line}), {step.at}")
                for difference in step.differences:
                    say(f"    {difference}")
    differing = sum(bool(report.differing) for report in reports)
    if not as_json:
        say(f"{len(reports)} run, {differing} differ")
    if differing:
        raise typer.Exit(1)


@app.command()
def check(files: Files, as_json: AsJson = False) -> None:
    """Check the form of scenario files without running them; exit code 2 with file, line and field of what is wrong."""
    from drawdown.cli.output import say, show_json  # noqa: PLC0415
    from drawdown.scenario.run import load  # noqa: PLC0415

    wrong = []
    for file in files:
        try:
            load(file)
        except BadInput as error:
            wrong.append(str(error))
    if wrong:
        _refuse(wrong)
    if as_json:
        show_json({"files": len(files), "wrong": []})
    else:
        say(f"{len(files)} files are scenarios")


def _on_stack(plans: "list[Plan]") -> "list[Report]":
    """Run scenarios on a stack of this command's own, one after another."""
    from drawdown.cli.output import console  # noqa: PLC0415
    from drawdown.demo.run import stack_of  # noqa: PLC0415
    from drawdown.demo.staged import staged  # noqa: PLC0415

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    with stack_of(console(stderr=True)) as stack:
        return [asyncio.run(staged(stack, plan)) for plan in plans]


def _refuse(wrong: list[str]) -> NoReturn:
    raise BadInput("\n".join(wrong))
