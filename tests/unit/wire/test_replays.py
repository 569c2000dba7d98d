"""Replays on the wire: the event they carry keeps its identity and content, and every reason why one is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.messages import (
    DAY,
    T0,
    Message,
    binary,
    command,
    container,
    inference,
    replay,
    structured,
    tuning,
)

from drawdown.domain.commands import Replayed
from drawdown.domain.errors import Reject
from drawdown.domain.limits import COMMAND_MEMORY_MS, EVENT_BYTES_MAX, REPLAY_BYTES_MAX
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.engine.input import Input
from drawdown.engine.records import Record, size_of
from drawdown.ledgers.plans import PlansLedger
from drawdown.wire.replay import encode_replay

LEDGER = PlansLedger(Prices(), Policy.default())
LATER = T0 + 30 * DAY


def decoded(record: Record) -> Input:
    return LEDGER.decode(record)


def reason(record: Record) -> str:
    with pytest.raises(Reject) as caught:
        decoded(record)
    return caught.value.code


def carried(of: Record, **change: Any) -> Record:
    return command(replay(of, **change), LATER)


@pytest.mark.parametrize("mode", [structured, binary])
@pytest.mark.parametrize("message", [inference(input_tokens=5), container(), tuning(final=True)])
def test_a_replay_is_the_usage_itself(message: Message, mode: Callable[[Message], Record]) -> None:
    usage = decoded(structured(message))
    again = decoded(carried(mode(message)))
    assert (again.key, again.identity, again.content) == (usage.key, usage.identity, usage.content)
    assert again.body == Replayed(usage.body)  # type: ignore[arg-type]
    assert again.remember


def test_a_repaired_event_is_told_from_what_was_accepted_under_its_id() -> None:
    first, repaired = decoded(structured(inference())), decoded(carried(structured(inference(images=1))))
    assert first.identity == repaired.identity
    assert first.content != repaired.content


def test_its_position_is_the_commands() -> None:
    item = decoded(carried(structured(inference())))
    assert (item.record.topic, item.appended) == ("plan-commands", LATER)


def test_a_replay_is_remembered_as_long_as_a_command_or_as_its_usage_if_that_is_longer() -> None:
    late = decoded(carried(structured(inference(T0))))
    assert late.forget_at == LATER + COMMAND_MEMORY_MS
    soon = structured(container(LATER, LATER))
    policy = Policy({}, 10 * DAY, 0)
    assert PlansLedger(Prices(), policy).decode(carried(soon)).forget_at == LATER + 10 * DAY


def test_what_the_tool_writes_reads_back_without_headers_that_say_nothing() -> None:
    of = binary(inference(images=2))
    headers = (*of.headers, ("traceparent", b"00-1"))
    value = encode_replay(
        "r", "acc", of.topic, of.value or b"", headers, letter=(3, 17), operator="me", reason="repaired"
    )
    assert b"traceparent" not in value
    assert decoded(Record("plan-commands", 0, 0, LATER, b"acc", value)).content == decoded(of).content


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "other"}, "invalid_value"),
        ({"topic": "charges"}, "invalid_value"),
        ({"value": "no base64"}, "invalid_value"),
        ({"value": "abc"}, "invalid_value"),
        ({"value": ""}, "not_json"),
        ({"value": 7}, "wrong_type"),
        ({"value": "e30="}, "missing_field"),
        ({"headers": [{"name": "content-type", "value": "?"}]}, "invalid_value"),
        ({"headers": [{"name": "content-type", "value": "abc"}]}, "invalid_value"),
        ({"headers": [{"name": "a", "value": ""}] * 65}, "invalid_value"),
        ({"operator": ""}, "invalid_value"),
        ({"reason": ""}, "invalid_value"),
        ({"dead_letter": {"partition": -1, "offset": 0}}, "invalid_value"),
        ({"version": 2}, "unknown_version"),
        ({"note": ""}, "invalid_value"),
    ],
)
def test_a_replay_is_refused(change: Message, code: str) -> None:
    assert reason(carried(structured(inference()), **change)) == code


@pytest.mark.parametrize("field", ["id", "account", "topic", "value", "operator", "reason"])
def test_a_field_that_is_missing(field: str) -> None:
    message = {name: value for name, value in replay(structured(inference())).items() if name != field}
    record = command(message | {"account": "acc"}, LATER) if field != "account" else command(replay(_event()), LATER)
    if field == "account":
        value = (record.value or b"").replace(b'"account": "acc", ', b"")
        record = Record(record.topic, 0, 0, LATER, b"acc", value)
    assert reason(record) == "missing_field"


def _event() -> Record:
    return structured(inference())


def test_bytes_that_are_still_bad_are_refused_for_their_reason() -> None:
    of = structured(inference())
    assert reason(carried(Record(of.topic, 3, 7, T0, of.key, b"{", of.headers))) == "not_json"
    assert reason(carried(structured(inference(images=-1)))) == "negative_quantity"


def test_an_event_of_the_largest_size_passes_and_a_larger_one_does_not() -> None:
    of = structured(inference())
    value = (of.value or b"").ljust(EVENT_BYTES_MAX)
    largest = carried(Record(of.topic, 3, 7, T0, of.key, value, of.headers))
    assert EVENT_BYTES_MAX < size_of(largest) < REPLAY_BYTES_MAX
    assert decoded(largest)
    assert reason(carried(Record(of.topic, 3, 7, T0, of.key, value + b" ", of.headers))) == "too_large"
    assert reason(carried(Record(of.topic, 3, 7, T0, of.key, value * 2, of.headers))) == "too_large"


def test_an_event_of_another_account_than_the_key() -> None:
    record = carried(structured(inference()), account="acc")
    assert reason(Record(record.topic, 0, 0, LATER, b"other", record.value)) == "invalid_value"
