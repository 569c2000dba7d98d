"""The rater: accounts, plans and jobs, and what each input must lead to."""

import copy
import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from drawdown.oracle import commands, life
from drawdown.oracle.counting import Counting
from drawdown.oracle.pricing import Books, Payment, Pieces
from drawdown.oracle.reading import DAY, Refused, Usage, instant, read_json, usage_in
from drawdown.oracle.rules import MICRO, covers, months
from drawdown.oracle.state import Account, Expected, Job, event

QUARTER_HOUR, WEEK = 900_000, 7 * DAY


class Oracle:
    """Applies inputs in the order in which they were applied."""

    def __init__(self, windows: dict[str, int] | None = None, window: int = 3 * DAY, skew: int = 300_000) -> None:
        """Start without books and accounts. windows: by service, ms; window: of all others."""
        self.windows = {"inference": DAY // 4} if windows is None else windows
        self.window, self.skew = window, skew
        self._published = Books()
        self.books = self._published.all
        self.accounts: dict[str, Account] = {}

    def publish(self, value: bytes, appended: int) -> None:
        """Take a price book, if it may be taken."""
        self._published.publish(value, appended)

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

    def _pieces(self, account: Account, usage: Usage) -> Pieces:
        if usage.start is None:
            return [(usage.end, meter, quantity) for meter, quantity in usage.quantities]
        inside = set(months(usage.start, usage.end, account.zone))
        inside |= {instant(book["effective_from"]) for book in self._published.on_demand(account.currency)}
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

    def _pay(self, account: Account, usage: Usage, pieces: Pieces, now: int) -> list[Expected]:
        counting = Counting(account, now, max(self.window, *self.windows.values(), 0))
        return Payment(account, usage, self._published, counting, now).pay(pieces)

    def _fire(self, account: Account, now: int) -> list[Expected]:
        """Do all that is due by `now`, earliest first."""
        out: list[Expected] = []
        while True:
            due = life.waiting(account)
            due += [(job.last_append + WEEK, name, job) for name, job in account.jobs.items() if not job.closed]
            due = [entry for entry in due if entry[0] <= now]
            if not due:
                return out
            _, name, what = min(due, key=lambda entry: entry[:2])
            if isinstance(what, Job):
                out += self._close(account, name, what, now)
            else:
                out += life.on_due(account, what, now)

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

    def _forgotten(self, job: Job) -> int:
        return job.last_end + self.windows.get("fine-tuning", self.window) + self.skew


def extra(job: Job, at: int) -> list[tuple[int, str, Fraction]]:
    """Give the piece that rounds a finished job up to the next quarter of an hour."""
    missing = math.ceil(Fraction(job.total, QUARTER_HOUR)) * QUARTER_HOUR - job.total
    quantity = Fraction(missing, 1000) * job.gpus
    return [(at, "gpu_seconds", quantity)] if quantity else []
