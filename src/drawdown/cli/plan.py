"""`drawdown plan`: activate one; the rest of its life is in plan_life.py."""

from typing import Annotated

import typer

from drawdown.cli import plan_life
from drawdown.cli.options import AsJson, Service, Timeout
from drawdown.errors import BadInput

app = typer.Typer(no_args_is_help=True, help="Plans: draft, offer, confirm, pay, pause, cancel; or activate as it is.")


@app.command()
def activate(
    account: Annotated[str, typer.Argument(help="whose plan it is")],
    plan: Annotated[str, typer.Argument(help="its name, never used again by this account")],
    amount: Annotated[str, typer.Option(help="what can be drawn, such as 100.00")],
    currency: Annotated[str, typer.Option(help="the account's")],
    book: Annotated[str, typer.Option(help="the price book whose prices it pins, NAME:VERSION")],
    start: Annotated[str, typer.Option(metavar="INSTANT", help="2026-11-23T10:15:00Z; now if it is left out")] = "",
    end: Annotated[str, typer.Option(metavar="INSTANT", help="exclusive; open-ended if it is left out")] = "",
    scope: Annotated[list[Service] | None, typer.Option(help="only this service; may be repeated")] = None,
    quota: Annotated[list[str] | None, typer.Option(metavar="SERVICE=AMOUNT", help="may be repeated")] = None,
    priority: Annotated[int, typer.Option(min=0, help="lower numbers pay first")] = 100,
    grace_seconds: Annotated[int, typer.Option(min=0, help="how long late usage still draws after its end")] = 86_400,
    ident: Annotated[str, typer.Option("--id", help="idempotency key; the same one counts once")] = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Activate a plan from now on, and wait until it is. `drawdown command` takes scopes of products as well."""
    from drawdown.adapters.clock import SystemClock  # noqa: PLC0415
    from drawdown.cli.command import issue  # noqa: PLC0415
    from drawdown.wire.instants import format_instant  # noqa: PLC0415

    name, _, version = book.rpartition(":")
    if not name or not version.isdecimal():
        raise BadInput(f"--book is NAME:VERSION, such as plan-usd:1, not {book!r}")
    begins = start or format_instant(SystemClock().now_ms())
    command: dict[str, object] = {
        "command": "activate_plan",
        "version": 1,
        "id": ident or f"activate:{plan}:{begins}",
        "account": account,
        "plan": plan,
        "currency": currency,
        "book": name,
        "book_version": int(version),
        "amount": amount,
        "start": begins,
        "grace_seconds": grace_seconds,
        "priority": priority,
        "quotas": [_quota(text) for text in quota or ()],
    }
    if end:
        command["end"] = end
    if scope:
        command["scope"] = [{"service": service.value} for service in scope]
    issue(command, as_json=as_json, timeout=timeout)


plan_life.add_to(app)


def _quota(text: str) -> dict[str, str]:
    service, sign, amount = text.partition("=")
    if not (service and sign and amount):
        raise BadInput(f"--quota is SERVICE=AMOUNT, such as inference=25.00, not {text!r}")
    return {"service": service, "amount": amount}
