"""`drawdown history`: keep the history in its database, and read it."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from drawdown.cli.options import AsJson, Limit, ServiceFilter, Since, Until, instant_of
from drawdown.errors import BadInput

if TYPE_CHECKING:
    from drawdown.history.archive import Archive
    from drawdown.history.filters import Period

app = typer.Typer(help="Keep what happened to accounts in a database, and read it.")
Account = Annotated[str, typer.Argument(help="the account's name")]
From = Annotated[str, typer.Option("--from", metavar="WHEN", help="a whole hour, such as 2026-11-01T00:00:00Z")]
To = Annotated[str, typer.Option("--to", metavar="WHEN", help="before then, a whole hour too")]
_COLUMNS = ("date", "service", "source", "description", "code", "status", ">amount", "paid by")


@app.callback(invoke_without_command=True)
def run(context: typer.Context) -> None:
    """Bring charges and account events into the database until SIGTERM or Ctrl-C. Settings as for `drawdown worker`."""
    if context.invoked_subcommand is None:
        from drawdown.cli.projecting import follow  # noqa: PLC0415

        follow()


@app.command("catch-up")
def catch_up() -> None:
    """Bring in what the log holds now, and stop."""
    from drawdown.cli.projecting import catch_up as work  # noqa: PLC0415

    work(anew=False)


@app.command()
def rebuild(
    yes: Annotated[
        bool, typer.Option("--yes", help="also if the log no longer holds all that the history does")
    ] = False,
) -> None:
    """Drop the history, and build it anew from the log, telling how far it is. No other `drawdown history` may run."""
    from drawdown.cli.projecting import catch_up as work  # noqa: PLC0415

    work(anew=True, yes=yes)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say how far the history is behind the log, by partition."""
    from drawdown.cli.projecting import status as work  # noqa: PLC0415

    work(as_json=as_json)


@app.command()
def show(
    account: Account,
    balance: Annotated[
        Literal["plan", "voucher", "top_up", "debt"] | None, typer.Option(help="entries of this kind of balance")
    ] = None,
    service: ServiceFilter = None,
    resource: Annotated[str, typer.Option(help="of this resource")] = "",
    status: Annotated[Literal["success", "failed", "processed"] | None, typer.Option(help="of this status")] = None,
    since: Since = "",
    until: Until = "",
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Show an account's Credit History: usage by the hour, credit as it came, totals of all that fits."""
    from drawdown.adapters.clock import SystemClock  # noqa: PLC0415
    from drawdown.cli.output import say, short, show_json, show_table, when  # noqa: PLC0415
    from drawdown.history.filters import Filters  # noqa: PLC0415

    now = SystemClock().now_ms()
    since_ms, until_ms = instant_of(since, now, "--since"), instant_of(until, now, "--until")
    filters = Filters(balance, service, resource or None, status, since_ms, until_ms)
    with _archive() as archive:
        page = archive.page(account, filters, None, limit)
    if as_json:
        show_json(page)
        return
    rows = [
        (when(e.date), e.service or "", e.source, e.description, e.code or "", e.status, short(e.amount), _payer(e))
        for e in page.entries
    ]
    show_table(_COLUMNS, rows, f"Credit History of {account}, {page.currency}")
    spent, changed = (page.totals.spent_by_balance, page.totals.changed_by_balance) if page.totals else ({}, {})
    for name, sums in (("spent", spent), ("came and went", changed)):
        told = ", ".join(f"{balance} {short(amount)}" for balance, amount in sums.items())
        say(f"{name}: {told or 'nothing'}")
    say(f"as of offsets {page.as_of.charges} and {page.as_of.account_events} of partition {page.as_of.partition}")
    if page.after is not None:
        say(f"the newest {limit}; --limit shows more")


@app.command()
def statement(account: Account, start: From, end: To, as_json: AsJson = False) -> None:
    """Print an account's statement of a period; every balance adds up."""
    from drawdown.cli.output import show_json  # noqa: PLC0415
    from drawdown.cli.statements import report  # noqa: PLC0415

    with _archive() as archive:
        found = archive.statement(account, _period(start, end))
    if as_json:
        show_json(found)
    else:
        report(found)


@app.command()
def export(
    account: Account,
    start: From,
    end: To,
    form: Annotated[
        Literal["csv", "xlsx", "focus"], typer.Option("--as", help="CSV, an Excel workbook, or FOCUS as CSV")
    ] = "csv",
    out: Annotated[str, typer.Option(help="a file; standard output without, of CSV alone")] = "",
) -> None:
    """Write all rows of an account's history in a period."""
    from drawdown.cli.projecting import export as work  # noqa: PLC0415

    with _archive() as archive:
        work(archive, account, _period(start, end), form, out)


def _archive() -> "Archive":
    from drawdown.history.archive import Archive  # noqa: PLC0415
    from drawdown.settings import load_settings  # noqa: PLC0415

    return Archive(load_settings())


def _period(start: str, end: str) -> "Period":
    from drawdown.domain.errors import Reject  # noqa: PLC0415
    from drawdown.history.filters import period_of  # noqa: PLC0415
    from drawdown.wire.instants import parse_instant  # noqa: PLC0415

    try:
        return period_of(parse_instant(start, "--from"), parse_instant(end, "--to"))
    except Reject as reject:
        raise BadInput(reject.detail) from reject


def _payer(entry: Any) -> str:
    return " ".join(filter(None, (entry.balance, entry.paid_by)))
