"""`drawdown codes`: make campaigns of voucher codes, look one up, withdraw one."""

from pathlib import Path
from typing import Annotated

import typer

from drawdown.cli.options import AsJson, Timeout

app = typer.Typer(no_args_is_help=True, help="Make campaigns of voucher codes, look one up, withdraw one.")


@app.command()
def create(
    campaign: Annotated[str, typer.Option(help="the campaign's name")],
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="how many codes")],
    out: Annotated[Path, typer.Option(help="a new file for the codes, which are written nowhere else")],
    amount: Annotated[str, typer.Option(help="the credit of each code, such as 10.00")],
    currency: Annotated[str, typer.Option(help="of the credit and of the accounts that may redeem it")],
    expires: Annotated[str, typer.Option(metavar="INSTANT", help="of the credit; or --valid-days")] = "",
    valid_days: Annotated[int, typer.Option(min=0, help="how long the credit lasts from its redemption")] = 0,
    opens: Annotated[str, typer.Option(metavar="INSTANT", help="from when a code may be redeemed")] = "",
    closes: Annotated[str, typer.Option(metavar="INSTANT", help="before when a code must be redeemed")] = "",
    per_account: Annotated[int, typer.Option(min=1, help="codes of the campaign an account may redeem")] = 1,
    priority: Annotated[int, typer.Option(min=0, help="of the credit; lower numbers pay first")] = 100,
    timeout: Timeout = 60,
) -> None:
    """Draw codes, write them to a new file that only you can read, and publish their hashes."""
    from drawdown.cli.output import at_desk, say  # noqa: PLC0415
    from drawdown.operate.codes import draw_codes, issuing, publish_codes, write_once  # noqa: PLC0415

    terms: dict[str, object] = {"campaign": campaign, "amount": amount, "currency": currency, "priority": priority}
    terms["per_account_max"] = per_account
    terms |= {name: text for name, text in (("expires", expires), ("opens", opens), ("closes", closes)) if text}
    if valid_days:
        terms["valid_seconds"] = valid_days * 86_400
    codes = draw_codes(count)
    commands = [issuing(code, terms) for code in codes]
    write_once(out, codes)
    published = at_desk(lambda desk: publish_codes(desk, commands, timeout))
    say(f"{published} codes of {campaign} are issued; {out} holds them, and nothing else does")


@app.command()
def show(code: Annotated[str, typer.Argument(help="as it was typed")], as_json: AsJson = False) -> None:
    """Show what became of a code. The code itself is not repeated."""
    from drawdown.cli.output import at_desk, say, short, show_json  # noqa: PLC0415
    from drawdown.operate.codes import show_code  # noqa: PLC0415

    found = at_desk(lambda desk: show_code(desk, code))
    if as_json:
        show_json(found)
        return
    by = f" by {found.account} ({found.redemption})" if found.account else ""
    say(f"a code of {found.campaign} worth {short(found.amount)} {found.currency}: {found.status}{by}")


@app.command()
def withdraw(
    code: Annotated[str, typer.Argument(help="as it was typed")],
    reason: Annotated[str, typer.Option(help="why")],
    operator: Annotated[str, typer.Option(help="who")],
    ident: Annotated[str, typer.Option("--id", help="idempotency key; the same one counts once")] = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Let a code be redeemed no more, and wait until that holds; who has redeemed it keeps its credit."""
    import secrets  # noqa: PLC0415

    from drawdown.cli.output import at_desk  # noqa: PLC0415
    from drawdown.cli.sending import show_outcomes  # noqa: PLC0415
    from drawdown.operate.codes import withdraw as run  # noqa: PLC0415
    from drawdown.operate.codes import withdrawing  # noqa: PLC0415

    command = withdrawing(code, operator, reason, ident or f"withdraw:{secrets.token_hex(8)}")
    told = at_desk(lambda desk: run(desk, command, timeout))
    show_outcomes(told, as_json=as_json, timeout=timeout)
