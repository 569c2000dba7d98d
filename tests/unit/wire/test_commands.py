"""Commands on the wire: what each becomes, and every reason for which one is refused by its form."""

import json
from typing import Any

import pytest
from tests.support.messages import (
    ACCOUNT,
    DAY,
    T0,
    Message,
    activate_plan,
    command,
    open_account,
    raw,
    timer,
    written,
)

from drawdown.domain.commands import ActivatePlan, OpenAccount, TimerFired
from drawdown.domain.errors import Reject
from drawdown.domain.limits import COMMAND_MEMORY_MS, EVENT_BYTES_MAX
from drawdown.domain.model import Quota, ScopeItem
from drawdown.domain.money import CURRENCIES, parse_amount
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.engine.input import Input
from drawdown.engine.records import Record
from drawdown.ledgers.plans import PlansLedger
from drawdown.wire.commands import decode_command
from drawdown.wire.instants import format_instant

TOPIC = "plan-commands"
PRODUCT = {"service": "inference", "dimensions": {"region": "hn", "model": "Q"}}


def reason(record: Record) -> str:
    with pytest.raises(Reject) as caught:
        decoded(record)
    assert caught.value.detail
    return caught.value.code


def decoded(record: Record) -> Input:
    return PlansLedger(Prices(), Policy.default()).decode(record)


def test_open_account() -> None:
    said = decode_command(command(open_account(currency="VND", time_zone="Asia/Ho_Chi_Minh")))
    assert said == (OpenAccount(ACCOUNT, "VND", "Asia/Ho_Chi_Minh"), "open")
    assert decode_command(command(open_account())) == (OpenAccount(ACCOUNT, "USD", "UTC"), "open")


def test_activate_plan_with_everything() -> None:
    message = activate_plan(
        amount="12.5",
        end=format_instant(T0 + DAY),
        grace_seconds=60,
        priority=3,
        scope=[PRODUCT, {"service": "fine-tuning"}],
        quotas=[PRODUCT | {"amount": "0.000000001"}],
    )
    product = ScopeItem("inference", (("model", "Q"), ("region", "hn")))
    plan = ActivatePlan(
        account=ACCOUNT,
        plan="p",
        currency="USD",
        book="plan-usd",
        book_version=1,
        amount=parse_amount("12.5", CURRENCIES["USD"]),
        start=T0 - DAY,
        end=T0 + DAY,
        grace_ms=60_000,
        priority=3,
        scope=(product, ScopeItem("fine-tuning")),
        quotas=(Quota(product, 1),),
    )
    assert decode_command(command(message)) == (plan, "plan-p")


def test_what_is_left_out_of_an_activation() -> None:
    plan, _ = decode_command(command(activate_plan()))
    assert isinstance(plan, ActivatePlan)
    assert (plan.end, plan.grace_ms, plan.priority, plan.scope, plan.quotas) == (None, 86_400_000, 100, (), ())


def test_a_timer_of_the_ledgers_own_reads_back() -> None:
    ledger = PlansLedger(Prices(), Policy.default())
    key, value = ledger.timer(ACCOUNT, T0)
    assert decode_command(Record(TOPIC, 0, 0, T0, key, value)) == (TimerFired(ACCOUNT, T0), f"timer:{T0}")


def test_a_command_is_told_by_account_and_idempotency_key_and_remembered_for_a_week() -> None:
    first = decoded(command(open_account(), T0))
    assert first.identity == decoded(command(open_account(currency="VND"), T0 + 1)).identity
    assert first.content != decoded(command(open_account(currency="VND"))).content
    assert first.identity != decoded(command(open_account(ident="other"))).identity
    assert first.identity != decoded(command(open_account("acc2"))).identity
    assert first.forget_at == T0 + COMMAND_MEMORY_MS


def test_of_a_key_written_twice_the_last_counts() -> None:
    value = written(open_account()).replace(b'"currency": "USD"', b'"currency": "USD", "currency": "VND"')
    assert decode_command(raw(value, topic=TOPIC)) == (OpenAccount(ACCOUNT, "VND", "UTC"), "open")


VALUES: dict[str, tuple[bytes | None, str]] = {
    "no value": (None, "missing_field"),
    "empty": (b"", "not_json"),
    "text": (b"open an account", "not_json"),
    "not UTF-8": (b'"\xff"', "not_utf8"),
    "half a character": (b'"\\ud800"', "not_json"),
    "null": (b"null", "wrong_type"),
    "a list": (b"[]", "wrong_type"),
    "nothing in it": (b"{}", "unknown_type"),
    "too deep": (b'{"a":' * 17 + b"1" + b"}" * 17, "too_deep"),
    "too large": (b" " * (EVENT_BYTES_MAX + 1), "too_large"),
}


@pytest.mark.parametrize("case", VALUES)
def test_bytes_that_are_no_command(case: str) -> None:
    value, code = VALUES[case]
    assert reason(raw(value, topic=TOPIC)) == code


FIELDS: list[tuple[str, Any, str]] = [
    ("command", "close_account", "unknown_type"),
    ("command", None, "unknown_type"),
    ("command", 1, "unknown_type"),
    ("version", 2, "unknown_version"),
    ("version", "1", "wrong_type"),
    ("version", True, "wrong_type"),
    ("version", 1.0, "wrong_type"),
    ("version", None, "wrong_type"),
    ("id", "", "invalid_value"),
    ("id", "x" * 257, "invalid_value"),
    ("id", "a\nb", "invalid_value"),
    ("id", 7, "wrong_type"),
    ("plan", "", "invalid_value"),
    ("plan", "x" * 129, "invalid_value"),
    ("plan", "a\x00", "invalid_value"),
    ("currency", "usd", "invalid_value"),
    ("currency", "XXX", "wrong_currency"),
    ("currency", 840, "wrong_type"),
    ("book", "", "invalid_value"),
    ("book", "\x7f", "invalid_value"),
    ("book_version", 0, "invalid_value"),
    ("book_version", 10**9 + 1, "invalid_value"),
    ("book_version", 10**30, "invalid_value"),
    ("book_version", "1", "wrong_type"),
    ("book_version", True, "wrong_type"),
    ("book_version", 1.0, "wrong_type"),
    ("amount", 100, "wrong_type"),
    ("amount", "", "invalid_value"),
    ("amount", "-1", "invalid_value"),
    ("amount", "+1", "invalid_value"),
    ("amount", "1e3", "invalid_value"),
    ("amount", "1,000", "invalid_value"),
    ("amount", "1.", "invalid_value"),
    ("amount", "NaN", "invalid_value"),
    ("amount", "1\n", "invalid_value"),
    ("amount", "\u0661", "invalid_value"),
    ("amount", "0.0000000001", "invalid_value"),
    ("amount", "4611686018.427387904", "amount_too_large"),
    ("amount", "9" * 19, "amount_too_large"),
    ("amount", "9" * 20, "invalid_value"),
    ("start", "yesterday", "invalid_value"),
    ("start", "2026-01-01T00:00:00", "invalid_value"),
    ("start", "2026-01-01T00:00:00Z" + " " * 30, "invalid_value"),
    ("start", 0, "wrong_type"),
    ("start", None, "wrong_type"),
    ("end", "", "invalid_value"),
    ("end", 0, "wrong_type"),
    ("grace_seconds", -1, "invalid_value"),
    ("grace_seconds", 90 * 86_400 + 1, "invalid_value"),
    ("grace_seconds", 0.5, "wrong_type"),
    ("grace_seconds", "60", "wrong_type"),
    ("priority", -1, "invalid_value"),
    ("priority", 1_000_001, "invalid_value"),
    ("priority", False, "wrong_type"),
    ("scope", "some", "invalid_value"),
    ("scope", [], "invalid_value"),
    ("scope", [{"service": "inference"}] * 17, "invalid_value"),
    ("scope", [{"service": "notebook"}], "unknown_service"),
    ("scope", [{"service": "inference", "dimensions": {str(n): "a" for n in range(9)}}], "invalid_value"),
    ("scope", [{"service": "inference", "dimensions": {"model": ""}}], "invalid_value"),
    ("scope", [{"service": "inference", "dimensions": {"": "Q"}}], "invalid_value"),
    ("scope", [{"service": "inference", "dimensions": {"model": "\x00"}}], "invalid_value"),
    ("quotas", None, "wrong_type"),
    ("quotas", [{"service": "inference"}], "missing_field"),
    ("quotas", [{"service": "inference", "amount": 1}], "wrong_type"),
    ("quotas", [{"service": "inference", "amount": "x"}], "invalid_value"),
    ("quotas", [{"service": "notebook", "amount": "1"}], "unknown_service"),
    ("quotas", [{"service": "inference", "amount": "1"}] * 17, "invalid_value"),
    ("discount", 5, "invalid_value"),
]


@pytest.mark.parametrize(("field", "value", "code"), FIELDS)
def test_fields_of_an_activation(field: str, value: object, code: str) -> None:
    assert reason(command(activate_plan() | {field: value})) == code


@pytest.mark.parametrize("field", ["version", "id", "plan", "currency", "book", "book_version", "amount", "start"])
def test_a_field_that_is_missing(field: str) -> None:
    message = {name: value for name, value in activate_plan().items() if name != field}
    assert reason(command(message)) == "missing_field"


@pytest.mark.parametrize("message", [open_account(), activate_plan(), timer(T0)])
def test_a_missing_account(message: Message) -> None:
    del message["account"]
    assert reason(raw(written(message), topic=TOPIC)) == "missing_field"


@pytest.mark.parametrize(("account", "code"), [("", "invalid_value"), ("x" * 129, "invalid_value"), (7, "wrong_type")])
def test_an_account_that_is_no_name(account: object, code: str) -> None:
    assert reason(raw(written(open_account() | {"account": account}), topic=TOPIC)) == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (open_account(currency="dollars"), "invalid_value"),
        (open_account(time_zone=""), "invalid_value"),
        (open_account(time_zone=None), "wrong_type"),
        (open_account(zone="UTC"), "invalid_value"),
        (timer(T0) | {"due": "soon"}, "invalid_value"),
        (timer(T0) | {"due": T0}, "wrong_type"),
    ],
)
def test_fields_of_other_commands(message: Message, code: str) -> None:
    assert reason(command(message)) == code


@pytest.mark.parametrize(("key", "code"), [(None, "missing_key"), (b"", "invalid_value"), (b"other", "invalid_value")])
def test_the_key_must_be_the_account(key: bytes | None, code: str) -> None:
    assert reason(raw(written(open_account()), topic=TOPIC, key=key)) == code


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(Reject, match=r"activate_plan\.quotas\.0\.amount"):
        decode_command(command(activate_plan(quotas=[{"service": "inference"}])))


def test_amounts_are_read_exactly() -> None:
    plan, _ = decode_command(command(activate_plan(amount="4611686018.427387903")))
    assert isinstance(plan, ActivatePlan)
    assert plan.amount == 2**62 - 1


def test_a_commands_result_tells_its_applied_number_and_its_refusal() -> None:
    ledger = PlansLedger(Prices(), Policy.default())
    first = ledger.decide(None, ledger.decode(command(open_account())))
    assert json.loads(first.result) == {"applied": 1, "refused": None}
    again = ledger.decide(first.state, ledger.decode(command(open_account(ident="again"))))
    assert json.loads(again.result) == {"applied": 2, "refused": "account_exists"}
