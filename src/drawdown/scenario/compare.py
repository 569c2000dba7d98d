"""What differs between the outputs that a step lists and those that came, in words."""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Protocol

from drawdown.domain.money import CURRENCIES
from drawdown.domain.money import format_amount as _format
from drawdown.scenario.form import Output, StateForm
from drawdown.scenario.world import Told

_DECIMAL = re.compile(r"-?\d{1,19}(\.\d{1,18})?", re.ASCII)
_SHOWN = {
    "charge": ("account", "event.id", "total", "paid"),
    "overage": ("account", "event.id", "total", "seq"),
    "drawn": ("account", "event.id", "total", "paid"),
    "event": ("account", "ledger", "kind", "plan", "credit", "code", "reason", "amount", "detail"),
    "refused": ("code", "ledger", "detail"),
    "book_refused": ("code", "detail"),
    "duplicate": ("ledger",),
    "halted": ("detail",),
}


class Readable(Protocol):
    """Where the ledgers' states can be read."""

    def state(self, ledger: str, account: str) -> Any:
        """Give a ledger's state of an account, None if it has none."""
        ...


def outputs(expected: Sequence[Output], came: Sequence[Told]) -> list[str]:
    """List the differences; an output that is not listed is one, and so is one that did not come."""
    found = []
    for number, (wanted, told) in enumerate(zip_longest(expected, came), 1):
        if wanted is None:
            found.append(f"output {number} is not listed: {shown(told)}")
        elif told is None:
            found.append(f"output {number} did not come: {said(wanted)}")
        elif wanted.kind != told.kind:
            found.append(f"output {number}: expected {said(wanted)}, came {shown(told)}")
        else:
            found += [f"output {number} ({told.kind}) {what}" for what in _output(wanted, told)]
    return found


def _output(wanted: Output, told: Told) -> list[str]:
    value = getattr(wanted, wanted.kind)
    if wanted.kind in {"refused", "book_refused"}:
        code = told.message["code"]
        return [] if value == code else [f"code: expected {value}, came {code}: {told.message['detail']}"]
    if not isinstance(value, dict):
        return []
    return _fields(value, told.message, "")


def _fields(wanted: dict[str, Any], came: dict[str, Any], before: str) -> list[str]:
    found = []
    for name, value in wanted.items():
        where = f"{before}{name}"
        if name not in came:
            found.append(f"{where}: there is no such field; there are {', '.join(sorted(came)) or 'none'}")
        elif name == "paid" and not before:
            found += _paid(value, came[name])
        else:
            found += _value(value, came[name], where)
    return found


def _value(wanted: Any, came: Any, where: str) -> list[str]:
    if isinstance(wanted, dict) and isinstance(came, dict):
        return _fields(wanted, came, f"{where}.")
    if isinstance(wanted, list) and isinstance(came, list):
        if len(wanted) != len(came):
            return [f"{where}: expected {len(wanted)} entries, came {len(came)}"]
        return [
            what
            for index, (one, other) in enumerate(zip(wanted, came, strict=True))
            for what in _value(one, other, f"{where}.{index}")
        ]
    return [] if same(wanted, came) else [f"{where}: expected {_plain(wanted)}, came {_plain(came)}"]


def same(wanted: Any, came: Any) -> bool:
    """Say whether two values are equal; decimal strings are by their worth, so that "1.5" is "1.500000000"."""
    if isinstance(wanted, str) and isinstance(came, str) and _DECIMAL.fullmatch(wanted) and _DECIMAL.fullmatch(came):
        return Decimal(wanted) == Decimal(came)
    return type(wanted) is type(came) and bool(wanted == came)


def summed(paid: Sequence[tuple[str, str]]) -> dict[str, Decimal]:
    """Sum the lines of each payer, in the order in which the payers first come."""
    found: dict[str, Decimal] = {}
    for payer, amount in paid:
        found[payer] = found.get(payer, Decimal(0)) + Decimal(amount)
    return found


def _paid(wanted: dict[str, str], came: Sequence[tuple[str, str]]) -> list[str]:
    told = summed(came)
    if list(told.items()) == [(payer, Decimal(amount)) for payer, amount in wanted.items()]:
        return []
    return [f"paid: expected {_payers(summed(list(wanted.items())))}, came {_payers(told)}"]


def _payers(paid: dict[str, Decimal]) -> str:
    return ", ".join(f"{payer} {_short(str(amount))}" for payer, amount in paid.items()) or "nobody"


def states(expected: dict[str, StateForm], world: Readable) -> list[str]:
    """List what differs of the accounts' states."""
    return [what for account, form in expected.items() for what in state(account, form, view(world, account))]


def state(account: str, form: StateForm, came: dict[str, Any]) -> list[str]:
    """List what differs of an account's state. came: it, as `view` gives it."""
    before = f"state.{account}."
    return _fields(form.model_dump(exclude_unset=True), came, before) + _complete(form, came, before)


def _complete(form: StateForm, came: dict[str, Any], before: str) -> list[str]:
    """List what a state has more of where the scenario lists all."""
    found = []
    for name in ("vouchers", "top_ups"):
        wanted = getattr(form.wallet, name, None)
        more = [] if wanted is None else [one for one in came["wallet"].get(name, {}) if one not in wanted]
        found += [f"{before}wallet.{name}.{one} is not listed: {came['wallet'][name][one]}" for one in more]
    for field in ("offers", "due"):
        listed = getattr(form, field)
        more = [] if listed is None else [one for one in came[field] if one not in listed]
        found += [f"{before}{field}.{one} is not listed: {came[field][one]}" for one in more]
    for plan, told in (form.plans or {}).items():
        there = came["plans"].get(plan, {}).get("by_service", {})
        more = [] if told.by_service is None else [one for one in there if one not in told.by_service]
        found += [f"{before}plans.{plan}.by_service.{one} is not listed: {there[one]}" for one in more]
    return found


def view(world: Readable, account: str) -> dict[str, Any]:
    """Give an account's plans and wallet as scenarios tell them."""
    owner, wallet = world.state("plans", account), world.state("wallet", account)
    return {
        "plans": {plan.id: _plan(plan, owner.currency) for plan in owner.plans} if owner else {},
        "offers": {offer.plan: offer.status for offer in owner.offers} if owner else {},
        "due": {str(one.number): _amount(one.amount - one.paid, owner.currency) for one in owner.requests if one.number}
        if owner
        else {},
        "wallet": _wallet(wallet) if wallet else {},
    }


def _plan(plan: Any, currency: str) -> dict[str, Any]:
    left = plan.amount - plan.spent - plan.forfeited - plan.rolled_over - plan.credited
    return {
        "status": plan.status,
        "amount": _amount(plan.amount, currency),
        "spent": _amount(plan.spent, currency),
        "remaining": _amount(left, currency),
        "forfeited": _amount(plan.forfeited, currency),
        "rolled_over": _amount(plan.rolled_over, currency),
        "credited": _amount(plan.credited, currency),
        "by_service": {service: _amount(spent, currency) for service, spent in plan.spent_by_service},
    }


def _wallet(wallet: Any) -> dict[str, Any]:
    def left(amount: int) -> str:
        return _amount(amount, wallet.currency)

    return {
        "vouchers": {one.id: left(sum(part.amount - part.spent for part in one.parts)) for one in wallet.vouchers},
        "top_ups": {one.id: left(one.amount - one.spent) for one in wallet.top_ups},
        "debt": left(wallet.debt),
    }


def _amount(quanta: int, currency: str) -> str:
    return _format(quanta, CURRENCIES[currency])


def shown(told: Told) -> str:
    """Write an output in a line."""
    parts = []
    for name in _SHOWN.get(told.kind, tuple(told.message)):
        value: Any = told.message
        for step in name.split("."):
            value = value[step]
        if name == "paid":
            parts.append(f"paid {{{_payers(summed(value))}}}")
        elif value not in (None, ""):
            parts.append(f"{name} {_plain(value)}")
    return f"{told.kind}: {', '.join(parts)}"


def said(wanted: Output) -> str:
    """Write an expected output in a line."""
    value = getattr(wanted, wanted.kind)
    if isinstance(value, dict):
        return f"{wanted.kind}: {', '.join(f'{name} {_plain(entry)}' for name, entry in value.items())}"
    return wanted.kind if value is True else f"{wanted.kind}: {value}"


def _plain(value: Any) -> str:
    return _short(value) if isinstance(value, str) else "nothing" if value is None else str(value)


def _short(text: str) -> str:
    """Cut the zeros off a decimal string."""
    return text.rstrip("0").rstrip(".") if "." in text and _DECIMAL.fullmatch(text) else text
