"""The audit of the wallet's part of a log: nothing is found in a true one, and something in every false one."""

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.messages import Message, written
from tests.support.wallet_corpus import RULES, Account, records, seqs
from tests.support.wallet_raters import FORFEIT_AFTER, applied_all

from drawdown.engine.records import Record
from drawdown.oracle.audit import Audit
from drawdown.oracle.rater import Oracle
from drawdown.oracle.wallet import WalletOracle
from drawdown.oracle.wallet_audit import audit_wallet

Log = dict[str, list[Record]]


def log_of(inputs: list[Record]) -> Log:
    """The log that the wallet ledger makes of these inputs."""
    found: Log = defaultdict(list)
    for offset, read in enumerate(inputs):
        found[read.topic].append(replace(read, offset=offset))
    for step in applied_all([replace(read, offset=offset) for offset, read in enumerate(inputs)]):
        for output in step.outputs:
            offset = len(found[output.topic])
            found[output.topic].append(Record(output.topic, 3, offset, 0, step.record.key, output.value))
    return found


def findings(log: Log) -> list[str]:
    found = Audit(Oracle())
    audit_wallet(log, WalletOracle(FORFEIT_AFTER), found)
    return found.findings


def whole() -> Log:
    """The log of the corpus but the account that repeats overages: the plans ledger never does."""
    repeating = seqs().name.encode()
    return log_of([read for read in records() if read.key != repeating])


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule is not seqs], ids=lambda rule: rule.__name__)
def test_nothing_is_found_in_a_true_log(rule: Callable[[], Account]) -> None:
    assert findings(log_of(rule().records)) == []
    assert findings(whole()) == []


def test_records_that_only_carry_the_watermark_are_passed_over() -> None:
    log = whole()
    log["credit-charging"].append(Record("credit-charging", 3, 10**6, 0, None, b"", (("watermark", b"5"),)))
    assert findings(log) == []


@pytest.mark.parametrize("topic", ["charges", "account-events"])
def test_a_lost_output_is_found(topic: str) -> None:
    log = whole()
    outputs = log[topic]
    for place, lost in enumerate(outputs):
        log[topic] = outputs[:place] + outputs[place + 1 :]
        assert findings(log), lost


@pytest.mark.parametrize("topic", ["charges", "account-events"])
def test_a_doubled_output_is_found(topic: str) -> None:
    log = whole()
    log[topic].append(log[topic][0])
    assert findings(log)


@pytest.mark.parametrize("topic", ["credit-charging", "wallet-commands"])
def test_a_lost_input_is_found(topic: str) -> None:
    log = whole()
    del log[topic][0]
    assert findings(log)


def test_an_overage_that_nobody_drew_is_found() -> None:
    log = whole()
    newest = json.loads(log["credit-charging"][-1].value or b"")
    more = newest | {"id": "more", "seq": newest["seq"] + 1}
    log["credit-charging"].append(replace(log["credit-charging"][-1], offset=10**6, value=written(more)))
    assert any("no outcome" in said for said in findings(log))
    assert any("was due" in said for said in findings(log))


CHANGES: list[tuple[str, Callable[[Message], Any]]] = [
    ("a payer", lambda charge: charge["lines"][0]["payer"].update(id="another")),
    ("an amount", lambda charge: charge["lines"][0].update(amount="0.000000001")),
    ("a balance before", lambda charge: charge["balances"][0].update(before="99")),
    ("a balance after", lambda charge: charge["balances"][0].update(after="99")),
    ("a seq", lambda charge: charge.update(seq=77)),
    ("an applied number", lambda charge: charge.update(applied=77)),
    ("an input", lambda charge: charge["position"].update(offset=0)),
    ("an event", lambda charge: charge["event"].update(id="another")),
]


@pytest.mark.parametrize(("what", "change"), CHANGES)
def test_a_changed_charge_is_found(what: str, change: Callable[[Message], Any]) -> None:
    log = whole()
    charge = json.loads(log["charges"][0].value or b"")
    change(charge)
    log["charges"][0] = replace(log["charges"][0], value=written(charge))
    assert findings(log), what


def test_a_dead_letter_of_an_overage_is_found() -> None:
    log = whole()
    at = log["credit-charging"][0]
    headers = {"ledger": "wallet", "topic": at.topic, "partition": "3", "offset": str(at.offset), "reason": "not_json"}
    told = tuple((name, value.encode()) for name, value in (headers | {"sha256": "0"}).items())
    log["dead-letters"].append(Record("dead-letters", 3, 0, 0, at.key, at.value, told))
    assert any("no command" in said for said in findings(log))
