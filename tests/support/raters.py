"""The service's rater and the oracle side by side: both take the same records, and what differs is told."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from drawdown.domain.commands import Replayed
from drawdown.domain.errors import Reject
from drawdown.domain.limits import BOOK_LEAD_MS
from drawdown.domain.model import Account, Usage
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.engine.records import Record
from drawdown.ledgers.plans import PlansLedger
from drawdown.oracle.audit import OUTPUTS, UNJUDGED, seen_of
from drawdown.oracle.rater import Oracle
from drawdown.oracle.reading import Refused
from drawdown.oracle.state import Expected
from drawdown.topics import PLAN_COMMANDS
from drawdown.wire.price_book import decode_book

FORM = {"missing_field", "unknown_service"}  # it reads commands that are written as they should be
LIMITS = {"amount_too_large", "too_many_pieces", "state_too_large"}  # the oracle knows no limits of size


@dataclass(frozen=True)
class Emitted:
    """An output: its topic, its bytes, and what they say."""

    topic: str
    value: bytes
    said: dict[str, Any]


@dataclass
class Step:
    """One record and what the service made of it. usage: None for commands. code: the refusal's, "" without one."""

    record: Record
    usage: Usage | None = None
    code: str = ""
    before: Account | None = None
    after: Account | None = None
    outputs: list[Emitted] = field(default_factory=list)
    difference: str = ""

    def said(self, topic: str) -> list[dict[str, Any]]:
        return [output.said for output in self.outputs if output.topic == topic]


class Raters:
    """Both raters over the same price books."""

    def __init__(self, books: Sequence[bytes]) -> None:
        self.oracle = Oracle()
        prices = Prices()
        for value in books:
            book = decode_book(value)
            prices.add(book, book.effective_from - BOOK_LEAD_MS)
            self.oracle.publish(value, book.effective_from - BOOK_LEAD_MS)
        self.prices = prices
        self.ledger = PlansLedger(prices, Policy.default())
        self.states: dict[str, object] = {}

    def apply(self, record: Record) -> Step:
        """Let both take a record; the step's `difference` says where they disagree."""
        step = self.rated(record)
        if step.code in UNJUDGED | LIMITS or (record.topic == PLAN_COMMANDS and step.code in FORM):
            return step
        try:
            expected = self.oracle.apply(record.topic, record.value or b"", dict(record.headers), record.timestamp)
        except Refused as refused:
            if refused.code != step.code:
                step.difference = f"the service says {step.code or step.outputs}, the oracle refuses: {refused.code}"
            return step
        step.difference = f"the service refuses: {step.code}" if step.code else _difference(step, expected)
        return step

    def rated(self, record: Record) -> Step:
        """Let the service alone take a record."""
        step = Step(record)
        try:
            item = self.ledger.decode(record)
            body = item.body.usage if isinstance(item.body, Replayed) else item.body
            step.usage = body if isinstance(body, Usage) else None
            state = self.states.get(item.key)
            step.before = step.after = state  # type: ignore[assignment]
            outcome = self.ledger.decide(state, item)
        except Reject as reject:
            step.code = reject.code
            return step
        if not outcome.drop:
            self.states[item.key] = outcome.state
            step.after = outcome.state  # type: ignore[assignment]
        step.outputs = [Emitted(emit.topic, emit.value, json.loads(emit.value)) for emit in outcome.emits]
        return step


def _difference(step: Step, expected: list[Expected]) -> str:
    for topic in OUTPUTS:
        told = [seen_of(topic, said) for said in step.said(topic)]
        wanted = [one for one in expected if one.topic == topic]
        if told != wanted:
            return f"{topic}: the service says {told}, the oracle {wanted}"
    return ""


def applied_all(books: Sequence[bytes], records: Sequence[Record]) -> list[Step]:
    """Let two fresh raters take all records in order."""
    raters = Raters(books)
    return [raters.apply(record) for record in records]


def differences(steps: Sequence[Step]) -> list[str]:
    return [f"{step.record.value!r}: {step.difference}" for step in steps if step.difference]
