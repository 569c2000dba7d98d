"""From a step's command or usage to the record that goes in."""

import re
from decimal import Decimal
from typing import Any

import msgspec

from drawdown.domain.catalogue import FINE_TUNING, GPU_CONTAINER, INFERENCE, SERVICES
from drawdown.domain.errors import Reject
from drawdown.domain.prices import Book
from drawdown.domain.quantity import MILLIONTHS
from drawdown.marked import Marked, Path
from drawdown.scenario.form import Scenario, Step
from drawdown.topics import CODE_COMMANDS
from drawdown.wire.book_file import book_in
from drawdown.wire.code_commands import hash_of
from drawdown.wire.instants import format_instant, parse_instant
from drawdown.wire.registry import MESSAGES
from drawdown.wire.usage_data import TYPE_PREFIX

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN = re.compile(r"([+-]?)(\d{1,12})(ms|s|m|h|d)", re.ASCII)
_PREFIX = "command."
COMMANDS = {one.name.removeprefix(_PREFIX): one for one in MESSAGES if one.name.startswith(_PREFIX)}
DATA: dict[str, dict[str, Any]] = {
    GPU_CONTAINER: {"container": "box", "gpu_model": "H100", "gpu_count": 1, "state": "running"},
    FINE_TUNING: {"job": "job", "model": "Llama-3.1-8B", "gpu_model": "H100", "gpu_count": 1},
    INFERENCE: {"endpoint": "chat", "model": "Qwen3-32B"},
}
_INSTANTS = frozenset({"start", "end", "expires", "due", "from", "to", "until", "opens", "closes"})
_HASHED = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ENVELOPE = ("service", "account", "id", "source", "type", "ends", "for")
INSTANT_MIN, INSTANT_MAX = parse_instant("2000-01-01T00:00:00Z"), parse_instant("2199-12-31T23:59:59.999Z")
Sent = tuple[str, str, bytes]  # topic, key, value


class Inputs:
    """Writes the inputs of one scenario."""

    def __init__(self, scenario: Scenario, document: Marked) -> None:
        """Fill in what its steps leave out. document: for messages about what is wrong."""
        self._scenario = scenario
        self._document = document
        self._only = next(iter(scenario.accounts), "acme")

    def of(self, number: int, step: Step, at: int) -> list[Sent]:
        """Give the records of the n-th step, which stands at an instant (ms). Raise BadInput."""
        if step.usage is not None:
            return [self._usage(number, step.usage, at)]
        if step.command is not None:
            return self._command(number, step.command, step.ledger, at)
        return []

    def book(self, number: int, step: Step, at: int) -> tuple[Book, bytes] | None:
        """Give the price book that the n-th step publishes, with its message. Raise BadInput."""
        if step.price_book is None:
            return None
        path: Path = ("steps", number, "price_book")
        filled = dict(step.price_book)
        if isinstance(filled.get("effective_from"), str):
            holds_from = self.instant(filled["effective_from"], at, (*path, "effective_from"))
            filled["effective_from"] = format_instant(holds_from)
        return book_in(self._document, filled, path)

    def increments(self) -> dict[str, dict[str, int]]:
        """Give the scenario's billing increments, millionths by service and meter. Raise BadInput."""
        found: dict[str, dict[str, int]] = {}
        for service, meters in self._scenario.increments.items():
            path: Path = ("increments", service)
            if service not in SERVICES:
                raise self._document.wrong(path, f"service {service!r} is not one of {', '.join(SERVICES)}")
            for meter, text in meters.items():
                if meter not in SERVICES[service].meters:
                    told = f"{service} has no such meter; it has {', '.join(SERVICES[service].meters)}"
                    raise self._document.wrong((*path, meter), told)
                found.setdefault(service, {})[meter] = int(Decimal(text) * MILLIONTHS)
        return found

    def instant(self, text: Any, base: int, path: Path) -> int:
        """Read an instant, or a span after (+) or before (-) another (ms). Raise BadInput."""
        if text == "now":
            return base
        span = _SPAN.fullmatch(str(text))
        if span is not None and span[1]:
            at = base + int(span[2]) * _UNITS[span[3]] * (-1 if span[1] == "-" else 1)
            if not INSTANT_MIN <= at < INSTANT_MAX:
                raise self._document.wrong(path, f"{text} leads out of the years 2000 to 2199")
            return at
        try:
            return parse_instant(str(text), str(path[-1]))
        except Reject as reject:
            told = f"{reject.detail}; or how long after or before: +90s, -15m, +2h, +30d; or now"
            raise self._document.wrong(path, told) from reject

    def _command(self, number: int, given: dict[str, Any], ledger: str | None, at: int) -> list[Sent]:
        path: Path = ("steps", number, "command")
        name = str(given.get("command", ""))
        message = COMMANDS.get(name)
        if message is None:
            raise self._document.wrong(path, f"command {name!r} is not one of {', '.join(COMMANDS)}")
        fields = message.definition.model_fields
        filled = {"version": 1, "id": f"step-{number + 1}", **given}
        if "account" in fields:
            filled.setdefault("account", self._only)
        account = self._scenario.accounts.get(str(filled.get("account", self._only)))
        if "currency" in fields and account is not None:
            filled.setdefault("currency", account.currency)
        self._check_fields(fields, filled, path)
        self._fill_instants(filled, at, path)
        if "code" in filled and not _HASHED.fullmatch(str(filled["code"])):
            filled["code"] = self._hashed(str(filled["code"]), (*path, "code"))
        topics = [topic for topic in message.topics if ledger is None or _ledger_of(topic) == ledger]
        if not topics:
            raise self._document.wrong(path, f"the {ledger} ledger does not take {name}")
        value = msgspec.json.encode(filled)
        return [(topic, str(filled["code" if topic == CODE_COMMANDS else "account"]), value) for topic in topics]

    def _fill_instants(self, filled: dict[str, Any], at: int, path: Path) -> None:
        """Write out the instants of a command, and those of its instalments."""
        for field in _INSTANTS & filled.keys():
            if filled[field] is not None:
                filled[field] = format_instant(self.instant(filled[field], at, (*path, field)))
        payment = filled.get("payment")
        if isinstance(payment, dict) and isinstance(payment.get("instalments"), list):
            where: Path = (*path, "payment", "instalments")
            dated = [
                {**one, "due": format_instant(self.instant(one.get("due"), at, where))}
                for one in payment["instalments"]
                if isinstance(one, dict)
            ]
            filled["payment"] = {**payment, "instalments": dated}

    def _hashed(self, code: str, path: Path) -> str:
        """Give a voucher code's hash, as publishers of commands write it."""
        try:
            return hash_of(code)
        except Reject as reject:
            raise self._document.wrong(path, reject.detail) from reject

    def _check_fields(self, fields: dict[str, Any], filled: dict[str, Any], path: Path) -> None:
        for field in filled:
            if field not in fields:
                raise self._document.wrong((*path, field), f"the command has no such field; it has {', '.join(fields)}")
        for field, told in fields.items():
            if told.is_required() and field not in filled:
                raise self._document.wrong(path, f"the command needs the field {field}")

    def _usage(self, number: int, given: dict[str, Any], at: int) -> Sent:
        path: Path = ("steps", number, "usage")
        service = str(given.get("service", ""))
        if service not in DATA:
            raise self._document.wrong(path, f"service {service!r} is not one of {', '.join(DATA)}")
        account = str(given.get("account", self._only))
        end = self.instant(given.get("ends", "now"), at, (*path, "ends"))
        data = DATA[service] | {name: value for name, value in given.items() if name not in _ENVELOPE}
        if service != INFERENCE:
            start = end - self._length(given.get("for", "0s"), (*path, "for"))
            data |= {"from": format_instant(start), "to": format_instant(end)}
        elif "for" in given:
            raise self._document.wrong((*path, "for"), "a call has no length; it has only `ends`")
        event = {
            "specversion": "1.0",
            "id": str(given.get("id", f"step-{number + 1}")),
            "source": str(given.get("source", "/scenario")),
            "type": str(given.get("type", f"{TYPE_PREFIX}{service}.v1")),
            "subject": account,
            "time": format_instant(end),
            "data": data,
        }
        return f"usage.{service}", account, msgspec.json.encode(event)

    def _length(self, text: Any, path: Path) -> int:
        span = _SPAN.fullmatch(str(text))
        if span is None or span[1] == "+":
            raise self._document.wrong(path, f"{text!r} is not a length such as 90s, 15m, 2h or 1d")
        return int(span[2]) * _UNITS[span[3]] * (-1 if span[1] else 1)


def _ledger_of(topic: str) -> str:
    return {"plan-commands": "plans", "wallet-commands": "wallet"}.get(topic, topic.removesuffix("-commands"))
