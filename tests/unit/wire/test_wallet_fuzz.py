"""Whatever stands in a record of the wallet's: it is read, refused with a reason, or stops the shard; nothing else."""

import json
from functools import cache

from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.messages import ACCOUNT, T0, Message, open_account, written
from tests.support.odd_messages import HEADERS, JSON, changed, damaged
from tests.support.wallet_messages import (
    GOOD_COMMANDS,
    GOOD_OVERAGES,
    SPLIT,
    TOPICS,
    grant_voucher,
    ledger,
    overage,
    record,
    top_up,
)

from drawdown.domain.errors import Reject
from drawdown.engine.errors import Halt
from drawdown.engine.input import Input
from drawdown.engine.records import Record
from drawdown.ledgers.wallet import RULES
from drawdown.wire.dead_letter import encode_dead_letter

many = examples(200)
LEDGER = ledger()


@cache
def lived() -> object:
    """A wallet with something of everything."""
    state: object | None = None
    for message in (
        open_account(),
        grant_voucher("old"),
        grant_voucher("split", split=SPLIT),
        top_up("old"),
        overage(),
    ):
        state = LEDGER.decide(state, LEDGER.decode(record(message))).state
    return state


def taken(read: Record) -> str:
    """Read a record and decide it on a wallet, and on none, as the service would; give the refusal's code, or ""."""
    try:
        item = LEDGER.decode(read)
    except Reject as reject:
        return _letter(read, reject)
    assert isinstance(item, Input)
    assert (len(item.identity), len(item.content)) == (16, 8)
    codes = [_decided(state, item) for state in (None, lived())]
    return codes[-1]


def _decided(state: object | None, item: Input) -> str:
    try:
        outcome = LEDGER.decide(state, item)
    except Reject as reject:
        return _letter(item.record, reject)
    except Halt:
        return "halt"
    if outcome.state is not None:
        assert LEDGER.decode_state(LEDGER.encode_state(outcome.state)) == outcome.state
        due = LEDGER.due(outcome.state)
        if due is not None:
            LEDGER.decode(Record(TOPICS[0], 0, 0, due, *LEDGER.timer(item.key, due)))
    assert all(json.loads(emit.value) for emit in outcome.emits)
    return ""


def _letter(read: Record, reject: Reject) -> str:
    letter = encode_dead_letter(read, reject, LEDGER.name, RULES, 0)
    assert all(isinstance(content, bytes) for _, content in letter.headers)
    return reject.code


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
@given(st.sampled_from(TOPICS), st.sampled_from([None, b"", ACCOUNT.encode()]), JSON)
def test_arbitrary_json(topic: str, key: bytes | None, value: object) -> None:
    assert taken(Record(topic, 0, 0, T0, key, json.dumps(value).encode()))


@many
@given(changed(GOOD_COMMANDS))
def test_commands_changed_in_places(message: Message) -> None:
    taken(Record(TOPICS[0], 0, 0, T0, ACCOUNT.encode(), written(message)))


@many
@given(changed(GOOD_OVERAGES))
def test_overages_changed_in_places(message: Message) -> None:
    taken(Record(TOPICS[1], 0, 0, T0, ACCOUNT.encode(), written(message)))


@many
@given(st.data(), st.sampled_from((*GOOD_COMMANDS, *GOOD_OVERAGES)))
def test_good_messages_damaged_by_the_byte(data: st.DataObject, message: Message) -> None:
    topic = TOPICS["command" not in message]
    taken(Record(topic, 0, 0, T0, ACCOUNT.encode(), data.draw(damaged(written(message)))))


def test_the_good_messages_are_good() -> None:
    assert [taken(record(message)) for message in GOOD_COMMANDS] == [""] * len(GOOD_COMMANDS)
    assert [taken(record(message)) for message in GOOD_OVERAGES] == ["", ""]
