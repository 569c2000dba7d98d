"""`drawdown plan request|draft|offer|confirm|pay|…|cancel`: a plan's life, a command each."""

import json
import secrets
from enum import StrEnum
from typing import Annotated, Any

import typer

from drawdown.cli.options import AsJson, Timeout
from drawdown.errors import BadInput

Account = Annotated[str, typer.Argument(help="whose plan it is")]
Plan = Annotated[str, typer.Argument(help="its name")]
Revision = Annotated[int, typer.Argument(min=1, help="of the draft")]
Until = Annotated[str, typer.Option(metavar="INSTANT", help="2026-11-23T10:15:00Z")]
Ident = Annotated[str, typer.Option("--id", help="idempotency key; the same one counts once")]


class Method(StrEnum):
    """How money came in."""

    CARD = "card"
    E_WALLET = "e-wallet"
    BANK_TRANSFER = "bank-transfer"


def add_to(app: typer.Typer) -> None:
    """Put the commands under `drawdown plan`."""
    for command in (request, draft, offer, confirm, pay, pause, resume, renew, auto_renew, cancel):
        app.command()(command)


def request(
    account: Account,
    name: Annotated[str, typer.Argument(metavar="REQUEST", help="the wish's own name; a draft may name it")],
    usage: Annotated[str, typer.Option(help="what is expected to be used, in words")],
    contact: Annotated[str, typer.Option(help="who is to be called")],
    currency: Annotated[str, typer.Option(help="the account's")],
    budget: Annotated[str, typer.Option(help="such as 1000.00")] = "",
    services: Annotated[list[str] | None, typer.Option("--service", help="repeat it; all if left out")] = None,
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Ask sales for a plan, for the customer."""
    said: dict[str, Any] = {"account": account, "request": name, "expected_usage": usage, "contact": contact}
    said |= {"currency": currency} | ({"budget": budget} if budget else {})
    if services:
        said["scope"] = [{"service": service} for service in services]
    _issue("request_plan", said, ident or f"request:{name}", timeout, as_json=as_json)


def draft(
    file: Annotated[str, typer.Argument(help="JSON with the fields of draft_plan; - for standard input")],
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Write a plan's first revision, or the next in its place. schemas/command.draft_plan.v1.json has the fields."""
    from drawdown.cli.command import read  # noqa: PLC0415

    try:
        terms = json.loads(read(file))
    except ValueError as error:
        raise BadInput(f"the draft is not JSON: {error}") from error
    if not isinstance(terms, dict):
        raise BadInput("the draft is no JSON object")
    name = f"draft:{terms.get('plan')}:{terms.get('revision')}"
    _issue("draft_plan", terms, str(ident or terms.get("id") or name), timeout, as_json=as_json)


def offer(
    account: Account,
    plan: Plan,
    revision: Revision,
    until: Until = "",
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Offer a draft to the customer; it lapses if it is not confirmed by `--until`, 30 days if that is left out."""
    said: dict[str, Any] = {"account": account, "plan": plan, "revision": revision}
    if until:
        said["until"] = until
    _issue("offer_plan", said, ident or f"offer:{plan}:{revision}", timeout, as_json=as_json)


def confirm(
    account: Account,
    plan: Plan,
    revision: Revision,
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Confirm exactly this revision, for the customer."""
    said = {"account": account, "plan": plan, "revision": revision}
    _issue("confirm_plan", said, ident or f"confirm:{plan}:{revision}", timeout, as_json=as_json)


def pay(
    account: Account,
    number: Annotated[int, typer.Argument(min=1, help="of the payment request")],
    amount: Annotated[str, typer.Option(help="what came in, such as 100.00")],
    currency: Annotated[str, typer.Option(help="the account's")],
    method: Annotated[Method, typer.Option(help="how it came in")],
    reference: Annotated[str, typer.Option(help="the payment's own; each counts once")],
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Record a payment."""
    said = {"account": account, "number": number, "amount": amount, "currency": currency}
    said |= {"method": method.value, "reference": reference}
    _issue("record_payment", said, f"payment:{reference}", timeout, as_json=as_json)


def pause(
    account: Account, plan: Plan, until: Until = "", ident: Ident = "", timeout: Timeout = 30, as_json: AsJson = False
) -> None:
    """Stop a plan's coverage and clock, for 30 days at most."""
    said = {"account": account, "plan": plan}
    if until:
        said["until"] = until
    _issue("pause_plan", said, ident or _any("pause"), timeout, as_json=as_json)


def resume(account: Account, plan: Plan, ident: Ident = "", timeout: Timeout = 30, as_json: AsJson = False) -> None:
    """Go on with a paused plan."""
    _issue("resume_plan", {"account": account, "plan": plan}, ident or _any("resume"), timeout, as_json=as_json)


def renew(
    account: Account,
    plan: Plan,
    renewal: Annotated[
        str, typer.Option("--as", metavar="NAME", help="the new plan's; one like PLAN-r1 if left out")
    ] = "",
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Renew a plan on its own terms: it is paid, and starts when the old one ends or runs out."""
    said = {"account": account, "plan": plan} | ({"renewal": renewal} if renewal else {})
    _issue("renew_plan", said, ident or f"renew:{plan}:{renewal}", timeout, as_json=as_json)


def auto_renew(
    account: Account,
    plan: Plan,
    on: Annotated[bool, typer.Option("--on/--off", help="whether it renews itself")] = True,
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Let a plan renew itself 14 days before its end or when 90 % of it is used, or no longer."""
    said = {"account": account, "plan": plan, "renewal": "automatic" if on else "by_request"}
    _issue("set_renewal", said, ident or _any("auto-renew"), timeout, as_json=as_json)


def cancel(
    account: Account,
    plan: Plan,
    at_cycle_end: Annotated[bool, typer.Option("--at-cycle-end", help="not now, but when its cycle ends")] = False,
    ident: Ident = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """End a plan, or take back one that has not started."""
    said = {"account": account, "plan": plan, "when": "cycle_end" if at_cycle_end else "now"}
    _issue("cancel_plan", said, ident or f"cancel:{plan}", timeout, as_json=as_json)


def _any(what: str) -> str:
    """Give an id of its own to a command that may be meant again."""
    return f"{what}:{secrets.token_hex(8)}"


def _issue(name: str, said: dict[str, Any], ident: str, timeout: float, *, as_json: bool) -> None:
    from drawdown.cli.command import issue  # noqa: PLC0415

    issue({**said, "command": name, "version": 1, "id": ident}, as_json=as_json, timeout=timeout)
