"""`drawdown account`: open one, and show its balances and plans."""

from typing import Annotated

import typer

from drawdown.cli.options import AsJson, Timeout

app = typer.Typer(no_args_is_help=True, help="Open accounts and show their balances.")
Account = Annotated[str, typer.Argument(help="the account's name")]


@app.command("open")
def open_(
    account: Account,
    currency: Annotated[str, typer.Option(help="of all that it pays, for good: USD, VND, …")],
    time_zone: Annotated[str, typer.Option(help="whose months and days count, such as Asia/Ho_Chi_Minh")] = "UTC",
    ident: Annotated[str, typer.Option("--id", help="idempotency key; the same one counts once")] = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Open an account in both ledgers, and wait until it is."""
    from drawdown.cli.command import issue  # noqa: PLC0415

    command = {
        "command": "open_account",
        "version": 1,
        "id": ident or f"open:{account}",
        "account": account,
        "currency": currency,
        "time_zone": time_zone,
    }
    issue(command, as_json=as_json, timeout=timeout)


@app.command()
def show(account: Account, as_json: AsJson = False) -> None:
    """Show an account's balances, its plans in detail, and its credit, as fresh as the last commit."""
    from drawdown.cli.account_report import report  # noqa: PLC0415
    from drawdown.cli.output import at_desk, show_json  # noqa: PLC0415
    from drawdown.operate.accounts import account_of  # noqa: PLC0415

    found = at_desk(lambda desk: account_of(desk, account))
    if as_json:
        show_json(found)
    else:
        report(found)
