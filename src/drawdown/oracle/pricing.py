"""Price books, and who pays what of an event's pieces: per unit, in tiers, in packages."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from drawdown.oracle import life
from drawdown.oracle.counting import Counting
from drawdown.oracle.reading import Refused, Usage, instant
from drawdown.oracle.rules import MICRO, covers, half_up, price_of, quantum
from drawdown.oracle.state import Account, Expected, Line, Plan, event

HOUR = 3_600_000
Pieces = list[tuple[int, str, Fraction]]


class Books:
    """The price books that were published."""

    def __init__(self) -> None:
        """Hold none."""
        self.all: dict[tuple[str, int], dict[str, Any]] = {}
        self._found: dict[object, dict[str, Any] | None] = {}

    def publish(self, value: bytes, appended: int) -> None:
        """Take a price book; one that changes the past, or what its name or currency stands for, is skipped."""
        book = json.loads(value)
        kind, currency = book["kind"], book["currency"]
        siblings = [other for other in self.all.values() if other["name"] == book["name"]]
        if siblings and instant(book["effective_from"]) < appended + HOUR:
            return
        if any((other["kind"], other["currency"]) != (kind, currency) for other in siblings):
            return
        if kind == "on_demand" and any(other["name"] != book["name"] for other in self.on_demand(currency)):
            return
        self.all.setdefault((book["name"], book["version"]), book)

    def on_demand(self, currency: str) -> list[dict[str, Any]]:
        """List the versions of a currency's on-demand book."""
        return [book for book in self.all.values() if book["kind"] == "on_demand" and book["currency"] == currency]

    def price(self, book: dict[str, Any], usage: Usage, meter: str) -> dict[str, Any] | None:
        """Find a book's price for a meter of the usage."""
        key = (book["name"], book["version"], usage.service, meter, *usage.dimensions.items())
        if key not in self._found:
            self._found[key] = price_of(book, usage.service, meter, usage.dimensions)
        return self._found[key]

    def in_force(self, currency: str, at: int) -> dict[str, Any]:
        """Find the on-demand version that holds at an instant."""
        books = [book for book in self.on_demand(currency) if instant(book["effective_from"]) <= at]
        if not books:
            raise Refused("unknown_price")
        return max(books, key=lambda entry: (instant(entry["effective_from"]), entry["version"]))


@dataclass(frozen=True)
class Part:
    """A quantity that a price treats alike, and what it costs unrounded. size: of packages."""

    quantity: Fraction
    cost: Fraction
    tier: int | None = None
    size: int | None = None

    def opened(self, before: Fraction, quantity: Fraction) -> int | None:
        """Count the packages that a quantity opens after what was used before."""
        return None if self.size is None else _begun(before + quantity, self.size) - _begun(before, self.size)


def parts(price: dict[str, Any], before: Fraction, quantity: Fraction) -> Iterator[Part]:
    """Give the parts of the units from `before` to `before` + `quantity`."""
    model, per = price.get("model", "per_unit"), price["per"]
    if model == "per_unit":
        yield Part(quantity, quantity * Fraction(price["unit_price"]) / per)
    elif model == "graduated":
        low = Fraction(0)
        for number, tier in enumerate(price["tiers"], 1):
            high = before + quantity if tier.get("up_to") is None else Fraction(tier["up_to"])
            inside = min(high, before + quantity) - max(low, before)
            if inside > 0:
                yield Part(inside, inside * Fraction(tier["unit_price"]) / per, tier=number)
            low = max(low, high)
    else:
        held = min(_begun(before, per) * per - before, quantity)
        bought = _begun(before + quantity, per) - _begun(before, per)
        if held:
            yield Part(held, Fraction(0), size=per)
        if bought:
            yield Part(quantity - held, bought * Fraction(price["unit_price"]), size=per)


def _begun(quantity: Fraction, size: int) -> int:
    return math.ceil(quantity / size)


class Payment:
    """One event while it is paid."""

    def __init__(self, account: Account, usage: Usage, books: Books, counting: Counting, now: int) -> None:
        """Work on copies of the plans, so that a refusal changes nothing."""
        self.account, self.usage, self.books, self.counting, self.now = account, usage, books, counting, now
        self.quantum = quantum(account.currency)
        ordered = sorted(account.plans, key=_order)
        self.plans = [plan if plan.status == "expired" else plan.copied() for plan in ordered]
        self.paid: list[Line] = []
        self.demand: list[Line] = []

    def pay(self, pieces: Pieces) -> list[Expected]:
        """Pay the pieces in their order; give what comes out."""
        plans, usage = self.plans, self.usage
        before = {plan.name: plan.amount - plan.spent for plan in plans}
        for time, meter, whole in pieces:
            quantity = whole
            for plan in plans:
                if quantity and _accepts(plan, usage, time, self.now):
                    quantity = self._draw(plan, time, meter, quantity)
            if quantity:
                self._on_demand(time, meter, quantity)
        payers = {line.plan for line in self.paid}
        out = []
        if self.paid or not self.demand:
            balances = tuple((p.name, before[p.name], p.amount - p.spent) for p in plans if p.name in payers)
            out.append(Expected("charges", event=usage.id, lines=tuple(self.paid), balances=balances))
        if self.demand:
            out.append(Expected("credit-charging", event=usage.id, lines=tuple(self.demand)))
        self.counting.keep(plans)
        self.account.plans = plans
        for plan in plans:
            if before[plan.name] > plan.amount - plan.spent:
                out += life.used(plan) + _used_up(self.account, plan, self.now)
        return out

    def _on_demand(self, time: int, meter: str, quantity: Fraction) -> None:
        book = self.books.in_force(self.account.currency, time)
        price = self.books.price(book, self.usage, meter)
        if price is None:
            raise Refused("unknown_price")
        key = self.counting.key(None, price, time)
        for part in parts(price, self.counting.before(None, key), quantity):
            before = self.counting.before(None, key)
            amount, packages = half_up(part.cost, self.quantum), part.opened(before, part.quantity)
            self.demand.append(Line(time, meter, part.quantity, amount, book["name"], None, part.tier, packages))
            self.counting.count(None, key, part.quantity)

    def _draw(self, plan: Plan, time: int, meter: str, quantity: Fraction) -> Fraction:
        """Let a plan pay a quantity as far as it can; give what stays uncovered."""
        usage, price = self.usage, self.books.price(plan.book, self.usage, meter)
        if price is None:
            return quantity
        key = self.counting.key(plan, price, time)
        matching = [i for i, (quota, _) in enumerate(plan.quotas) if covers([quota], usage.service, usage.dimensions)]
        for part in parts(price, self.counting.before(plan, key), quantity):
            balance = min([plan.amount - plan.spent, *(plan.quotas[i][1] - plan.quota_spent[i] for i in matching)])
            if balance <= 0:
                break
            amount, covered = half_up(part.cost, self.quantum), part.quantity
            if amount > balance:
                covered -= half_up(part.quantity * (amount - balance) / amount, MICRO)
                amount = balance
            plan.spent += amount
            plan.spent_by = {**plan.spent_by, usage.service: plan.spent_by.get(usage.service, Fraction(0)) + amount}
            for i in matching:
                plan.quota_spent[i] += amount
            packages = part.opened(self.counting.before(plan, key), covered)
            self.paid.append(Line(time, meter, covered, amount, plan.book["name"], plan.name, part.tier, packages))
            self.counting.count(plan, key, covered)
            quantity -= covered
        return quantity


def _used_up(account: Account, plan: Plan, now: int) -> list[Expected]:
    if plan.spent < plan.amount:
        return []
    out = [] if plan.expired_by else [event("plan_expired", plan=plan.name, reason="amount")]
    plan.status, plan.expired_by = "settling", plan.expired_by or "amount"
    return out + life.settle(account, plan, now) if plan.end is None else out


def _order(plan: Plan) -> tuple[int, int, float, int]:
    if plan.scope is None:
        narrow = 3
    elif all(item.get("dimensions") for item in plan.scope):
        narrow = 0
    else:
        narrow = 1 if len({item["service"] for item in plan.scope}) == 1 else 2
    return plan.priority, narrow, math.inf if plan.end is None else plan.end, plan.order


def _accepts(plan: Plan, usage: Usage, time: int, appended: int) -> bool:
    if plan.status == "expired" or life.in_gap(plan, time) or not covers(plan.scope, usage.service, usage.dimensions):
        return False
    return plan.start <= time and (plan.end is None or (time < plan.end and appended < plan.end + plan.grace))
