"""`drawdown keys`: make, list and revoke the keys of the HTTP API."""

from typing import Annotated, Literal

import typer

from drawdown.cli.options import AsJson
from drawdown.domain.limits import API_KEY_DAYS_MAX
from drawdown.operate.keys import Scope

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke the keys of the HTTP API.")


@app.command()
def create(
    holder: Annotated[str, typer.Argument(help="who uses it: written into what is done with it")],
    scope: Annotated[
        Literal["operator", "sales", "support", "account", "read-only"], typer.Option(help="what it may do")
    ],
    account: Annotated[str, typer.Option(help="the only one that it sees; needed for scope account")] = "",
    days: Annotated[int, typer.Option(min=1, max=API_KEY_DAYS_MAX, help="how long it lives")] = 365,
    as_json: AsJson = False,
) -> None:
    """Draw a key and print it, once: only its digest is kept."""
    from drawdown.cli.output import at_desk, say, show_json  # noqa: PLC0415
    from drawdown.operate.keys import create as run  # noqa: PLC0415
    from drawdown.operate.keys import holder_of  # noqa: PLC0415

    given: Scope = scope
    named = holder_of(holder)
    key, text = at_desk(lambda desk: run(desk, named, given, account or None, days))
    if as_json:
        show_json({"prefix": key.prefix, "key": text})
        return
    say(text)
    say(f"key {key.prefix} of {holder}, scope {scope}, for {days} days; it is shown this once")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the keys: everything but their secrets."""
    from drawdown.cli.output import at_desk, say, show_json, show_table, when  # noqa: PLC0415
    from drawdown.operate.desk import Desk  # noqa: PLC0415
    from drawdown.operate.keys import KeyView, kept, views  # noqa: PLC0415
    from drawdown.wire.instants import format_instant  # noqa: PLC0415

    async def read(desk: Desk) -> list[KeyView]:
        return views((await kept(desk)).values(), desk.clock.now_ms())

    found = at_desk(read)
    if as_json:
        show_json(found)
        return
    if not found:
        say("no keys; `drawdown keys create` makes one")
        return
    rows = [
        (
            key.prefix,
            key.holder,
            key.scope,
            key.account or "all",
            key.status,
            "never" if key.expires_at is None else when(format_instant(key.expires_at)),
        )
        for key in found
    ]
    show_table(("key", "holder", "scope", "account", "status", "expires"), rows)


@app.command()
def revoke(key: Annotated[str, typer.Argument(metavar="KEY", help="its name, as `keys list` shows it")]) -> None:
    """End a key: within a second, no server of the API knows it any more."""
    from drawdown.cli.output import at_desk, say  # noqa: PLC0415
    from drawdown.operate.keys import revoke as run  # noqa: PLC0415

    ended = at_desk(lambda desk: run(desk, key))
    say(f"key {ended.prefix} of {ended.holder} is revoked")
