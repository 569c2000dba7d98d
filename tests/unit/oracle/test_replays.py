"""The audit follows replays: the same id once, refused ones for a reason, and nothing else among the outputs."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.corpus import BOOKS
from tests.support.messages import (
    DAY,
    HOUR,
    T0,
    command,
    container,
    inference,
    open_account,
    replay,
    structured,
    tuning,
)

from drawdown.domain.errors import Reject
from drawdown.domain.limits import BOOK_LEAD_MS
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.engine.records import Record
from drawdown.ledgers.plans import PlansLedger
from drawdown.oracle.audit import OUTPUTS, Audit, audit
from drawdown.oracle.rater import Oracle
from drawdown.wire.dead_letter import encode_dead_letter
from drawdown.wire.price_book import decode_book

LATER = T0 + 30 * DAY


@dataclass
class Log:
    """A log written by the ledger, input by input."""

    topics: dict[str, list[Record]] = field(default_factory=lambda: {"prices": [], "dead-letters": []})
    known: dict[bytes, bytes] = field(default_factory=dict)
    state: Any = None

    def __post_init__(self) -> None:
        books = Prices()
        for value in BOOKS:
            book = decode_book(value)
            books.add(book, book.effective_from - BOOK_LEAD_MS)
            self._append(Record("prices", 0, 0, book.effective_from - BOOK_LEAD_MS, b"", value))
        self.ledger = PlansLedger(books, Policy.default())
        for topic in OUTPUTS:
            self.topics[topic] = []
        self.take(command(open_account(), T0 - DAY))

    def _append(self, record: Record) -> Record:
        records = self.topics.setdefault(record.topic, [])
        records.append(
            Record(record.topic, 0, len(records), record.timestamp, record.key, record.value, record.headers)
        )
        return records[-1]

    def take(self, record: Record) -> str:
        """Append an input and what it leads to; give the reason if it is refused, "duplicate" if it is one."""
        record = self._append(record)
        try:
            item = self.ledger.decode(record)
            if item.identity in self.known:
                if self.known[item.identity] == item.content:
                    return "duplicate"
                raise Reject("id_conflict", "other content")  # noqa: TRY301
            outcome = self.ledger.decide(self.state, item)
        except Reject as reject:
            letter = encode_dead_letter(record, reject, "plans", 1, 0)
            self._append(Record(letter.topic, 0, 0, record.timestamp, letter.key, letter.value, letter.headers))
            return reject.code
        self.known[item.identity] = item.content
        self.state = outcome.state
        for emit in outcome.emits:
            self._append(Record(emit.topic, 0, 0, record.timestamp, b"acc", emit.value))
        return ""

    def audited(self) -> Audit:
        return audit(self.topics, Oracle())


def test_late_usage_is_replayed_once() -> None:
    log = Log()
    late = structured(inference(images=3), LATER)
    assert log.take(late) == "too_late"
    assert log.take(command(replay(late), LATER)) == ""
    assert log.take(command(replay(late, ident="replay-2"), LATER + 1)) == "duplicate"
    found = log.audited()
    assert found.findings == []
    assert (found.counts["rated"], found.counts["duplicates"]) == (1, 1)
    assert found.dead_letters == {"too_late": 1}


def test_a_replay_of_an_id_that_has_an_outcome_is_a_duplicate() -> None:
    log = Log()
    assert log.take(structured(container(T0 - HOUR, T0))) == ""
    assert log.take(command(replay(structured(container(T0 - HOUR, T0))), LATER)) == "duplicate"
    assert log.audited().findings == []


def test_a_repaired_event_is_rated_and_one_that_is_still_bad_is_a_dead_letter_again() -> None:
    log = Log()
    bad = structured(tuning(gpu_model="H100") | {"data": {}})
    assert log.take(bad) == "missing_field"
    assert log.take(command(replay(bad), LATER)) == "missing_field"
    assert log.take(command(replay(structured(tuning())), LATER)) == ""
    assert log.audited().findings == []


def test_a_repaired_event_under_an_id_that_has_an_outcome_is_a_conflict() -> None:
    log = Log()
    assert log.take(structured(inference(images=1))) == ""
    assert log.take(command(replay(structured(inference(images=2))), LATER)) == "id_conflict"
    assert log.audited().findings == []


def test_the_audit_notices_a_replay_that_was_refused_as_too_late() -> None:
    log = Log()
    record = log._append(command(replay(structured(inference())), LATER))
    letter = encode_dead_letter(record, Reject("too_late", ""), "plans", 1, 0)
    log._append(Record(letter.topic, 0, 0, LATER, letter.key, letter.value, letter.headers))
    assert [text for text in log.audited().findings if "was refused as too_late; the oracle disagrees" in text]


def test_the_audit_notices_a_replay_that_was_applied_besides_its_usage() -> None:
    log = Log()
    assert log.take(structured(inference())) == ""
    log.known.clear()
    assert log.take(command(replay(structured(inference())), LATER)) == ""
    assert [text for text in log.audited().findings if "was applied twice" in text]


def test_the_audit_notices_a_replay_without_an_outcome() -> None:
    log = Log()
    log._append(command(replay(structured(inference())), LATER))
    assert [text for text in log.audited().findings if "has no outcome" in text]
