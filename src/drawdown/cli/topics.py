"""`drawdown topics`: make and check them."""

import asyncio
from typing import Annotated

import typer

from drawdown.cli.options import AsJson
from drawdown.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Make and check the topics.")


@app.command()
def create(
    replicas: Annotated[int, typer.Option(min=1, max=9, help="copies of every partition")] = 1,
    as_json: AsJson = False,
) -> None:
    """Make the topics that are missing."""
    from drawdown.adapters.kafka.admin import Admin  # noqa: PLC0415
    from drawdown.cli.output import show_json  # noqa: PLC0415

    settings = load_settings()

    async def make() -> list[str]:
        async with Admin(settings.kafka, settings.prefix) as admin:
            return await admin.create(settings.topics, replicas=replicas)

    made = asyncio.run(make())
    if as_json:
        show_json({"made": made, "topics": len(settings.topics)})
        return
    for name in made:
        print(f"made {name}")
    if not made:
        print(f"all {len(settings.topics)} topics were there already")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Say which topics are missing or made differently; exit code 1 if any."""
    from drawdown.adapters.kafka.admin import Admin  # noqa: PLC0415
    from drawdown.cli.output import show_json  # noqa: PLC0415

    settings = load_settings()

    async def look() -> list[str]:
        async with Admin(settings.kafka, settings.prefix) as admin:
            return await admin.check(settings.topics)

    findings = asyncio.run(look())
    if as_json:
        show_json({"findings": findings, "topics": len(settings.topics)})
    for finding in () if as_json else findings:
        print(finding)
    if findings:
        raise typer.Exit(1)
    if not as_json:
        print(f"all {len(settings.topics)} topics are as they must be")
