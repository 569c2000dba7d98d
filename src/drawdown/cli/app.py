"""The commands and what they take."""

import asyncio
import sys
from typing import Annotated

import typer

from drawdown.errors import UserError
from drawdown.settings import load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
topics = typer.Typer(no_args_is_help=True, help="Make and check the topics.")
local = typer.Typer(no_args_is_help=True, help="A real Kafka and Redis on this machine.")
app.add_typer(topics, name="topics")
app.add_typer(local, name="local")


@app.callback()
def drawdown() -> None:
    """Rate the usage of an AI cloud and draw it down from what its customers have paid for."""


@app.command()
def worker() -> None:
    """Rate usage until SIGTERM or Ctrl-C. Settings: environment DRAWDOWN_… and the file named by DRAWDOWN_CONFIG."""
    from drawdown import logs  # noqa: PLC0415
    from drawdown.worker import run  # noqa: PLC0415

    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    failure = run(settings)
    if failure is not None:
        raise UserError(f"the worker stopped: {failure}" if str(failure) else f"the worker stopped: {failure!r}")


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="of all random draws")] = 1,
    accounts: Annotated[int, typer.Option(min=20, max=100_000, help="how many accounts")] = 200,
    events: Annotated[int, typer.Option(min=0, help="at most so many requests of the trace; 0: all")] = 0,
    kill: Annotated[bool, typer.Option("--kill", help="SIGKILL the worker and empty Redis in the middle")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as JSON")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="leave Kafka and Redis running until Ctrl-C")] = False,
) -> None:
    """Rate a real trace on a real Kafka and Redis, and check every amount with an independent rater."""
    from drawdown.cli.demo import demo as run  # noqa: PLC0415
    from drawdown.demo.run import Options  # noqa: PLC0415

    run(Options(seed, accounts, events, kill), as_json=as_json, keep=keep)


@topics.command()
def create(
    replicas: Annotated[int, typer.Option(min=1, max=9, help="copies of every partition")] = 1,
) -> None:
    """Make the topics that are missing."""
    from drawdown.adapters.kafka.admin import Admin  # noqa: PLC0415

    settings = load_settings()

    async def make() -> list[str]:
        async with Admin(settings.kafka, settings.prefix) as admin:
            return await admin.create(settings.topics, replicas=replicas)

    made = asyncio.run(make())
    for name in made:
        print(f"made {name}")
    if not made:
        print(f"all {len(settings.topics)} topics were there already")


@topics.command()
def check() -> None:
    """Say which topics are missing or made differently; exit code 1 if any."""
    from drawdown.adapters.kafka.admin import Admin  # noqa: PLC0415

    settings = load_settings()

    async def look() -> list[str]:
        async with Admin(settings.kafka, settings.prefix) as admin:
            return await admin.check(settings.topics)

    findings = asyncio.run(look())
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(1)
    print(f"all {len(settings.topics)} topics are as they must be")


@local.command()
def up() -> None:
    """Run Kafka and Redis with all topics until Ctrl-C, and print their addresses."""
    from drawdown.cli.local import up as run  # noqa: PLC0415

    run()
