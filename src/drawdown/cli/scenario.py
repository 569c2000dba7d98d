"""`drawdown scenario`: check scenario files, and run them."""

from typing import Annotated, NoReturn

import typer

from drawdown.cli.options import AsJson
from drawdown.errors import BadInput

app = typer.Typer(no_args_is_help=True, help="Run what billing people wrote down; docs/scenarios.md says how.")
Files = Annotated[list[str], typer.Argument(metavar="FILE…", help="scenario files (YAML)")]


@app.command()
def run(files: Files, as_json: AsJson = False) -> None:
    """Run scenarios through both ledgers in one process and print what differs; exit code 1 if anything does."""
    from drawdown.cli.output import say, show_json  # noqa: PLC0415
    from drawdown.scenario.run import load  # noqa: PLC0415
    from drawdown.scenario.run import run as run_plan  # noqa: PLC0415

    plans = [load(file) for file in files]
    reports = [run_plan(plan) for plan in plans]
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


def _refuse(wrong: list[str]) -> NoReturn:
    raise BadInput("\n".join(wrong))
