"""Credit for the accounts of a real stack, and what is read back of it."""

import json
from collections import defaultdict
from fractions import Fraction

from tests.support.messages import Message

from drawdown.demo.scenario import command
from drawdown.demo.stage import Stage
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, WALLET_COMMANDS
from drawdown.traces.events import Outgoing
from drawdown.wire.instants import format_instant

DAY = 86_400_000


def voucher(account: str, at: int, amount: str, expires: int | None = None, **values: object) -> Outgoing:
    end = format_instant(at + DAY if expires is None else expires)
    return _command(account, "grant_voucher", at, voucher=f"{account}-v", expires=end, amount=amount, **values)


def top_up(account: str, at: int, amount: str = "25") -> Outgoing:
    return _command(account, "top_up", at, reference=f"{account}-t", amount=amount)


def adjust(account: str, at: int, amount: str) -> Outgoing:
    told = {"adjustment": f"{account}-a", "amount": amount, "reason": "a test", "operator": "tests"}
    return _command(account, "adjust", at, **told)


def open_wallet(account: str, at: int) -> Outgoing:
    return _command(account, "open_account", at)


def _command(account: str, name: str, at: int, **values: object) -> Outgoing:
    return command(account, f"{name}-{account}", name, at, topic=WALLET_COMMANDS, currency="USD", **values)


async def said(stage: Stage, topic: str, ledger: str) -> list[Message]:
    """Read back what a ledger wrote to a topic."""
    found = [json.loads(record.value) for record in (await stage.read())[topic] if record.value]
    return [message for message in found if message["ledger"] == ledger]


async def events(stage: Stage, kind: str) -> list[Message]:
    return [event for event in await said(stage, ACCOUNT_EVENTS, "wallet") if event["kind"] == kind]


async def drawn(stage: Stage) -> list[tuple[str, str, Fraction]]:
    """Give (event, payer's kind, amount) of each line that the wallet paid, by seq of one account."""
    charges = sorted(await said(stage, CHARGES, "wallet"), key=lambda charge: int(charge["seq"]))
    return [
        (charge["event"]["id"], line["payer"]["kind"], Fraction(line["amount"]))
        for charge in charges
        for line in charge["lines"]
    ]


async def paid(stage: Stage) -> dict[str, Fraction]:
    """Give what each kind of payer paid."""
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for _, kind, amount in await drawn(stage):
        sums[kind] += amount
    return sums
