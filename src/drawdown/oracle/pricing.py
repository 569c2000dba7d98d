"""Price books, and who pays what of an event's pieces: per unit, in tiers, in packages."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from drawdown.oracle import life, renewing, turns
from drawdown.oracle.counting import Counting
from drawdown.oracle.reading import Refused, Usage, instant
from drawdown.oracle.rules import MICRO, covers, half_up, price_of, quantum
from drawdown.oracle.state import Account, Expected, Line, Plan

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
    """A quantity that a price treats alike, and what it costs unrounded. packages: those that it opens."""

    quantity: Fraction
    cost: Fraction
    tier: int | None = None
    packages: int | None = None


def parts(
    price: dict[str, Any], before: Fraction, quantity: Fraction, balance: Fraction | None = None
) -> Iterator[Part]:
    """Give the parts of the units from `before` to `before` + `quantity`, as far as a balance may reach."""
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
        cost, last = Fraction(price["unit_price"]), math.ceil((before + quantity) / per)
        number, reached = math.ceil(before / per), before
        bounds = [(number, Fraction(0), 0)]  # up to the end of which package, what that costs, how many it opens
        whole = last if balance is None or not cost else min(last, number + math.floor(balance / cost))
        bounds += [(whole, (whole - number) * cost, whole - number), (min(whole + 1, last), cost, 1)]
        for end, amount, opened in bounds:
            inside = min(Fraction(end * per), before + quantity) - reached
            if inside > 0:
                yield Part(inside, amount, packages=opened)
                reached += inside


class Payment:
    """One event while it is paid."""

    def __init__(self, account: Account, usage: Usage, books: Books, counting: Counting, now: int) -> None:
        """Work on copies of the plans, so that a refusal changes nothing."""
        self.account, self.usage, self.books, self.counting, self.now = account, usage, books, counting, now
        self.quantum = quantum(account.currency)
        ordered = sorted(account.plans, key=turns.order)
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
                    quantity = self._draw(plan, _payer(plans, plan), time, meter, quantity)
            for plan in _beginning(plans, before, usage):
                if quantity:
                    quantity = self._draw(plan, plan, time, meter, quantity)
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
        drawn = [plan for plan in plans if before[plan.name] > plan.amount - plan.spent]
        for plan in sorted(drawn, key=lambda plan: plan.status == "scheduled"):
            last = [line.time for line in self.paid if line.plan == plan.name][-1]
            out += _drawn(self.account, plan, last, self.now)
        return out

    def _on_demand(self, time: int, meter: str, quantity: Fraction) -> None:
        book = self.books.in_force(self.account.currency, time)
        price = self.books.price(book, self.usage, meter)
        if price is None:
            raise Refused("unknown_price")
        key = self.counting.key(None, price, time)
        for part in parts(price, self.counting.before(None, key), quantity):
            amount = half_up(part.cost, self.quantum)
            self.demand.append(Line(time, meter, part.quantity, amount, book["name"], None, part.tier, part.packages))
            self.counting.count(None, key, part.quantity)

    def _draw(self, covering: Plan, plan: Plan | None, time: int, meter: str, quantity: Fraction) -> Fraction:
        """Let a plan pay what another, or itself, covers as far as it can; give what stays uncovered."""
        usage, price = self.usage, self.books.price(covering.book, self.usage, meter)
        if price is None or plan is None or covering.spent >= covering.amount:
            return quantity
        key = self.counting.key(covering, price, time)
        matching = [i for i, (quota, _) in enumerate(plan.quotas) if covers([quota], usage.service, usage.dimensions)]
        balance = _balance(plan, matching)
        for part in parts(price, self.counting.before(covering, key), quantity, balance):
            balance = _balance(plan, matching)
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
            line = Line(time, meter, covered, amount, covering.book["name"], plan.name, part.tier, part.packages)
            self.paid.append(line)
            self.counting.count(covering, key, covered)
            quantity -= covered
        return quantity


def _balance(plan: Plan, quotas: list[int]) -> Fraction:
    return min([plan.amount - plan.spent, *(plan.quotas[i][1] - plan.quota_spent[i] for i in quotas)])


def _payer(plans: list[Plan], plan: Plan) -> Plan | None:
    """Give who pays what a plan covers: itself, or the one that has taken its place, None once that is closed."""
    payer: Plan | None = plan
    while payer is not None and payer.expired_by == "replaced":
        payer = next((other for other in plans if payer is not None and other.name == payer.successor), None)
    return None if payer is None or payer.status == "expired" else payer


def _beginning(plans: list[Plan], before: dict[str, Fraction], usage: Usage) -> list[Plan]:
    """List the plans that have not begun, and those before them run out just now."""
    ran_out = {p.name for p in plans if not p.expired_by and p.spent == p.amount and before[p.name] > 0}
    waiting = [plan for plan in plans if plan.status == "scheduled" and plan.follows]
    inside = [plan for plan in waiting if covers(plan.scope, usage.service, usage.dimensions)]
    return [plan for plan in inside if plan.follows and plan.follows["plan"] in ran_out]


def _drawn(account: Account, plan: Plan, last: int, now: int) -> list[Expected]:
    """Expect what follows from a plan's having paid, the last of it for an instant."""
    out = [turns.begin(plan)] if plan.status == "scheduled" else []
    out += life.used(plan)
    if plan.spent * 10 >= plan.amount * 9 and plan.status == "active" and renewing.renews_itself(plan):
        out += renewing.by_itself(account, plan, now)
    return out + turns.used_up(account, plan, last, now)


def _accepts(plan: Plan, usage: Usage, time: int, appended: int) -> bool:
    if plan.status == "expired" or life.in_gap(plan, time) or not covers(plan.scope, usage.service, usage.dimensions):
        return False
    return plan.start <= time and (plan.end is None or (time < plan.end and appended < plan.end + plan.grace))
