"""An emit with a key of its own goes to that key's partition; an outcome without a state leaves its key as it was."""

import json

import pytest
from tests.support.engine import SHARDS, owner_of
from tests.support.tally import Tally

from drawdown.engine.ledger import clocked_by
from drawdown.engine.outcome import Emit, Outcome
from drawdown.engine.records import Record
from drawdown.engine.take import Take
from drawdown.ledgers.codes import CodesLedger

KEYS = [b"k-%d" % number for number in range(8)]


def take_of(key: bytes) -> Take:
    record = Record("adds", owner_of(key), 0, 1, key, json.dumps({"id": "i", "add": 1}).encode())
    take = Take(owner_of(key), 1, [record], Tally(), owner_of)
    take.inputs.append(Tally().decode(record))
    return take


@pytest.mark.parametrize("to", KEYS)
def test_it_goes_to_the_partition_of_its_key_in_the_same_transaction(to: bytes) -> None:
    assert {owner_of(key) for key in KEYS} == set(range(SHARDS))
    take = take_of(b"own")
    emits = (Emit("totals", b"mine"), Emit("totals", b"another's", key=to))
    take.accept(take.inputs[0], Outcome((1, 1, 0), emits))
    found = [(out.key, out.partition, out.value) for out in take.outputs]
    assert found == [(b"own", owner_of(b"own"), b"mine"), (to, owner_of(to), b"another's")]


def test_an_outcome_without_a_state_stores_none_and_is_remembered() -> None:
    take = take_of(b"own")
    take.accept(take.inputs[0], Outcome(None, (Emit("totals", b"no"),)))
    assert (take.states, take.touched) == ({}, {})
    assert len(take.ids) == len(take.outputs) == 1


def test_a_ledger_without_usage_takes_its_clock_from_its_commands() -> None:
    assert clocked_by(CodesLedger()) == ("code-commands",)
    assert clocked_by(Tally()) == ("adds", "adds-late")
