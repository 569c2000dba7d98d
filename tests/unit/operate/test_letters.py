"""Dead letters as operators see them: what was refused comes back out of what the ledgers write."""

import pytest
from tests.support.messages import ACCOUNT, T0, binary, command, inference, open_account, raw, replay, structured

from drawdown.domain.errors import Reject
from drawdown.domain.limits import DEAD_LETTER_BYTES_MAX
from drawdown.engine.records import Record
from drawdown.operate.desk import Position
from drawdown.operate.letters import Filters, Letter, letter_of
from drawdown.wire.dead_letter import encode_dead_letter

REFUSED_AT = T0 + 5


def letter(of: Record, code: str = "too_late") -> Letter:
    out = encode_dead_letter(of, Reject(code, "why"), "plans", 1, 3)
    return letter_of(Record("dead-letters", 3, 17, REFUSED_AT, out.key, out.value, out.headers))


@pytest.mark.parametrize("of", [structured(inference()), binary(inference()), command(open_account())])
def test_the_refused_record_comes_back(of: Record) -> None:
    found = letter(of)
    assert (found.topic, found.value, found.headers) == (of.topic, of.value, tuple(of.headers))
    assert found.position == Position(of.topic, of.partition, of.offset)
    assert (found.name, found.reason, found.detail, found.ledger) == ("3:17", "too_late", "why", "plans")
    assert (found.account, found.appended, found.sent, found.complete) == (ACCOUNT, REFUSED_AT, T0, True)


def test_a_refused_replay_shows_what_it_carried() -> None:
    of = binary(inference())
    found = letter(command(replay(of)))
    assert (found.topic, found.value, found.headers) == (of.topic, of.value, tuple(of.headers))
    assert found.position.topic == "plan-commands"
    assert found.service == "inference"


@pytest.mark.parametrize(
    "value", [b'{"command":"replay_usage"}', b'"replay_usage"', b'["replay_usage"', b"replay_usage"]
)
def test_what_only_looks_like_a_replay_is_shown_as_it_is(value: bytes) -> None:
    assert letter(raw(value, topic="plan-commands")).value == value


def test_without_a_key_the_event_names_its_account() -> None:
    for of in (structured(inference()), binary(inference())):
        keyless = Record(of.topic, of.partition, of.offset, of.timestamp, None, of.value, of.headers)
        assert letter(keyless, "missing_key").account == ACCOUNT
    assert letter(raw(b"{", key=None)).account == ""
    assert letter(raw(b"[]", key=None)).account == ""
    assert letter(raw(None, key=b"\xff")).account == "\ufffd"


def test_bytes_too_large_to_keep() -> None:
    assert not letter(raw(b" " * (DEAD_LETTER_BYTES_MAX + 1)), "too_large").complete


def test_filters() -> None:
    found = letter(structured(inference()))
    fitting = [
        Filters(),
        Filters(reason="too_late", account=ACCOUNT, service="inference", topic="usage.inference"),
        Filters(since=REFUSED_AT, until=REFUSED_AT + 1),
    ]
    others = [
        Filters(reason="not_json"),
        Filters(account="other"),
        Filters(service="fine-tuning"),
        Filters(topic="plan-commands"),
        Filters(since=REFUSED_AT + 1),
        Filters(until=REFUSED_AT),
    ]
    assert all(filters.fit(found) for filters in fitting)
    assert not any(filters.fit(found) for filters in others)
