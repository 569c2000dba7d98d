"""The commands and what they take."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

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
    containers: Annotated[
        Path | None, typer.Option(help="a CSV trace of container runs instead of generated ones", exists=True)
    ] = None,
    kill: Annotated[bool, typer.Option("--kill", help="SIGKILL the worker and empty Redis in the middle")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as JSON")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="leave Kafka and Redis running until Ctrl-C")] = False,
) -> None:
    """Rate a real trace on a real Kafka and Redis, and check every amount with an independent rater."""
    from drawdown.cli.demo import demo as run  # noqa: PLC0415
    from drawdown.demo.run import Options  # noqa: PLC0415

    run(Options(seed, accounts, events, kill, containers), as_json=as_json, keep=keep)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="a CSV file, plain or gzip", exists=True, dir_okay=False)],
    service: Annotated[Literal["inference", "gpu-container", "fine-tuning"], typer.Option("--as", help="what it is")],
    accounts: Annotated[int, typer.Option(min=1, max=100_000, help="spread over so many, the first oftenest")] = 100,
    seed: Annotated[int, typer.Option(help="of all random draws")] = 1,
    speed: Annotated[int, typer.Option(min=0, help="times real time; 0: as fast as it goes")] = 0,
    limit: Annotated[int, typer.Option(min=0, help="at most so many rows; 0: all")] = 0,
    local: Annotated[bool, typer.Option("--local", help="on a stack of its own, with a worker and a check")] = False,
    preset: Annotated[str, typer.Option(help="azure-llm or alibaba-pods; else the header decides")] = "",
    time: Annotated[str, typer.Option(help="column: when a call was made")] = "",
    start: Annotated[str, typer.Option(help="column: when a run started")] = "",
    end: Annotated[str, typer.Option(help="column: when a run ended")] = "",
    count: Annotated[list[str] | None, typer.Option(help="METER=COLUMN of a call, may be repeated")] = None,
    name: Annotated[str, typer.Option(help="column: a run's container or job")] = "",
    gpus: Annotated[str, typer.Option(help="column: a run's number of GPUs")] = "",
    gpu_model: Annotated[str, typer.Option(help="column: a run's GPU model")] = "",
) -> None:
    """Publish a CSV trace as usage, its last event at now. The accounts are named replay-0000 and so on."""
    from drawdown.cli.replay import columns_of  # noqa: PLC0415
    from drawdown.cli.replay import replay as run  # noqa: PLC0415
    from drawdown.demo.replay import Replay  # noqa: PLC0415

    columns = columns_of(preset, time, start, end, count or [], name, gpus, gpu_model)
    run(Replay(file, service, columns, accounts, seed, speed, limit), local=local)


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
