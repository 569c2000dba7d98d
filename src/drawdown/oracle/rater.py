"""The rater: accounts, plans and jobs, and what each input must lead to."""

import copy
import json
import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from drawdown.oracle import commands, life, turns
from drawdown.oracle.reading import DAY, Refused, Usage, instant, read_json, usage_in
from drawdown.oracle.rules import MICRO, covers, half_up, months, price_of, quantum
from drawdown.oracle.state import Account, Expected, Job, Line, Plan, event

QUARTER_HOUR, HOUR, WEEK = 900_000, 3_600_000, 7 * DAY


class Oracle:
    """Applies inputs in the order in which they were applied."""

    def __init__(self, windows: dict[str, int] | None = None, window: int = 3 * DAY, skew: int = 300_000) -> None:
        """Start without books and accounts. windows: by service, ms; window: of all others."""
        self.windows = {"inference": DAY // 4} if windows is None else windows
        self.window, self.skew = window, skew
        self.books: dict[tuple[str, int], dict[str, Any]] = {}
        self.accounts: dict[str, Account] = {}
        self._prices: dict[object, Fraction | None] = {}

    def publish(self, value: bytes, appended: int) -> None:
        """Take a price book; one that changes the past, or what its name or currency stands for, is skipped."""
        book = json.loads(value)
        kind, currency = book["kind"], book["currency"]
        siblings = [other for other in self.books.values() if other["name"] == book["name"]]
        if siblings and instant(book["effective_from"]) < appended + HOUR:
            return
        if any((other["kind"], other["currency"]) != (kind, currency) for other in siblings):
            return
        if kind == "on_demand" and any(other["name"] != book["name"] for other in self._on_demand(currency)):
            return
        self.books.setdefault((book["name"], book["version"]), book)

    def apply(self, topic: str, value: bytes, headers: dict[str, bytes], appended: int) -> list[Expected]:
        """Apply an input; give what must come out, in order. Raise Refused, and then nothing has changed."""
        usage = usage_in(topic, value, headers)
        if usage is None:
            return self._command(read_json(value), appended)
        return self._use(usage, appended, replayed=topic == "plan-commands")

    def _command(self, command: dict[str, Any], appended: int) -> list[Expected]:
        name = command["account"]
        account = self.accounts.get(name)
        if command["command"] == "open_account":
            if account is None:
                account = Account(command["currency"], ZoneInfo(command.get("time_zone", "UTC")))
                self.accounts[name] = account
                out = [event("account_opened")]
            else:
                out = [event("command_refused", code="account_exists")]
        elif account is None:
            raise Refused("unknown_account")
        elif command["command"] == "activate_plan":
            out = [self._activate(account, command, appended)]
        elif command["command"] != "timer":
            out = commands.command(account, self.books, command, appended)
            out += turns.align(account, appended)
        else:
            account = copy.deepcopy(account)  # a refusal on the way changes nothing
            out = self._fire(account, appended)
            self.accounts[name] = account
        account.applied += 1
        return out

    def _activate(self, account: Account, command: dict[str, Any], appended: int) -> Expected:
        name = command["plan"]
        start, end = instant(command["start"]), command.get("end") and instant(command["end"])
        code = commands.terms_code(account, self.books, command)
        if name in account.offers or name in account.ended or any(plan.name == name for plan in account.plans):
            code = "plan_exists"
        elif code is None and commands.too_many(account):
            code = "too_many_plans"
        if code:
            return event("command_refused", plan=name, code=code)
        plan = commands.new_plan(account, self.books[command["book"], command["book_version"]], command, start, end)
        plan.reminded = life.reminded(end, appended)
        account.plans.append(plan)
        return event("plan_activated", plan=name, amount=plan.amount, facts=(start, end))

    def _use(self, usage: Usage, appended: int, *, replayed: bool) -> list[Expected]:
        if not replayed and appended - usage.end > self.windows.get(usage.service, self.window):
            raise Refused("too_late")
        if usage.end - appended > self.skew:
            raise Refused("in_the_future")
        account = self.accounts.get(usage.account)
        if account is None:
            raise Refused("unknown_account")
        pieces = self._pieces(account, usage)
        job = None
        if usage.service == "fine-tuning":
            job = replace(account.jobs.get(usage.resource, Job()))
            if job.closed and job.forget_at < appended:
                job = Job()
            if job.closed:
                raise Refused("job_closed")
            job.total += usage.end - (usage.start or usage.end)
            job.last_end, job.last_append = max(job.last_end, usage.end), appended
            job.gpus, job.dimensions, job.closed = usage.gpus, usage.dimensions, usage.final
            job.forget_at = self._forgotten(job)
            if usage.final:
                pieces += extra(job, usage.end)
        out = self._pay(account, usage, pieces, appended)
        if job is not None:
            account.jobs[usage.resource] = job
        account.applied += 1
        return out

    def _pieces(self, account: Account, usage: Usage) -> list[tuple[int, str, Fraction]]:
        if usage.start is None:
            return [(usage.end, meter, quantity) for meter, quantity in usage.quantities]
        inside = set(months(usage.start, usage.end, account.zone))
        inside |= {instant(book["effective_from"]) for book in self._on_demand(account.currency)}
        for plan in account.plans:
            if plan.status != "expired" and covers(plan.scope, usage.service, usage.dimensions):
                inside |= {plan.start, usage.end if plan.end is None else plan.end}
                inside |= {at for gap in plan.gaps for at in (gap.start, gap.end or usage.end)}
                inside |= set(takewhile(lambda at: at < usage.end, life.boundaries(plan, account.zone)))
        bounds = [usage.start, *sorted(at for at in inside if usage.start < at < usage.end), usage.end]
        pieces = []
        left = dict(usage.quantities)
        for start, end in pairwise(bounds):
            for meter, whole in usage.quantities:
                part = left[meter]
                if end != usage.end:
                    part = math.floor(whole * (end - start) / (usage.end - usage.start) / MICRO) * MICRO
                left[meter] -= part
                if part:
                    pieces.append((start, meter, part))
        return pieces

    def _pay(
        self, account: Account, usage: Usage, pieces: list[tuple[int, str, Fraction]], appended: int
    ) -> list[Expected]:
        plans = [plan if plan.status == "expired" else plan.copied() for plan in sorted(account.plans, key=turns.order)]
        before = {plan.name: plan.amount - plan.spent for plan in plans}
        paid: list[Line] = []
        demand: list[Line] = []
        for time, meter, whole in pieces:
            quantity = whole
            for plan in plans:
                if quantity and _accepts(plan, usage, time, appended):
                    quantity = self._draw(account, (plan, _payer(plans, plan)), usage, (time, meter, quantity), paid)
            for plan in _beginning(plans, before, usage):
                if quantity:
                    quantity = self._draw(account, (plan, plan), usage, (time, meter, quantity), paid)
            if quantity:
                demand.append(self._on_demand_line(account, usage, (time, meter, quantity)))
        payers = {line.plan for line in paid}
        out = []
        if paid or not demand:
            balances = tuple((p.name, before[p.name], p.amount - p.spent) for p in plans if p.name in payers)
            out.append(Expected("charges", event=usage.id, lines=tuple(paid), balances=balances))
        if demand:
            out.append(Expected("credit-charging", event=usage.id, lines=tuple(demand)))
        account.plans = plans
        drawn = [plan for plan in plans if before[plan.name] > plan.amount - plan.spent]
        for plan in sorted(drawn, key=lambda plan: plan.status == "scheduled"):
            last = [line.time for line in paid if line.plan == plan.name][-1]
            out += _drawn(account, plan, last, appended)
        return out

    def _on_demand_line(self, account: Account, usage: Usage, piece: tuple[int, str, Fraction]) -> Line:
        time, meter, quantity = piece
        books = [book for book in self._on_demand(account.currency) if instant(book["effective_from"]) <= time]
        if not books:
            raise Refused("unknown_price")
        book = max(books, key=lambda entry: (instant(entry["effective_from"]), entry["version"]))
        price = self._price(book, usage, meter)
        if price is None:
            raise Refused("unknown_price")
        return Line(time, meter, quantity, half_up(quantity * price, quantum(account.currency)), book["name"], None)

    def _draw(
        self,
        account: Account,
        plans: tuple[Plan, Plan | None],
        usage: Usage,
        piece: tuple[int, str, Fraction],
        paid: list[Line],
    ) -> Fraction:
        """Let a plan pay a piece that another, or itself, covers as far as it can; give what stays uncovered."""
        time, meter, quantity = piece
        covering, plan = plans
        price = self._price(covering.book, usage, meter)
        if price is None or plan is None or covering.spent >= covering.amount:
            return quantity
        matching = [i for i, (quota, _) in enumerate(plan.quotas) if covers([quota], usage.service, usage.dimensions)]
        balance = min([plan.amount - plan.spent, *(plan.quotas[i][1] - plan.quota_spent[i] for i in matching)])
        if balance <= 0:
            return quantity
        amount = half_up(quantity * price, quantum(account.currency))
        uncovered = Fraction(0)
        if amount > balance:
            uncovered = half_up(quantity * (amount - balance) / amount, MICRO)
            amount = balance
        plan.spent += amount
        plan.spent_by = {**plan.spent_by, usage.service: plan.spent_by.get(usage.service, Fraction(0)) + amount}
        for i in matching:
            plan.quota_spent[i] += amount
        paid.append(Line(time, meter, quantity - uncovered, amount, covering.book["name"], plan.name))
        return uncovered

    def _fire(self, account: Account, now: int) -> list[Expected]:
        """Do all that is due by `now`, earliest first."""
        out: list[Expected] = []
        while True:
            due = turns.waiting(account)
            due += [(job.last_append + WEEK, name, job) for name, job in account.jobs.items() if not job.closed]
            due = [entry for entry in due if entry[0] <= now]
            if not due:
                return out
            _, name, what = min(due, key=lambda entry: entry[:2])
            if isinstance(what, Job):
                out += self._close(account, name, what, now)
            else:
                out += turns.on_due(account, what, now)
            out += turns.align(account, now)

    def _close(self, account: Account, name: str, job: Job, now: int) -> list[Expected]:
        """Close a job that fell silent; one that cannot be priced stays open for another week."""
        usage = Usage(
            "",
            "drawdown",
            f"job-closed:{name}:{job.last_end}",
            "fine-tuning",
            name,
            job.dimensions,
            None,
            job.last_end,
            [],
        )
        plans = copy.deepcopy(account.plans)
        try:
            out = self._pay(account, usage, extra(job, job.last_end), now)
        except Refused as refused:
            account.plans, job.last_append = plans, now
            return [event("job_not_closed", code=refused.code)]
        job.closed, job.forget_at = True, self._forgotten(job)
        return [*out, event("job_closed", reason="silence")]

    def _price(self, book: dict[str, Any], usage: Usage, meter: str) -> Fraction | None:
        key = (book["name"], book["version"], usage.service, meter, *usage.dimensions.items())
        if key not in self._prices:
            self._prices[key] = price_of(book, usage.service, meter, usage.dimensions)
        return self._prices[key]

    def _forgotten(self, job: Job) -> int:
        return job.last_end + self.windows.get("fine-tuning", self.window) + self.skew

    def _on_demand(self, currency: str) -> list[dict[str, Any]]:
        return [book for book in self.books.values() if book["kind"] == "on_demand" and book["currency"] == currency]


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
    if plan.spent * 10 >= plan.amount * 9 and plan.status == "active" and turns.renews_itself(plan):
        out += turns.by_itself(account, plan, now)
    return out + turns.used_up(account, plan, last, now)


def _accepts(plan: Plan, usage: Usage, time: int, appended: int) -> bool:
    if plan.status == "expired" or life.in_gap(plan, time) or not covers(plan.scope, usage.service, usage.dimensions):
        return False
    return plan.start <= time and (plan.end is None or (time < plan.end and appended < plan.end + plan.grace))


def extra(job: Job, at: int) -> list[tuple[int, str, Fraction]]:
    """Give the piece that rounds a finished job up to the next quarter of an hour."""
    missing = math.ceil(Fraction(job.total, QUARTER_HOUR)) * QUARTER_HOUR - job.total
    quantity = Fraction(missing, 1000) * job.gpus
    return [(at, "gpu_seconds", quantity)] if quantity else []
