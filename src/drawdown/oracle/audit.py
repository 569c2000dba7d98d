"""Checks a whole log against the oracle: every id one outcome, every amount right, no gap, everything conserved."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol

from drawdown.oracle.credit import Wallet
from drawdown.oracle.rater import Oracle
from drawdown.oracle.reading import Refused, instant, read_json, usage_in
from drawdown.oracle.state import Account, Expected, Line

OUTPUTS = ("charges", "credit-charging", "account-events")
FINDINGS_MAX = 50
Position = tuple[str, int, int]
# reasons that the oracle does not judge: limits of size, and fields it does not read
UNJUDGED = {"too_large", "too_deep", "missing_key", "unknown_meter", "invalid_value", "id_conflict", "unknown_account"}


class Record(Protocol):
    """A record as read from the log; topic without prefix, times in ms."""

    @property
    def topic(self) -> str:
        """Name of the topic."""

    @property
    def partition(self) -> int:
        """Number of the partition."""

    @property
    def offset(self) -> int:
        """Place in the partition."""

    @property
    def timestamp(self) -> int:
        """Append time."""

    @property
    def key(self) -> bytes | None:
        """Key."""

    @property
    def value(self) -> bytes | None:
        """Bytes."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Headers."""


@dataclass
class Applied:
    """An input as the outputs tell it: where it was read, and all records it led to, in order per topic."""

    position: Position
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class Audit:
    """What the check found; `findings` is empty when all holds."""

    oracle: Oracle
    findings: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    spent: dict[tuple[str, str, str], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    wallets: dict[str, Wallet] = field(default_factory=dict)

    @property
    def conserved(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def note(self, text: str) -> None:
        """Keep a finding; past FINDINGS_MAX they are only counted."""
        self.counts["findings"] += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(text)


def audit(log: Mapping[str, Iterable[Record]], oracle: Oracle) -> Audit:
    """Check a log. log: topic → committed records, per partition in order of offset."""
    found = Audit(oracle)
    for record in log["prices"]:
        oracle.publish(record.value or b"", record.timestamp)
    inputs = {
        (record.topic, record.partition, record.offset): record
        for topic, records in log.items()
        if topic.startswith("usage.") or topic == "plan-commands"
        for record in records
    }
    applied = applied_by("plans", OUTPUTS, log, found)
    used: dict[tuple[str, str, str], Position] = {}
    for account, entries in applied.items():
        _replay(account, entries, inputs, used, found)
    letters = _dead_letters(log["dead-letters"], inputs, found)
    _every_input_accounted(inputs, used, letters, found)
    _conserved(applied, found)
    return found


def applied_by(
    ledger: str, topics: Sequence[str], log: Mapping[str, Iterable[Record]], found: Audit
) -> dict[str, dict[int, Applied]]:
    """Sort a ledger's outputs by account and applied number; check that seq has no gap."""
    applied: dict[str, dict[int, Applied]] = defaultdict(dict)
    for topic in topics:
        newest: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for record in log[topic]:
            if not record.value:  # it only carries the watermark
                continue
            output = json.loads(record.value)
            if output["ledger"] != ledger:
                continue
            account, seq, number = output["account"], output["seq"], output["applied"]
            if seq != newest[account][0] + 1 or number < newest[account][1]:
                found.note(f"{topic}: account {account} has seq {seq}, applied {number} after {newest[account]}")
            newest[account] = seq, number
            at = output["position"]
            position = at["topic"], at["partition"], at["offset"]
            entry = applied[account].setdefault(number, Applied(position))
            if entry.position != position:
                found.note(f"{topic}: account {account} applied {number} came from {position} and {entry.position}")
            entry.outputs[topic].append(output)
            found.counts[topic] += 1
            found.counts[f"{ledger} {topic}"] += 1
    return applied


def _replay(
    account: str,
    entries: dict[int, Applied],
    inputs: Mapping[Position, Record],
    used: dict[tuple[str, str, str], Position],
    found: Audit,
) -> None:
    """Apply an account's inputs in their order; compare everything with what came out."""
    for number in range(1, len(entries) + 1):
        entry = entries.get(number)
        if entry is None:
            found.note(f"account {account} has {len(entries)} applied inputs, but none is number {number}")
            return
        record = inputs.get(entry.position)
        if record is None:
            found.note(f"account {account} applied {number}: {entry.position} is not in the log")
            return
        identity = identity_of(record)
        if identity in used:
            found.note(f"{identity} was applied twice: from {used[identity]} and {entry.position}")
        used[identity] = entry.position
        value, headers = record.value or b"", dict(record.headers)
        try:
            expected = found.oracle.apply(record.topic, value, headers, record.timestamp)
        except Refused as refused:
            found.note(f"{identity} at {entry.position} was accepted; the oracle refuses it: {refused.code}")
            return
        _compare(f"account {account} applied {number} {identity}", expected, entry.outputs, found)
        _count(expected, found, replayed=identity[0] == "usage" and record.topic == "plan-commands")


def _compare(where: str, expected: list[Expected], outputs: dict[str, list[dict[str, Any]]], found: Audit) -> None:
    for topic in OUTPUTS:
        told = [seen_of(topic, output) for output in outputs.get(topic, ())]
        wanted = [one for one in expected if one.topic == topic]
        if told != wanted:
            found.note(f"{where}: {topic} holds {told}, the oracle says {wanted}")
    for output in (*outputs.get("charges", ()), *outputs.get("credit-charging", ())):
        if number(output["total"]) != sum(number(line["amount"]) for line in output["lines"]):
            found.note(f"{where}: total {output['total']} is not the sum of its lines")


@lru_cache(maxsize=65_536)
def number(text: str) -> Fraction:
    """Read a decimal string."""
    return Fraction(text)


def seen_of(topic: str, output: dict[str, Any]) -> Expected:
    """Give an output in the oracle's words."""
    if topic == "account-events":
        amount = number(output["amount"])
        kind, plan = output["kind"], output["plan"]
        code, reason, facts = output["code"], output["reason"], _facts(output.get("about", {}))
        return Expected(topic, kind, plan=plan, code=code, reason=reason, amount=amount, facts=facts)
    lines = tuple(
        Line(
            instant(line["time"]),
            line["meter"],
            number(line["quantity"]),
            number(line["amount"]),
            line["book"],
            line["payer"]["id"] if topic == "charges" else None,
            line.get("tier"),
            line.get("packages"),
        )
        for line in output["lines"]
    )
    balances = tuple((b["id"], number(b["before"]), number(b["after"])) for b in output.get("balances", ()))
    return Expected(topic, event=output["event"]["id"], lines=lines, balances=balances)


def _facts(about: dict[str, Any]) -> tuple[Any, ...]:
    """Give what an account event is about in the oracle's words."""
    for kind, told in about.items():
        if kind == "period":
            return instant(told["start"]), told["end"] and instant(told["end"])
        if kind == "payment_request":
            amounts = (number(told[field]) for field in ("amount", "rounding", "paid"))
            return told["number"], *amounts, instant(told["due"])
        if kind == "payment":
            return told["number"], told["method"], told["reference"]
        if kind == "item":
            return told["service"], tuple(sorted(told["dimensions"].items()))
        return (told["revision"], told["status"]) if kind == "offer" else (told["request"],)
    return ()


def _count(expected: list[Expected], found: Audit, *, replayed: bool) -> None:
    """Count what a reader of the summary wants to know."""
    lines = [line for one in expected for line in one.lines]
    rated = any(one.topic in {"charges", "credit-charging"} for one in expected)
    found.counts["rated"] += rated
    found.counts["replayed"] += rated and replayed
    pieces = Counter((time, meter) for time, meter, _ in {(line.time, line.meter, line.plan) for line in lines})
    found.counts["splits_in_amount"] += any(many > 1 for many in pieces.values())
    found.counts["splits_in_time"] += len({line.time for line in lines}) > 1
    for one in expected:
        if one.kind == "plan_expired":
            found.counts[f"plans_expired_by_{one.reason}"] += 1
        found.counts[one.kind] += bool(one.kind)


def _dead_letters(letters: Iterable[Record], inputs: Mapping[Position, Record], found: Audit) -> dict[Position, str]:
    """Check that each dead letter carries its input's bytes, once, for a reason the oracle agrees with."""
    seen: dict[Position, str] = {}
    for letter in letters:
        headers = dict(letter.headers)
        if headers["ledger"] != b"plans":
            continue
        reason = headers["reason"].decode()
        position = headers["topic"].decode(), int(headers["partition"]), int(headers["offset"])
        record = inputs.get(position)
        if position in seen:
            found.note(f"{position} is among the dead letters twice")
        seen[position] = reason
        found.dead_letters[reason] += 1
        if record is None:
            found.note(f"a dead letter points at {position}, which is not in the log")
        elif hashlib.sha256(record.value or b"").hexdigest().encode() != headers["sha256"]:
            found.note(f"the dead letter of {position} has other bytes than the input")
        elif not _rightly_refused(record, reason, found.oracle):
            found.note(f"{position} was refused as {reason}; the oracle disagrees")
    return seen


def _rightly_refused(record: Record, reason: str, oracle: Oracle) -> bool:
    if reason in UNJUDGED:
        return True
    try:
        usage = usage_in(record.topic, record.value or b"", dict(record.headers))
    except Refused:
        return reason not in {"too_late", "in_the_future", "unknown_price", "job_closed"}
    if usage is None:
        return True
    age = record.timestamp - usage.end
    if reason == "too_late":
        return record.topic != "plan-commands" and age > oracle.windows.get(usage.service, oracle.window)
    if reason == "in_the_future":
        return -age > oracle.skew
    return reason in {"unknown_price", "job_closed", "amount_too_large", "too_many_pieces", "state_too_large"}


def _every_input_accounted(
    inputs: Mapping[Position, Record],
    used: Mapping[tuple[str, str, str], Position],
    letters: Mapping[Position, str],
    found: Audit,
) -> None:
    """Check that each input was applied, or refused, or repeats one that was applied."""
    at = set(used.values())
    refused = {(inputs[one].topic, inputs[one].key, inputs[one].value): one[1] for one in letters if one in inputs}
    for position, record in inputs.items():
        if position in at:
            if position in letters:
                found.note(f"{position} was applied and is among the dead letters as well")
            continue
        if position in letters:
            continue
        try:
            identity = identity_of(record)
        except Refused:
            found.note(f"{position} cannot be read, and is not among the dead letters")
            continue
        if identity in used:
            forwarded = used[identity][1] != record.partition
            found.counts["forwarded" if forwarded else "duplicates"] += 1
        elif refused.get((record.topic, record.key, record.value), record.partition) != record.partition:
            found.counts["forwarded"] += 1  # the copy on its own partition was refused, too late for instance
        elif not _idle_timer(record):
            found.note(f"{identity} at {position} has no outcome")


def _idle_timer(record: Record) -> bool:
    return record.topic == "plan-commands" and read_json(record.value or b"").get("command") == "timer"


def identity_of(record: Record) -> tuple[str, str, str]:
    """Give what identifies an input: never its time."""
    value = record.value or b""
    usage = usage_in(record.topic, value, dict(record.headers))
    if usage is not None:
        return "usage", usage.source, usage.id
    command = read_json(value)
    return "command", str(command.get("account")), str(command.get("id"))


def _conserved(applied: Mapping[str, dict[int, Applied]], found: Audit) -> None:
    """Check for every plan that what was granted remains, was spent, is forfeited or went to the plan after it.

    Spent and remaining are the outputs' own.
    """
    for name, entries in applied.items():
        account = found.oracle.accounts.get(name)
        if account is None:
            continue
        spent: dict[str, Fraction] = defaultdict(Fraction)
        remaining: dict[str, Fraction] = {}
        added: list[dict[str, Any]] = []
        for _, entry in sorted(entries.items()):
            for output in (*entry.outputs["charges"], *entry.outputs["credit-charging"]):
                service = output["event"]["service"]
                for line in output["lines"]:
                    payer = line["payer"]["id"] if "payer" in line else "on demand"
                    spent[payer] += number(line["amount"])
                    source = "plan" if "payer" in line else "on demand"
                    found.spent[account.currency, service, source] += number(line["amount"])
                for balance in output.get("balances", ()):
                    remaining[balance["id"]] = number(balance["after"])
            more = [output for output in entry.outputs["account-events"] if output["kind"] == "amount_added"]
            remaining.update(
                (m["plan"], remaining[m["plan"]] + number(m["amount"])) for m in more if m["plan"] in remaining
            )
            added += more
        _check_plans(name, account, spent, remaining, found)
        rolled_over = sum(number(output["amount"]) for output in added if output["reason"] == "rollover")
        if rolled_over != sum(plan.rolled_over for plan in account.plans):
            found.note(f"account {name}: {rolled_over} was added by rollover, which is not what plans gave")


def _check_plans(
    name: str, account: Account, spent: dict[str, Fraction], remaining: dict[str, Fraction], found: Audit
) -> None:
    for plan in account.plans:
        left = remaining.get(plan.name, plan.amount)
        if plan.amount != left + spent[plan.name]:
            found.note(f"plan {plan.name} of {name}: {plan.amount} granted, {spent[plan.name]} spent, the rest is off")
        gone = plan.forfeited + plan.rolled_over + plan.credited
        if gone and gone != left:
            found.note(f"plan {plan.name} of {name}: {gone} forfeited, rolled over or credited, but {left} remained")
