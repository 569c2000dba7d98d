"""Sums of an output, with decimals and nothing of the rest: lines come to the total, and no balance is below zero."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from drawdown.domain.model import Account
from drawdown.domain.wallet.model import Wallet
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING
from drawdown.verify.model import CONSERVATION, OVERSELL

Wrong = list[tuple[str, str]]  # invariant, what is wrong


def unbalanced(said: dict[str, Any]) -> Wrong:
    """Say what does not add up in a charge or an overage."""
    if "lines" not in said:
        return []
    found: Wrong = []
    total = sum((Decimal(line["amount"]) for line in said["lines"]), Decimal(0))
    if total != Decimal(said["total"]):
        found.append((CONSERVATION, f"the lines come to {total}, the total is {said['total']}"))
    paid: dict[tuple[str, str | None], Decimal] = defaultdict(Decimal)
    for line in said["lines"]:
        if "payer" in line:
            paid[line["payer"]["kind"], line["payer"]["id"]] += Decimal(line["amount"])
    for balance in said.get("balances", ()):
        payer = balance["kind"], balance["id"]
        before, after = Decimal(balance["before"]), Decimal(balance["after"])
        moved = after - before if payer[0] == "debt" else before - after
        if moved != paid[payer]:
            found.append((CONSERVATION, f"{_name(payer)} paid {paid[payer]}, and its balance moved by {moved}"))
        if after < 0:
            found.append((OVERSELL, f"{_name(payer)} is at {after}"))
    return found


def of_overage(topic: str, said: dict[str, Any]) -> Decimal:
    """Give the total of an overage, and likewise what the wallet made of one: a charge or a refusal."""
    if topic == CREDIT_CHARGING or (topic == CHARGES and said["ledger"] == "wallet"):
        return Decimal(said["total"])
    if topic == ACCOUNT_EVENTS and said["kind"] == "overage_refused":
        return Decimal(said["amount"])
    return Decimal(0)


def _name(payer: tuple[str, str | None]) -> str:
    return f"{payer[0]} {payer[1]}" if payer[1] else payer[0]


def unconserved(state: object) -> Wrong:
    """Say what of a state's sources is not what became of it. Amounts in quanta."""
    if isinstance(state, Account):
        return _plans(state)
    return _credit(state) if isinstance(state, Wallet) else []


def _plans(account: Account) -> Wrong:
    found: Wrong = []
    for plan in account.plans:
        gone = plan.forfeited + plan.rolled_over + plan.credited
        left = plan.amount - plan.spent - gone
        closed = plan.status == "expired" or plan.expired_by == "replaced"
        if left < 0:
            found.append((OVERSELL, f"plan {plan.id} has {left} left of {plan.amount}"))
        if (closed and left) or sum(amount for _, amount in plan.spent_by_service) != plan.spent:
            found.append((CONSERVATION, f"plan {plan.id}: {plan.amount} is not {plan.spent} spent and {gone} gone"))
    return found


def _credit(wallet: Wallet) -> Wrong:
    found: Wrong = []
    for voucher in wallet.vouchers:
        found += [
            (OVERSELL, f"voucher {voucher.id} has spent {part.spent} of {part.amount}")
            for part in voucher.parts
            if not 0 <= part.spent <= part.amount
        ]
    found += [
        (OVERSELL, f"top-up {one.id} has spent {one.spent} of {one.amount}")
        for one in wallet.top_ups
        if not 0 <= one.spent <= one.amount
    ]
    if wallet.debt < 0:
        found.append((OVERSELL, f"the debt is {wallet.debt}"))
    return found
