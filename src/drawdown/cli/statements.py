"""A statement, for people."""

from drawdown.cli.output import say, short, show_table, when
from drawdown.history.statement import Statement


def report(found: Statement) -> None:
    """Print it."""
    say(f"Statement of {found.account}, {found.currency}, from {when(found.start)} to {when(found.end)}")
    if not found.whole:
        say("The history does not know the account from its beginning: opening balances lack what was before.")
    if found.plans:
        names = ("opening", "purchased", "added", "used", "forfeited", "moved", "closing")
        rows = [(line.plan, *(short(getattr(line, name)) for name in names)) for line in found.plans]
        show_table(("plan", *(f">{name}" for name in names)), rows, "Plans")
    vouchers, cash = found.vouchers, found.top_ups_less_debt
    came = vouchers.opening, vouchers.granted, vouchers.used, vouchers.forfeited, vouchers.closing
    credit: list[tuple[str, ...]] = [("vouchers", *map(short, came))]
    credit.append(
        ("top-ups less debt", *map(short, (cash.opening, cash.topped_up, cash.used)), "", short(cash.closing))
    )
    show_table(("credit", ">opening", ">came", ">used", ">forfeited", ">closing"), credit, "Credit")
    if cash.adjusted.strip("0.-"):
        say(f"adjusted by operators: {short(cash.adjusted)}, in what is left of top-ups less debt")
    if found.services:
        payers = ("plan", "voucher", "top_up", "debt", "total")
        used = [(line.service, *(short(getattr(line, name)) for name in payers)) for line in found.services]
        show_table(("service", ">by plans", ">by vouchers", ">by top-ups", ">as debt", ">total"), used, "Usage")
    say(f"paid for plans: {short(found.paid)}")
