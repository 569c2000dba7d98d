"""`drawdown wallet`: redeem a voucher code; grant, top up, adjust, limit debt."""

from enum import StrEnum
from typing import Annotated

import typer

from drawdown.cli.options import AsJson, Service, Timeout
from drawdown.errors import BadInput

app = typer.Typer(no_args_is_help=True, help="Give an account credit.")
Account = Annotated[str, typer.Argument(help="whose wallet it is")]
Currency = Annotated[str, typer.Option(help="the account's")]
Ident = Annotated[str, typer.Option("--id", help="idempotency key; the same one counts once")]
Reason = Annotated[str, typer.Option(help="why")]
Operator = Annotated[str, typer.Option(help="who")]


class Kind(StrEnum):
    """What an adjustment is."""

    GRANT = "grant"
    CORRECTION = "correction"
    WRITE_OFF = "write-off"


@app.command()
def redeem(
    account: Annotated[str, typer.Argument(help="whose wallet takes the credit")],
    code: Annotated[str, typer.Argument(help="the voucher code; capitals and spaces do not matter")],
    redemption: Annotated[str, typer.Option("--id", help="of this try, and of its voucher; made if left out")] = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Try a code, and wait until it is granted or refused; exit code 3 if it is refused. It counts as a try."""
    import secrets  # noqa: PLC0415

    from drawdown.cli.output import at_desk  # noqa: PLC0415
    from drawdown.cli.sending import show_outcomes  # noqa: PLC0415
    from drawdown.operate.codes import redeem as run  # noqa: PLC0415

    name = redemption or f"redeemed-{secrets.token_hex(8)}"
    told = at_desk(lambda desk: run(desk, account, name, code, timeout))
    show_outcomes(told, as_json=as_json, timeout=timeout)


@app.command("top-up")
def top_up(
    account: Account,
    reference: Annotated[str, typer.Option(help="the payment's own, credited once")],
    amount: Annotated[str, typer.Option(help="what was paid, such as 50.00")],
    currency: Currency,
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Credit a payment, and wait until it is; it pays debt first."""
    told = {"reference": reference, "amount": amount, "currency": currency}
    _issue("top_up", ident or f"top-up:{reference}", account, told, as_json=as_json, timeout=timeout)


@app.command()
def grant(
    account: Account,
    voucher: Annotated[str, typer.Argument(help="its name, never used again by this account")],
    amount: Annotated[str, typer.Option(help="such as 10.00")],
    currency: Currency,
    expires: Annotated[str, typer.Option(metavar="INSTANT", help="2026-12-31T23:59:59Z")],
    scope: Annotated[list[Service] | None, typer.Option(help="only this service; may be repeated")] = None,
    priority: Annotated[int, typer.Option(min=0, help="lower numbers pay first")] = 100,
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Grant a voucher, and wait until it is. `drawdown command` takes products and splits as well."""
    told: dict[str, object] = {"voucher": voucher, "amount": amount, "currency": currency, "expires": expires}
    told["priority"] = priority
    if scope:
        told["scope"] = [{"service": service.value} for service in scope]
    _issue("grant_voucher", ident or f"grant:{voucher}", account, told, as_json=as_json, timeout=timeout)


@app.command()
def adjust(
    account: Account,
    adjustment: Annotated[str, typer.Argument(help="its name, applied once")],
    amount: Annotated[str, typer.Option(help="3.00 adds credit, -3.00 takes it back; of a write-off, above 0")],
    currency: Currency,
    reason: Reason,
    operator: Operator,
    kind: Annotated[Kind, typer.Option(help="a grant adds credit, a write-off lessens debt")] = Kind.CORRECTION,
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Add credit, take it back (what top-ups do not hold becomes debt) or write debt off, and wait until it is done."""
    told = {"adjustment": adjustment, "amount": amount, "currency": currency, "reason": reason, "operator": operator}
    told["kind"] = kind.value.replace("-", "_")
    _issue("adjust", ident or f"adjust:{adjustment}", account, told, as_json=as_json, timeout=timeout)


@app.command("debt-limit")
def debt_limit(
    account: Account,
    currency: Currency,
    reason: Reason,
    operator: Operator,
    limit: Annotated[str, typer.Option(help="from what debt on it is told, such as 50.00")] = "",
    none: Annotated[bool, typer.Option("--none", help="take the limit away")] = False,
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Set the debt limit, or take it away, and wait until it holds. Usage is never refused for it."""
    import secrets  # noqa: PLC0415

    if bool(limit) == none:
        raise BadInput("a debt limit is --limit AMOUNT or --none; give one of the two")
    told: dict[str, object] = {"limit": limit or None, "currency": currency, "reason": reason, "operator": operator}
    key = ident or f"debt-limit:{secrets.token_hex(8)}"
    _issue("set_debt_limit", key, account, told, as_json=as_json, timeout=timeout)


def _issue(
    name: str, ident: str, account: str, told: dict[str, object] | dict[str, str], *, as_json: bool, timeout: float
) -> None:
    from drawdown.cli.command import issue  # noqa: PLC0415

    command: dict[str, object] = {"command": name, "version": 1, "id": ident, "account": account}
    issue(command | told, as_json=as_json, timeout=timeout)
