"""Money, input by input, from what was put out and the states around it: nothing here trusts `decide`."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from drawdown.domain.model import Account, Plan
from drawdown.domain.money import CURRENCIES
from drawdown.domain.wallet.model import OverageDue, Wallet
from drawdown.engine.errors import Halt
from drawdown.engine.input import Input
from drawdown.engine.records import OutRecord
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING
from drawdown.verify.report import CONSERVATION, NO_OVERSELL, ORDER
from drawdown.wire.outputs import BalanceMessage, Payer

Wrong = tuple[str, str, str]  # invariant, expected, found
Payee = tuple[str, str | None]  # kind and id of a source


class PaidPart(msgspec.Struct, frozen=True, gc=False):
    """A line of a charge or an overage. payer: None on an overage's."""

    amount: str
    payer: Payer | None = None


class Priced(msgspec.Struct, frozen=True, gc=False):
    """A charge or an overage, as far as its money goes."""

    currency: str
    total: str
    lines: list[PaidPart]
    balances: list[BalanceMessage] = []


class Event(msgspec.Struct, frozen=True, gc=False):
    """An account event, as far as its money goes."""

    kind: str
    amount: str
    currency: str


class MoneyChecks(Protocol):
    """What must hold of one input's money."""

    def step(self, before: object | None, after: object, item: Input, outputs: Sequence[OutRecord]) -> list[Wrong]:
        """Give what does not hold between the states before and after an input that put this out."""
        ...


_priced = msgspec.json.Decoder(Priced).decode
_event = msgspec.json.Decoder(Event).decode


def checks_of(ledger: str) -> MoneyChecks | None:
    """Give the money checks of a ledger, None for one that has no money of its own."""
    checks: dict[str, MoneyChecks] = {"plans": PlansMoney(), "wallet": WalletMoney()}
    return checks.get(ledger)


def quanta(text: str, currency: str) -> int:
    """Read a decimal string as quanta of its currency, exactly."""
    digits = CURRENCIES[currency].quantum_digits
    whole, _, fraction = text.partition(".")
    if len(fraction) > digits:
        msg = f"{text} {currency} is finer than {digits} decimals: no ledger writes that"
        raise Halt(msg)
    return int(whole + fraction.ljust(digits, "0"))


def _sums(priced: Priced) -> list[Wrong]:
    """Check that the lines make the total."""
    total = sum(quanta(line.amount, priced.currency) for line in priced.lines)
    if total == quanta(priced.total, priced.currency):
        return []
    return [(CONSERVATION, f"lines that make {priced.total}", f"lines that make {total} quanta")]


def _drawn(priced: Priced) -> dict[Payee, int]:
    """Sum up what each source paid."""
    drawn: dict[Payee, int] = {}
    for line in priced.lines:
        if line.payer is not None:
            key = line.payer.kind, line.payer.id
            drawn[key] = drawn.get(key, 0) + quanta(line.amount, priced.currency)
    return drawn


class PlansMoney:
    """Of plans: amount = spent + remaining + forfeited + rolled over + credited, nothing below 0."""

    def step(self, before: object | None, after: object, item: Input, outputs: Sequence[OutRecord]) -> list[Wrong]:  # noqa: ARG002
        """Check the plans, and that each spent what its charges say."""
        if not isinstance(after, Account):
            return []
        wrong: list[Wrong] = []
        drawn: dict[str, int] = {}
        for output in outputs:
            if output.topic not in {CHARGES, CREDIT_CHARGING}:
                continue
            priced = _priced(output.value or b"")
            wrong += _sums(priced)
            if output.topic == CHARGES:
                wrong += _balances_of_plans(priced)
                for (_, payer), amount in _drawn(priced).items():
                    drawn[payer or ""] = drawn.get(payer or "", 0) + amount
        earlier = {plan.id: plan for plan in before.plans} if isinstance(before, Account) else {}
        for plan in after.plans:
            if plan == earlier.get(plan.id):
                continue
            wrong += _parts_of(plan)
            spent = plan.spent - (earlier[plan.id].spent if plan.id in earlier else 0)
            if spent != drawn.get(plan.id, 0):
                told = f"plan {plan.id} to spend {drawn.get(plan.id, 0)} quanta, as its charges say"
                wrong.append((CONSERVATION, told, f"{spent}"))
        applied = before.applied if isinstance(before, Account) else 0
        if after.applied != applied + 1:
            wrong.append((ORDER, f"applied {applied + 1}", f"{after.applied}"))
        return wrong


def _parts_of(plan: Plan) -> list[Wrong]:
    gone = plan.forfeited + plan.rolled_over + plan.credited
    left = plan.amount - plan.spent - gone
    parts = f"spent {plan.spent}, forfeited {plan.forfeited}, rolled over {plan.rolled_over}, credited {plan.credited}"
    wrong: list[Wrong] = []
    if min(plan.spent, plan.forfeited, plan.rolled_over, plan.credited, left) < 0:
        wrong.append((NO_OVERSELL, f"no part of plan {plan.id} below 0", f"{parts}, remaining {left} of {plan.amount}"))
    closed = plan.status == "expired" or plan.expired_by == "replaced"
    if closed and left:
        wrong.append((CONSERVATION, f"nothing left of plan {plan.id}, which is closed", f"{left} of {plan.amount}"))
    by_service = sum(amount for _, amount in plan.spent_by_service)
    if by_service != plan.spent:
        wrong.append((CONSERVATION, f"plan {plan.id} spent {plan.spent} over its services", f"{by_service}"))
    for quota in plan.quotas:
        if quota.spent > quota.amount:
            told = f"at most {quota.amount} of plan {plan.id} for {quota.item.service}"
            wrong.append((NO_OVERSELL, told, f"{quota.spent}"))
    return wrong


def _balances_of_plans(priced: Priced) -> list[Wrong]:
    drawn = _drawn(priced)
    wrong: list[Wrong] = []
    for balance in priced.balances:
        paid = drawn.get((balance.kind, balance.id), 0)
        if quanta(balance.before, priced.currency) - paid != quanta(balance.after, priced.currency):
            told = f"plan {balance.id}: {balance.before} less {paid} quanta paid"
            wrong.append((ORDER, told, balance.after))
        if quanta(balance.after, priced.currency) < 0:
            wrong.append((NO_OVERSELL, f"plan {balance.id} at 0 or more", balance.after))
    return wrong


_GAINS = {"voucher_granted": 1, "topped_up": 1, "adjusted": 1, "voucher_forfeited": -1}


class WalletMoney:
    """Of wallets: what was granted and paid in = what is left of it + drawn + forfeited, less what is owed."""

    def step(self, before: object | None, after: object, item: Input, outputs: Sequence[OutRecord]) -> list[Wrong]:
        """Check the sources, that an overage is drawn whole, and that credit less debt moves by what was put out."""
        if not isinstance(after, Wallet):
            return []
        wrong = _below(after)
        moved, charged = 0, 0
        due = item.body if isinstance(item.body, OverageDue) else None
        refused = False
        for output in outputs:
            if output.topic == CHARGES:
                priced = _priced(output.value or b"")
                wrong += _sums(priced)
                charged += quanta(priced.total, priced.currency)
                wrong += _sources(before if isinstance(before, Wallet) else None, priced)
            elif output.topic == ACCOUNT_EVENTS:
                event = _event(output.value or b"")
                refused = refused or event.kind == "overage_refused"
                moved += _GAINS.get(event.kind, 0) * quanta(event.amount, event.currency)
        if due is not None and charged != (0 if refused else due.total):
            wrong.append((CONSERVATION, f"overage {due.overage} drawn whole: {due.total} quanta", f"{charged} drawn"))
        net = _net(before) if isinstance(before, Wallet) else 0
        if _net(after) != net + moved - charged:
            told = f"credit less debt at {net} + {moved} granted, paid in, forfeited - {charged} drawn"
            wrong.append((CONSERVATION, f"{told} = {net + moved - charged}", f"{_net(after)}"))
        applied = before.applied if isinstance(before, Wallet) else 0
        if after.applied != applied + 1:
            wrong.append((ORDER, f"applied {applied + 1}", f"{after.applied}"))
        return wrong


def _left(wallet: Wallet) -> dict[Payee, int]:
    """Give what is left of each source; of debt, what is owed."""
    left: dict[Payee, int] = {("debt", None): wallet.debt}
    left |= {("voucher", one.id): sum(part.amount - part.spent for part in one.parts) for one in wallet.vouchers}
    return left | {("top_up", one.id): one.amount - one.spent for one in wallet.top_ups}


def _net(wallet: Wallet) -> int:
    return sum(amount for (kind, _), amount in _left(wallet).items() if kind != "debt") - wallet.debt


def _below(wallet: Wallet) -> list[Wrong]:
    wrong: list[Wrong] = []
    for (kind, ident), left in _left(wallet).items():
        if left < 0:
            wrong.append((NO_OVERSELL, f"{kind} {ident or ''} at 0 or more", f"{left}"))
    for voucher in wallet.vouchers:
        for part in voucher.parts:
            if part.spent > part.amount:
                told = f"at most {part.amount} of a part of voucher {voucher.id}"
                wrong.append((NO_OVERSELL, told, f"{part.spent}"))
    return wrong


def _sources(before: Wallet | None, priced: Priced) -> list[Wrong]:
    """Check that each balance begins where the source stood, and ends where its payments leave it."""
    held: dict[Payee, int] = _left(before) if before else {("debt", None): 0}
    wrong: list[Wrong] = []
    for line, balance in zip(priced.lines, priced.balances, strict=False):
        key = balance.kind, balance.id
        start, end = quanta(balance.before, priced.currency), quanta(balance.after, priced.currency)
        paid = quanta(line.amount, priced.currency) * (-1 if balance.kind == "debt" else 1)
        if start != held.get(key):
            wrong.append((ORDER, f"{balance.kind} {balance.id or ''} at {held.get(key)} before", f"{start}"))
        if start - paid != end:
            wrong.append((ORDER, f"{balance.kind} {balance.id or ''} at {start - paid} after", f"{end}"))
        held[key] = end
    return wrong
