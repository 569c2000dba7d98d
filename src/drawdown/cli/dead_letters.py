"""`drawdown dead-letters`: find what was refused, look at it, and answer it."""

from typing import Annotated

import typer

from drawdown.cli.options import AccountFilter, AsJson, Limit, ReasonFilter, ServiceFilter, Since, Timeout, Until

app = typer.Typer(no_args_is_help=True, help="List, show and replay what was refused.")
Name = Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="as `dead-letters list` names it")]
Topic = Annotated[str, typer.Option("--topic", help="of the refused record, such as plan-commands")]


@app.command("list")
def list_(
    reason: ReasonFilter = "",
    account: AccountFilter = "",
    service: ServiceFilter = None,
    topic: Topic = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the newest last."""
    from drawdown.cli.letters import filters_of, show_list  # noqa: PLC0415

    show_list(filters_of(reason, account, service or "", topic, since, until), limit, as_json=as_json)


@app.command()
def show(
    letter: Name,
    raw: Annotated[bool, typer.Option("--raw", help="print the bytes and nothing else, for a file to repair")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a dead letter: why it was refused, where it came from, its headers and its bytes."""
    from drawdown.cli.letters import show_one  # noqa: PLC0415

    show_one(letter, raw=raw, as_json=as_json)


@app.command()
def replay(
    letter: Annotated[
        str, typer.Argument(metavar="[PARTITION:OFFSET]", help="one letter; without it, all that fit the filters")
    ] = "",
    edit: Annotated[
        str, typer.Option(metavar="FILE|-", help="send these bytes instead, under the id that they name")
    ] = "",
    reason: ReasonFilter = "",
    account: AccountFilter = "",
    service: ServiceFilter = None,
    topic: Topic = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 1_000,
    note: Annotated[str, typer.Option(help="why it is replayed; kept on the log")] = "replayed by hand",
    operator: Annotated[str, typer.Option(help="who replays it; the login's name if it is left out")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check and prove, but send nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before sending several")] = False,
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Send refused input again so that it counts once, and wait for what comes of it.

    Usage goes by its own id, free of the accept window: past it, the outputs must first prove that the id has no
    outcome. Exit code 3 when something would be, or was, refused again; 4 when no worker took it in time.
    """
    from drawdown.cli.letters import filters_of  # noqa: PLC0415
    from drawdown.cli.replaying import Request, answer  # noqa: PLC0415

    filters = filters_of(reason, account, service or "", topic, since, until)
    answer(Request(letter, edit, filters, limit, note, operator, dry_run, yes, timeout, as_json))
