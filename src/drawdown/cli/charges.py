"""`drawdown charges`: of an account, of an event, or as they come."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from drawdown.cli.options import AccountFilter, AsJson, LedgerName, Limit, ServiceFilter, Since, instant_of
from drawdown.errors import BadInput

if TYPE_CHECKING:
    from drawdown.operate.charges import ChargeFilters
    from drawdown.operate.desk import Desk, Output

app = typer.Typer(no_args_is_help=True, help="Show charges, or follow them.")
Ledger = Annotated[LedgerName | None, typer.Option("--ledger", help="of this ledger")]
Overages = Annotated[bool, typer.Option("--overages", help="what no plan covered as well, before credit pays it")]
_COLUMNS = ("rated at", "account", "ledger", "event", "service", ">total", "currency", "paid by")


@app.command()
def show(
    account: Annotated[str, typer.Argument(help="the account's name")] = "",
    event: Annotated[str, typer.Option(help="the id of one event: all that came of it")] = "",
    source: Annotated[str, typer.Option(help="the event's source, where ids of several are alike")] = "",
    service: ServiceFilter = None,
    ledger: Ledger = None,
    overages: Overages = False,
    since: Since = "",
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Show an account's newest charges, or all that came of one event; exit code 1 if nothing did."""
    from drawdown.cli.output import at_desk, say, show_json  # noqa: PLC0415
    from drawdown.errors import UserError  # noqa: PLC0415
    from drawdown.operate.charges import ChargeFilters, newest, of_event  # noqa: PLC0415

    if not account and not event:
        raise BadInput("name an ACCOUNT, or an event with --event ID")

    async def find(desk: "Desk") -> "tuple[list[Output], int]":
        if event:
            found = await of_event(desk, source, event, account)
            return found, len(found)
        filters = ChargeFilters(account, service or "", ledger or "", overages)
        return await newest(desk, filters, instant_of(since, desk.clock.now_ms(), "--since"), limit)

    found, count = at_desk(find)
    if as_json:
        show_json([{"topic": output.topic, **output.said} for output in found])
    elif found:
        _table(found)
        if count > len(found):
            say(f"the newest {len(found)} of {count}; --limit shows more")
    if not found:
        what = f"of event {event}" if event else f"of account {account}"
        raise UserError(f"there are no charges {what}; `drawdown dead-letters list` shows what was refused")


@app.command()
def tail(
    account: AccountFilter = "",
    service: ServiceFilter = None,
    ledger: Ledger = None,
    overages: Overages = False,
    since: Since = "",
    count: Annotated[int, typer.Option(min=0, help="stop after so many; 0: never")] = 0,
    as_json: AsJson = False,
) -> None:
    """Follow charges until Ctrl-C: those to come, or from --since on. With --json, one a line."""
    from drawdown.cli.output import at_desk  # noqa: PLC0415
    from drawdown.operate.charges import ChargeFilters  # noqa: PLC0415

    filters = ChargeFilters(account, service or "", ledger or "", overages)
    at_desk(lambda desk: _follow(desk, filters, since, count, as_json=as_json))


async def _follow(desk: "Desk", filters: "ChargeFilters", since: str, count: int, *, as_json: bool) -> None:
    from drawdown.cli.output import say, show_line  # noqa: PLC0415
    from drawdown.operate.charges import as_they_come  # noqa: PLC0415

    seen = 0
    async for output in as_they_come(desk, filters, instant_of(since, desk.clock.now_ms(), "--since")):
        if as_json:
            show_line({"topic": output.topic, **output.said})
        else:
            say("  ".join(str(cell) for cell in _row(output)))
        seen += 1
        if seen == count:
            return


def _table(outputs: "Sequence[Output]") -> None:
    from drawdown.cli.output import show_table  # noqa: PLC0415

    show_table(_COLUMNS, [_row(output) for output in outputs])


def _row(output: "Output") -> tuple[str, ...]:
    from drawdown.cli.output import short, when  # noqa: PLC0415
    from drawdown.topics import CHARGES  # noqa: PLC0415

    said = output.said
    payers = dict.fromkeys(" ".join(filter(None, line["payer"].values())) for line in said["lines"] if "payer" in line)
    paid_by = ", ".join(payers) if output.topic == CHARGES else "overage, priced on demand"
    event = said["event"]
    return (
        when(said["appended"]),
        said["account"],
        said["ledger"],
        event["id"],
        event["service"],
        short(said["total"]),
        said["currency"],
        paid_by,
    )
