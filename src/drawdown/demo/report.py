"""The report that people read."""

import math
from fractions import Fraction

from rich.console import Console
from rich.table import Table

from drawdown.demo.summary import Summary, busiest, decimal, services_of
from drawdown.oracle.audit import Audit
from drawdown.oracle.state import Plan

BUSIEST = 5
_DAY_MS, _HOUR_MS, _MINUTE_MS = 86_400_000, 3_600_000, 60_000
_STATUS = {"active": "Active", "settling": "Expired (settling)", "expired": "Expired"}


def show(summary: Summary, found: Audit, console: Console, now: int) -> None:
    """Print totals, the busiest accounts, dead letters and the verdict."""
    console.print()
    console.print(_totals(summary))
    console.print(_accounts(found, now))
    letters = ", ".join(f"{reason} {count}" for reason, count in summary.dead_letters.items()) or "none"
    console.print(f"Dead letters: {letters}", soft_wrap=True)
    refused = summary.events + summary.replayed - summary.rated - summary.duplicates  # commands are not among these
    console.print(
        f"{summary.events} usage events: {summary.rated} rated, {summary.duplicates} duplicates, {refused} refused"
        f" ({summary.replayed} of them repaired and replayed), {summary.forwarded} forwarded to their partition;"
        f" {summary.charges} charges by plans,"
        f" {summary.overages} overages, {summary.drawn} of them drawn from credit",
        soft_wrap=True,
    )
    console.print(
        f"Splits: {summary.splits['amount']} in amount, {summary.splits['time']} in time."
        f" Plans expired: {summary.plans_expired['amount']} by amount, {summary.plans_expired['time']} by time",
        soft_wrap=True,
    )
    if any(summary.lives.values()):
        told = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in summary.lives.items())
        console.print(f"Plans' lives: {told}", soft_wrap=True)
    told = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in summary.credit.items())
    console.print(f"Credit: {told}", soft_wrap=True)
    console.print(f"{summary.events_per_second} events/s over {summary.seconds} s, publishing included")
    if summary.metrics_agree:
        console.print("The worker's metrics say the same, to the last event and unit")
    for finding in summary.findings:
        console.print(f"[red]wrong[/red] {finding}", soft_wrap=True)
    if summary.conserved:
        console.print("[green]conserved[/green]: every id has one outcome, every amount is right, seq has no gap,")
        console.print("and granted = remaining + spent + forfeited + passed on for every plan, voucher and top-up;")
        console.print("what was used is paid by plans, vouchers and top-ups, or owed. Redis agrees with the log.")
        if summary.in_history:
            told = (
                f"{summary.in_history} charges rolled up by the hour; each account, service, payer and balance agrees."
            )
            console.print(f"[green]history[/green]: {told}")
        told = f"{summary.verified} inputs replayed through the rules; every byte on the log and in Redis is theirs."
        console.print(f"[green]verified[/green]: {told}")
    else:
        console.print("[red]NOT conserved[/red]: see above")


def _totals(summary: Summary) -> Table:
    table = Table(title="Usage by service and who paid", title_justify="left")
    for column in ("currency", "service"):
        table.add_column(column)
    for column in ("by plans", "on demand:", "vouchers", "top-ups", "debt"):
        table.add_column(column, justify="right")
    for currency, services in summary.by_service.items():
        for service, paid in services.items():
            sources = ("plan", "on demand", "voucher", "top_up", "debt")
            table.add_row(currency, service, *(_short(paid.get(source, "0")) for source in sources))
    return table


def _accounts(found: Audit, now: int) -> Table:
    table = Table(title="The busiest accounts and their plans", title_justify="left")
    for column in ("account", "plan", "services"):
        table.add_column(column)
    table.add_column("remaining", justify="right")
    table.add_column("time left", justify="right")
    table.add_column("spent", justify="right")
    table.add_column("status")
    for name, account in busiest(found, BUSIEST):
        for plan in account.plans:
            table.add_row(
                f"{name} ({account.currency})",
                plan.name.removeprefix(f"{name}-"),
                services_of(plan),
                _short(decimal(plan.amount - plan.spent)),
                _time_left(plan, now),
                _short(decimal(plan.spent)),
                _STATUS[plan.status],
            )
    return table


def _short(amount: str) -> str:
    """Round an amount to cents, for people."""
    cents = math.floor(Fraction(amount) * 100 + Fraction(1, 2))
    return f"{cents // 100:,}.{cents % 100:02d}"


def _time_left(plan: Plan, now: int) -> str:
    if plan.end is None:
        return "open-ended"
    left = plan.end - now
    if left <= 0:
        return "none"
    if left >= _DAY_MS:
        return f"{left // _DAY_MS} days"
    return f"{left // _HOUR_MS} h {left % _HOUR_MS // _MINUTE_MS} min"
