"""The history against the log and the ledgers: to the last unit, by account, service, payer; balances as in Redis."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from pydantic import SecretStr

from drawdown.adapters.clock import SystemClock
from drawdown.domain.money import CURRENCIES
from drawdown.engine.records import Record
from drawdown.history.archive import Archive
from drawdown.history.counting import Counts
from drawdown.history.database import open_database
from drawdown.history.filters import HOUR_MS, Period
from drawdown.history.projector import Projector
from drawdown.history.statement import Statement
from drawdown.operate.accounts import AccountView, view_of
from drawdown.operate.desk import Desk
from drawdown.settings import Settings

Sums = dict[tuple[str, str, str, str], Fraction]  # account, service, payer, its id


async def checked(settings: Settings, charges: Iterable[Record], address: SecretStr | None = None) -> list[str]:
    """Bring a log into a database, a file of its own without an address, and say how it differs. charges: the log's."""
    with TemporaryDirectory(prefix="drawdown-history-") as folder:
        told = address or SecretStr(f"sqlite:///{Path(folder) / 'history.db'}")
        there = settings.model_copy(update={"history": told})
        engine = open_database(told, writing=True)
        try:
            await Projector(there, engine, Counts()).catch_up()
        finally:
            engine.dispose()
        return await differences(there, list(charges))


async def differences(settings: Settings, charges: list[Record]) -> list[str]:
    """Compare a history that is at the end of the log. charges: all that the log holds."""
    said = [msgspec.json.decode(record.value) for record in charges if record.value]
    told = _charged(said)
    names = sorted({account for account, *_ in told})
    with Archive(settings) as archive:
        held = _held(archive, names)
        found = [
            f"history: {' '.join(key)} is {held.get(key, 0)}, the charges say {told.get(key, 0)}"
            for key in sorted(told.keys() | held.keys())
            if told.get(key, 0) != held.get(key, 0)
        ]
        async with Desk(settings) as desk:
            end = max([SystemClock().now_ms(), *(record.timestamp for record in charges)]) // HOUR_MS * HOUR_MS
            for name in names:
                view = await view_of(desk, name)
                statement = await asyncio.to_thread(archive.statement, name, Period(0, end + 2 * HOUR_MS))
                found += _unlike(statement, view)
    return found


def _charged(said: Iterable[dict[str, Any]]) -> Sums:
    sums: Sums = defaultdict(Fraction)
    for charge in said:
        for line in charge["lines"]:
            payer = line["payer"]
            sums[charge["account"], charge["event"]["service"], payer["kind"], payer["id"] or ""] += Fraction(
                line["amount"]
            )
    return {key: amount for key, amount in sums.items() if amount}


def _held(archive: Archive, names: Iterable[str]) -> Sums:
    held: Sums = {}
    for name in names:
        quantum = Fraction(1, 10 ** CURRENCIES[archive.owner(name).currency].quantum_digits)
        for key, amount in archive.spent_since(name, 0).by.items():
            if amount:
                held[(name, *key)] = amount * quantum
    return held


def _unlike(statement: Statement, view: AccountView | None) -> list[str]:
    """Compare the balances that a statement closes with."""
    if view is None:
        return [f"history: account {statement.account} is not in Redis"]
    left = {plan.plan: Fraction(plan.remaining) for plan in view.plans}
    closing = {line.plan: Fraction(line.closing) for line in statement.plans}
    names = left.keys() | {name for name, amount in closing.items() if amount}
    pairs = {f"plan {name}": (closing.get(name, Fraction(0)), left.get(name, Fraction(0))) for name in names}
    wallet = view.wallet
    if wallet is not None:
        cash = Fraction(wallet.top_up_credit) - Fraction(wallet.debt)
        pairs |= {
            "vouchers": (Fraction(statement.vouchers.closing), Fraction(wallet.voucher_credit)),
            "top-ups less debt": (Fraction(statement.top_ups_less_debt.closing), cash),
        }
    return [
        f"history: {what} of {statement.account} closes with {ours}, Redis has {theirs}"
        for what, (ours, theirs) in sorted(pairs.items())
        if ours != theirs
    ]
