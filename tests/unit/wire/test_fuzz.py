"""Whatever stands in a record: it is read, or refused with a reason. Anything else would stop the service."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.messages import (
    ACCOUNT,
    HOUR,
    T0,
    Message,
    activate_plan,
    binary,
    command,
    open_account,
    price_book,
    structured,
    written,
)
from tests.support.odd_messages import (
    BOOKS,
    GOOD_COMMANDS,
    GOOD_EVENTS,
    HEADERS,
    JSON,
    ODD_TEXT,
    PRICES,
    changed,
    damaged,
)
from tests.support.raters import Raters

from drawdown.domain.errors import Reject
from drawdown.domain.prices import BookError
from drawdown.engine.input import Input
from drawdown.engine.records import Record
from drawdown.ledgers.plans import RULES
from drawdown.topics import PLAN_COMMANDS, USAGE
from drawdown.wire.dead_letter import encode_dead_letter
from drawdown.wire.price_book import decode_book

TOPICS = (*USAGE, PLAN_COMMANDS)
many = examples(200)


def taken(record: Record) -> str:
    """Read a record and decide it on an open account, as the service would; give the refusal's code, or ""."""
    ledger = Raters(BOOKS).ledger
    state = ledger.decide(None, ledger.decode(command(open_account()))).state
    state = ledger.decide(state, ledger.decode(command(activate_plan("old", amount="0.1")))).state
    try:
        item = ledger.decode(record)
        assert isinstance(item, Input)
        assert (len(item.identity), len(item.content)) == (16, 8)
        outcome = ledger.decide(state, item)
        assert ledger.encode_state(outcome.state)
        ledger.due(outcome.state)
    except Reject as reject:
        letter = encode_dead_letter(record, reject, ledger.name, RULES, 0)
        assert all(isinstance(content, bytes) for _, content in letter.headers)
        return reject.code
    return ""


@many
@given(
    st.sampled_from(TOPICS),
    st.one_of(st.none(), st.binary(max_size=60)),
    st.one_of(st.none(), st.binary(max_size=60)),
    HEADERS,
    st.integers(-1, 2**45),
)
def test_arbitrary_bytes(
    topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]], appended: int
) -> None:
    assert taken(Record(topic, 0, 0, appended, key, value, headers))


@many
@given(st.sampled_from(TOPICS), st.sampled_from([None, b"", ACCOUNT.encode()]), JSON, HEADERS)
def test_arbitrary_json(topic: str, key: bytes | None, value: object, headers: list[tuple[str, bytes]]) -> None:
    assert taken(Record(topic, 0, 0, T0, key, json.dumps(value).encode(), headers))


@many
@given(changed(GOOD_EVENTS), st.booleans(), HEADERS)
def test_events_changed_in_places(message: Message, as_binary: bool, headers: list[tuple[str, bytes]]) -> None:
    like = (binary if as_binary and "data" in message else structured)({"type": "", "subject": ""} | message)
    value = like.value if as_binary else written(message)
    taken(Record(USAGE[0], 0, 0, T0 + HOUR, ACCOUNT.encode(), value, (*headers, *like.headers)))


@many
@given(changed(GOOD_COMMANDS))
def test_commands_changed_in_places(message: Message) -> None:
    taken(Record(PLAN_COMMANDS, 0, 0, T0, ACCOUNT.encode(), written(message)))


@many
@given(st.data(), st.sampled_from((*GOOD_EVENTS, *GOOD_COMMANDS)))
def test_good_messages_damaged_by_the_byte(data: st.DataObject, message: Message) -> None:
    topic = USAGE[0] if "type" in message else PLAN_COMMANDS
    taken(Record(topic, 0, 0, T0 + HOUR, ACCOUNT.encode(), data.draw(damaged(written(message)))))


@many
@given(st.data(), st.sampled_from(GOOD_EVENTS))
def test_good_events_in_binary_mode_damaged_by_the_byte(data: st.DataObject, message: Message) -> None:
    good = binary(message)
    headers = [
        (name, data.draw(damaged(content)) if data.draw(st.booleans()) else content) for name, content in good.headers
    ]
    value = data.draw(damaged(good.value or b"")) if data.draw(st.booleans()) else good.value
    taken(Record(USAGE[0], 0, 0, T0 + HOUR, good.key, value, headers))


@many
@given(changed((price_book("plan-usd", *PRICES),)))
def test_price_books_changed_in_places(message: Message) -> None:
    with suppress(BookError):
        decode_book(written(message))


@many
@given(st.one_of(st.binary(max_size=60), damaged(BOOKS[0])))
def test_price_books_damaged_by_the_byte(value: bytes) -> None:
    with suppress(BookError):
        decode_book(value)


def test_the_good_messages_are_good() -> None:
    assert [taken(structured(message, T0 + HOUR)) for message in GOOD_EVENTS] == ["", "", ""]
    assert [taken(command(message)) for message in GOOD_COMMANDS] == ["", "", ""]


@many
@given(st.one_of(ODD_TEXT, st.text(max_size=40), st.sampled_from(["localtime", "posix/UTC", "a//b", ".", "UTC/"])))
def test_an_account_opens_in_any_zone_or_is_refused(time_zone: str) -> None:
    record = command(open_account(time_zone=time_zone))
    ledger = Raters(BOOKS).ledger
    with suppress(Reject):
        assert ledger.decide(None, ledger.decode(record)).state
