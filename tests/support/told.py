"""Charges and account events as the log has them, and rows as the database gives them, for tests of the history."""

from dataclasses import replace
from typing import Any

from msgspec import Raw
from msgspec.json import encode

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.history.batch import Batch
from drawdown.history.charges import Charge, Event, Line, Payer, Position
from drawdown.history.happenings import Happening
from drawdown.history.rows import EventRow, Owner, UsageRow
from drawdown.wire.instants import format_instant

T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HOUR = 3_600_000
USD = CURRENCIES["USD"]
CHARGES, EVENTS = ("charges", 3), ("account-events", 3)
PLAN = Payer("plan", "p")
OWNER = Owner(1, "acc", "USD", 3, whole=True)
USAGE = UsageRow(
    series=12, charged=T0, used=T0 - HOUR, service="inference", resource="ep", dimensions={"b": "2", "a": "1"},
    meter="input_tokens", payer="plan", payer_id="p", book="b", book_version=3, tier=0, unit_price="2.500000000",
    per=1_000_000, lines=4, quantity=1_500_000, amount=1_500_000_000,
)  # fmt: skip


def line(amount: int = 5, quantity: str = "1.5", payer: Payer | None = PLAN, **change: Any) -> Line:
    told: dict[str, Any] = {"time": format_instant(T0), "meter": "input_tokens", "unit_price": "2.000000000"}
    told |= {"per": 1000, "book": "book", "book_version": 3}
    return Line(format_amount(amount, USD), payer, quantity=quantity, **told | change)


def charge(seq: int, *lines: Line, account: str = "acc", at: int = T0, ledger: str = "plans", **event: str) -> Charge:
    """A charge of these lines, or of one. event: service, resource, model."""
    dimensions = Raw(encode({"model": event.get("model", "Q")}))
    used = Event(event.get("service", "inference"), event.get("resource", "ep"), dimensions)
    where = Position("usage.inference", 3, seq)
    lines = lines or (line(),)
    return Charge(f"{account}-{seq}", ledger, account, "USD", used, list(lines), seq, where, format_instant(at))


def happening(seq: int, kind: str, amount: int = 0, *, account: str = "acc", at: int = T0, **change: Any) -> Happening:
    about = {"about": Raw(encode(change.pop("about")))} if "about" in change else {}
    told: dict[str, Any] = {"plan": None, "credit": None, "code": None, "reason": None, "command": None}
    told |= {"ledger": "plans", "currency": "USD", "detail": kind, "applied": seq, "appended": format_instant(at)}
    return Happening(account=account, kind=kind, amount=format_amount(amount, USD), seq=seq, **told | about | change)


def whole(batch: Batch, read: int = 1) -> Batch:
    """Let a batch have read both partitions so far."""
    batch.read = dict.fromkeys((CHARGES, EVENTS), (read, T0))
    return batch


def event(kind: str, amount: int = 0, change: int = 0, balance: str = "", **told: Any) -> EventRow:
    row = EventRow(
        5, "plans", 7, T0 + 1, kind, None, None, None, None, amount, "what happened", None, {}, balance,
        change, "success",
    )  # fmt: skip
    return replace(row, **told)
