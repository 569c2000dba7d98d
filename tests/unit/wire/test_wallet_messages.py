"""The wallet's messages: what each command becomes, every reason for which one is refused, and what a charge says."""

import json
from typing import Any

import pytest
from tests.support.messages import ACCOUNT, DAY, T0, Message, open_account, raw, timer, written
from tests.support.wallet import part
from tests.support.wallet import voucher as granted
from tests.support.wallet_messages import (
    GOOD_COMMANDS,
    PRODUCT,
    SPLIT,
    adjust,
    debt_limit,
    grant_voucher,
    ledger,
    overage,
    record,
    top_up,
)

from drawdown.domain.errors import Reject
from drawdown.domain.limits import COMMAND_MEMORY_MS, EVENT_BYTES_MAX, RECORD_BYTES_MAX
from drawdown.domain.model import ScopeItem
from drawdown.domain.wallet.model import AddCredit, Adjust, OpenWallet, OverageDue, SetDebtLimit, WalletTimer
from drawdown.engine.records import Record
from drawdown.ledgers.wallet import RULES
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING, WALLET_COMMANDS
from drawdown.wire.instants import format_instant
from drawdown.wire.overage_due import decode_overage_due
from drawdown.wire.wallet_commands import decode_wallet_command

INFERENCE_Q = ScopeItem("inference", (("model", "Q"),))
GPU = ScopeItem("gpu-container")
USD = 10**9

# --- commands ------------------------------------------------------------------------------------

VALID: dict[str, tuple[Message, object]] = {
    "open": (open_account(currency="VND", time_zone="Asia/Ho_Chi_Minh"), OpenWallet(ACCOUNT, "VND")),
    "a voucher for all": (grant_voucher(), granted()),
    "a voucher for a product": (grant_voucher(scope=[PRODUCT]), granted("v", "10", INFERENCE_Q)),
    "a voucher for several": (
        grant_voucher(scope=[PRODUCT, {"service": "gpu-container"}]),
        granted("v", "10", INFERENCE_Q, GPU),
    ),
    "a split voucher": (
        grant_voucher(split=SPLIT, priority=3),
        granted(
            priority=3, parts=(part("1", INFERENCE_Q), part("10", GPU), part("70", others_than=("gpu-container",)))
        ),
    ),
    "a voucher of an instant in another zone": (grant_voucher(expires="2026-01-31T07:00:00+07:00"), granted()),
    "a top-up": (top_up("pay-1", amount="25.5"), AddCredit(ACCOUNT, "pay-1", "USD", 255 * USD // 10)),
    "a top-up of nothing": (top_up(amount="0"), AddCredit(ACCOUNT, "t", "USD", 0)),
    "an adjustment": (adjust(amount="0.000000001"), Adjust(ACCOUNT, "a", "USD", 1, "goodwill", "ops-1")),
    "one that takes back": (
        adjust(amount="-12.50"),
        Adjust(ACCOUNT, "a", "USD", -125 * USD // 10, "goodwill", "ops-1"),
    ),
    "a write-off": (
        adjust(kind="write_off"),
        Adjust(ACCOUNT, "a", "USD", USD, "goodwill", "ops-1", "write_off"),
    ),
    "a debt limit": (debt_limit(limit="50"), SetDebtLimit(ACCOUNT, "USD", 50 * USD, "goodwill", "ops-1")),
    "no debt limit": (debt_limit(limit=None), SetDebtLimit(ACCOUNT, "USD", None, "goodwill", "ops-1")),
    "a timer": (timer(T0), WalletTimer(ACCOUNT, T0)),
}


@pytest.mark.parametrize("case", VALID)
def test_what_a_command_becomes(case: str) -> None:
    message, command = VALID[case]
    assert decode_wallet_command(record(message)) == (command, message["id"])


def test_the_timer_of_the_ledgers_own_reads_back() -> None:
    key, value = ledger().timer(ACCOUNT, T0)
    assert decode_wallet_command(Record(WALLET_COMMANDS, 0, 0, T0, key, value)) == (
        WalletTimer(ACCOUNT, T0),
        f"timer:{T0}",
    )


def test_a_command_is_told_by_account_and_idempotency_key_and_remembered_for_a_week() -> None:
    first = ledger().decode(record(top_up()))
    assert first.identity == ledger().decode(record(adjust(ident="top-up-t"), T0 + 1)).identity
    assert first.content != ledger().decode(record(top_up(amount="26"))).content
    assert first.identity != ledger().decode(record(top_up("other"))).identity
    assert first.identity != ledger().decode(record(top_up(account="acc2"))).identity
    assert (first.forget_at, first.remember) == (T0 + COMMAND_MEMORY_MS, True)


def reason(read: Record) -> str:
    with pytest.raises(Reject) as caught:
        ledger().decode(read)
    assert caught.value.detail
    return caught.value.code


GRANT, TOP_UP, ADJUST, SPLIT_GRANT = grant_voucher(), top_up(), adjust(), grant_voucher(split=SPLIT)
LIMIT = debt_limit(limit="50")
REFUSED: list[tuple[Message, str, Any, str]] = [
    (GRANT, "command", "activate_plan", "unknown_type"),
    (GRANT, "command", None, "unknown_type"),
    (GRANT, "version", 2, "unknown_version"),
    (GRANT, "version", True, "wrong_type"),
    (GRANT, "id", "", "invalid_value"),
    (GRANT, "id", "a\nb", "invalid_value"),
    (GRANT, "id", "x" * 257, "invalid_value"),
    (GRANT, "voucher", "", "invalid_value"),
    (GRANT, "voucher", "x" * 129, "invalid_value"),
    (GRANT, "voucher", "\x00", "invalid_value"),
    (GRANT, "voucher", 7, "wrong_type"),
    (GRANT, "currency", "usd", "invalid_value"),
    (GRANT, "currency", "XXX", "wrong_currency"),
    (GRANT, "expires", "never", "invalid_value"),
    (GRANT, "expires", None, "wrong_type"),
    (GRANT, "expires", "2200-01-01T00:00:00Z", "invalid_value"),
    (GRANT, "priority", -1, "invalid_value"),
    (GRANT, "priority", 1_000_001, "invalid_value"),
    (GRANT, "priority", False, "wrong_type"),
    (GRANT, "amount", "-1", "invalid_value"),
    (GRANT, "amount", 10, "wrong_type"),
    (GRANT, "amount", "1e3", "invalid_value"),
    (GRANT, "amount", "0.0000000001", "invalid_value"),
    (GRANT, "amount", "9" * 19, "amount_too_large"),
    (GRANT, "amount", None, "missing_field"),
    (GRANT, "scope", "some", "invalid_value"),
    (GRANT, "scope", [], "invalid_value"),
    (GRANT, "scope", [{"service": "inference"}] * 17, "invalid_value"),
    (GRANT, "scope", [{"service": "notebook"}], "unknown_service"),
    (GRANT, "scope", [{"service": "inference", "dimensions": {"model": ""}}], "invalid_value"),
    (GRANT, "split", SPLIT, "invalid_value"),  # and an amount
    (GRANT, "discount", 5, "invalid_value"),
    (SPLIT_GRANT, "scope", [PRODUCT], "invalid_value"),
    (SPLIT_GRANT, "split", SPLIT[:1], "invalid_value"),
    (SPLIT_GRANT, "split", SPLIT * 6, "invalid_value"),
    (SPLIT_GRANT, "split", [*SPLIT, SPLIT[-1]], "invalid_value"),  # two for the others
    (SPLIT_GRANT, "split", [*SPLIT, {"service": "notebook", "amount": "1"}], "unknown_service"),
    (SPLIT_GRANT, "split", [*SPLIT, {"others": False, "amount": "1"}], "missing_field"),
    (SPLIT_GRANT, "split", [*SPLIT, {"service": "inference", "amount": "-1"}], "invalid_value"),
    (TOP_UP, "reference", "", "invalid_value"),
    (TOP_UP, "reference", "\x7f", "invalid_value"),
    (TOP_UP, "reference", None, "wrong_type"),
    (TOP_UP, "amount", "-25", "invalid_value"),
    (TOP_UP, "amount", "25.", "invalid_value"),
    (TOP_UP, "amount", "\u0662\u0665", "invalid_value"),
    (TOP_UP, "amount", None, "wrong_type"),
    (TOP_UP, "currency", "BTC", "wrong_currency"),
    (TOP_UP, "source", "card", "invalid_value"),
    (ADJUST, "adjustment", "", "invalid_value"),
    (ADJUST, "adjustment", "a\tb", "invalid_value"),
    (ADJUST, "amount", "--1", "invalid_value"),
    (ADJUST, "amount", "+1", "invalid_value"),
    (ADJUST, "amount", "- 1", "invalid_value"),
    (ADJUST, "amount", "-", "invalid_value"),
    (ADJUST, "amount", -1, "wrong_type"),
    (ADJUST, "amount", "-0.0000000001", "invalid_value"),
    (ADJUST, "amount", "-" + "9" * 19, "amount_too_large"),
    (ADJUST, "reason", "", "invalid_value"),
    (ADJUST, "reason", "x" * 201, "invalid_value"),
    (ADJUST, "reason", "a\nb", "invalid_value"),
    (ADJUST, "operator", "", "invalid_value"),
    (ADJUST, "operator", "\x1b[1m", "invalid_value"),
    (ADJUST, "kind", "gift", "invalid_value"),
    (ADJUST, "kind", None, "invalid_value"),
    (LIMIT, "limit", "-1", "invalid_value"),
    (LIMIT, "limit", 50, "wrong_type"),
    (LIMIT, "limit", "9" * 19, "amount_too_large"),
    (LIMIT, "currency", "XXX", "wrong_currency"),
    (LIMIT, "operator", "", "invalid_value"),
    (LIMIT, "reason", "", "invalid_value"),
    (timer(T0), "due", "soon", "invalid_value"),
    (timer(T0), "due", T0, "wrong_type"),
    (open_account(), "currency", "dollars", "invalid_value"),
]


@pytest.mark.parametrize(("message", "field", "value", "code"), REFUSED)
def test_a_command_is_refused_for_a_field(message: Message, field: str, value: object, code: str) -> None:
    assert reason(record(message | {field: value})) == code


@pytest.mark.parametrize(
    ("message", "field"),
    [(message, field) for message in (GRANT, TOP_UP, ADJUST) for field in message if field != "command"],
)
def test_a_command_without_one_of_its_fields(message: Message, field: str) -> None:
    value = written({name: told for name, told in message.items() if name != field})
    assert reason(raw(value, topic=WALLET_COMMANDS)) == "missing_field"


@pytest.mark.parametrize("field", ["reason", "operator"])
def test_an_adjustment_names_who_did_it_and_why(field: str) -> None:
    assert reason(record({name: told for name, told in ADJUST.items() if name != field})) == "missing_field"


VALUES: dict[str, tuple[bytes | None, str]] = {
    "no value": (None, "missing_field"),
    "text": (b"top up", "not_json"),
    "not UTF-8": (b'"\xff"', "not_utf8"),
    "a list": (b"[]", "wrong_type"),
    "too deep": (b'{"a":' * 17 + b"1" + b"}" * 17, "too_deep"),
}


@pytest.mark.parametrize("topic", [WALLET_COMMANDS, CREDIT_CHARGING])
@pytest.mark.parametrize("case", VALUES)
def test_bytes_that_are_no_message(case: str, topic: str) -> None:
    value, code = VALUES[case]
    assert reason(raw(value, topic=topic)) == code


def test_a_command_is_smaller_than_an_overage_may_be() -> None:
    value = b" " * (EVENT_BYTES_MAX + 1)
    assert reason(raw(value, topic=WALLET_COMMANDS)) == "too_large"
    assert reason(raw(value + written(overage()), topic=CREDIT_CHARGING, key=b"other")) == "invalid_value"
    assert reason(raw(b" " * (RECORD_BYTES_MAX + 1), topic=CREDIT_CHARGING)) == "too_large"


@pytest.mark.parametrize("message", [*GOOD_COMMANDS, overage()])
@pytest.mark.parametrize(("key", "code"), [(None, "missing_key"), (b"", "invalid_value"), (b"other", "invalid_value")])
def test_the_key_must_be_the_account(message: Message, key: bytes | None, code: str) -> None:
    read = record(message)
    assert reason(raw(read.value, topic=read.topic, key=key)) == code


def test_a_commands_result_tells_its_applied_number_and_its_refusal() -> None:
    wallets = ledger()
    first = wallets.decide(None, wallets.decode(record(open_account())))
    assert json.loads(first.result) == {"applied": 1, "refused": None}
    again = wallets.decide(first.state, wallets.decode(record(top_up(amount="1"))))
    assert json.loads(again.result) == {"applied": 2, "refused": "below_minimum"}
    assert again.grew


# --- overages ------------------------------------------------------------------------------------


def test_an_overage_reads_back_as_far_as_it_is_drawn() -> None:
    message = overage(
        7,
        "1.25",
        service="gpu-container",
        dimensions={"region": "hn", "gpu_model": "H100"},
        start=format_instant(T0 - DAY),
        resource="c-1",
    )
    assert decode_overage_due(record(message)) == OverageDue(
        account=ACCOUNT,
        currency="USD",
        source="/test",
        event="e-7",
        service="gpu-container",
        resource="c-1",
        dimensions=(("gpu_model", "H100"), ("region", "hn")),
        time=T0,
        start=T0 - DAY,
        overage="o-7",
        seq=7,
        total=125 * USD // 100,
    )


def test_an_overage_is_never_remembered_by_its_id() -> None:
    first, again = (ledger().decode(record(overage(), at)) for at in (T0, T0 + 1))
    assert not first.remember
    assert (first.identity, first.content) == (again.identity, again.content)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"version": 2}, "unknown_version"),
        ({"version": "1"}, "wrong_type"),
        ({"account": "", "currency": "USD"}, "invalid_value"),
        ({"currency": "XXX"}, "wrong_currency"),
        ({"total": "-1"}, "invalid_value"),
        ({"total": 1}, "wrong_type"),
        ({"total": "9" * 19}, "amount_too_large"),
        ({"seq": "1"}, "wrong_type"),
        ({"seq": 0}, "invalid_value"),
        ({"seq": -1}, "invalid_value"),
        ({"seq": 10**30}, "invalid_value"),
        ({"event": {}}, "missing_field"),
        ({"time": "now"}, "invalid_value"),
        ({"start": "2026-01-01"}, "invalid_value"),
    ],
)
def test_an_overage_that_nobody_should_have_written_is_refused(change: Message, code: str) -> None:
    assert reason(record(overage() | change if "event" in change else overage(**change))) == code


# --- the wallet's charge -------------------------------------------------------------------------

EVENT = {
    "source": "/test",
    "id": "e-1",
    "service": "inference",
    "resource": "ep",
    "dimensions": {"model": "Q"},
    "time": "2026-01-01T00:00:00.000Z",
    "start": None,
}


def drawn(*before: Message, at: int = T0, **change: Any) -> list[tuple[str, Message]]:
    """Take commands, then an overage; give its outputs."""
    wallets = ledger()
    state: object | None = None
    for message in before:
        state = wallets.decide(state, wallets.decode(record(message))).state
    outcome = wallets.decide(state, wallets.decode(record(overage(**change), at, offset=41)))
    return [(emit.topic, json.loads(emit.value)) for emit in outcome.emits]


def test_a_charge_of_the_wallet_says_who_paid_and_what_is_left() -> None:
    (topic, charge), (told, used_up), (_, debt_begun), (_, low) = drawn(
        open_account(), grant_voucher(amount="10.5"), top_up(), total="40", at=T0 + 5
    )
    assert (topic, told) == (CHARGES, ACCOUNT_EVENTS)
    assert (used_up["kind"], used_up["credit"], used_up["applied"]) == ("voucher_used_up", "v", 4)
    assert (debt_begun["kind"], debt_begun["amount"]) == ("debt_begun", "4.500000000")
    assert (low["kind"], low["amount"], low["reason"]) == ("low_balance", "0.000000000", "40.000000000")
    assert len(charge.pop("id")) == 24
    voucher, first, debt = ({"kind": "voucher", "id": "v"}, {"kind": "top_up", "id": "t"}, {"kind": "debt", "id": None})
    assert charge == {
        "version": 1,
        "ledger": "wallet",
        "account": ACCOUNT,
        "currency": "USD",
        "event": EVENT,
        "overage": {"id": "o-1", "seq": 1},
        "lines": [
            {"amount": "10.500000000", "payer": voucher},
            {"amount": "25.000000000", "payer": first},
            {"amount": "4.500000000", "payer": debt},
        ],
        "total": "40.000000000",
        "balances": [
            voucher | {"before": "10.500000000", "after": "0.000000000"},
            first | {"before": "25.000000000", "after": "0.000000000"},
            debt | {"before": "0.000000000", "after": "4.500000000"},
        ],
        "seq": 1,
        "applied": 4,
        "position": {"topic": CREDIT_CHARGING, "partition": 3, "offset": 41},
        "appended": "2026-01-01T00:00:00.005Z",
        "rules": RULES,
    }


def test_a_wallet_that_an_overage_opens_says_so_first() -> None:
    (opened, event), (charged, charge), (_, debt_begun) = drawn(total="0.5")
    assert (opened, charged) == (ACCOUNT_EVENTS, CHARGES)
    assert (event["kind"], event["ledger"], event["command"], event["seq"]) == ("wallet_opened", "wallet", None, 1)
    assert (debt_begun["kind"], debt_begun["command"], debt_begun["seq"]) == ("debt_begun", None, 2)
    assert charge["lines"] == [{"amount": "0.500000000", "payer": {"kind": "debt", "id": None}}]
    assert charge["balances"] == [{"kind": "debt", "id": None, "before": "0.000000000", "after": "0.500000000"}]
    assert (charge["event"], charge["rules"]) == (EVENT, RULES)
