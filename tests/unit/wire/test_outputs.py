"""Charges, overages, account events and dead letters: all they say, byte for byte of what matters."""

import hashlib
from decimal import Decimal
from typing import Any

import pytest
from tests.support.messages import (
    ACCOUNT,
    DAY,
    HOUR,
    T0,
    activate_plan,
    binary,
    command,
    container,
    inference,
    open_account,
    price,
    price_book,
    structured,
    tuning,
    written,
)
from tests.support.raters import Emitted, Raters

from drawdown.domain.errors import Reject
from drawdown.domain.limits import DEAD_LETTER_BYTES_MAX, REJECT_DETAIL_LENGTH_MAX
from drawdown.engine.records import OutRecord, Record
from drawdown.ledgers.plans import RULES
from drawdown.wire.dead_letter import encode_dead_letter
from drawdown.wire.instants import format_instant

BOOKS = [
    written(
        price_book(
            name,
            price("gpu-container", "gpu_seconds", "2.31" if name == "on-demand-usd" else "1.848", 3_600),
            price("fine-tuning", "gpu_seconds", "5.5", 3_600),
            price("inference", "input_tokens", "0.165", 1_000_000),
        )
    )
    for name in ("on-demand-usd", "plan-usd")
]


def opened(**plan: object) -> Raters:
    raters = Raters(BOOKS)
    raters.apply(command(open_account()))
    if plan:
        raters.apply(command(activate_plan(**plan)))  # type: ignore[arg-type]
    return raters


def split() -> dict[str, dict[str, Any]]:
    """One event, half paid by a plan: its charge and its overage, by topic."""
    raters = opened(amount="0.924", end=format_instant(T0 + DAY))
    step = raters.apply(structured(container(region="hn"), T0 + HOUR + 5, offset=41))
    return {output.topic: output.said for output in step.outputs}


POSITION = {"topic": "usage.gpu-container", "partition": 3, "offset": 41}
EVENT = {
    "source": "/test",
    "id": "e-1",
    "service": "gpu-container",
    "resource": "c-1",
    "dimensions": {"gpu_model": "H100", "region": "hn"},
    "time": "2026-01-01T01:00:00.000Z",
    "start": "2026-01-01T00:00:00.000Z",
}
LINE = {"time": "2026-01-01T00:00:00.000Z", "meter": "gpu_seconds", "quantity": "1800", "per": 3_600, "book_version": 1}
COMMON = {
    "version": 1,
    "ledger": "plans",
    "account": ACCOUNT,
    "currency": "USD",
    "event": EVENT,
    "seq": 1,
    "applied": 3,
    "position": POSITION,
    "appended": "2026-01-01T01:00:00.005Z",
    "rules": RULES,
}


def test_a_charge_says_all_that_made_it() -> None:
    charge = split()["charges"]
    assert len(charge.pop("id")) == 24
    line = LINE | {
        "unit_price": "1.848000000",
        "amount": "0.924000000",
        "book": "plan-usd",
        "payer": {"kind": "plan", "id": "p"},
    }
    assert charge == COMMON | {
        "lines": [line],
        "total": "0.924000000",
        "balances": [{"kind": "plan", "id": "p", "before": "0.924000000", "after": "0.000000000"}],
    }


def test_an_overage_says_all_that_made_it() -> None:
    overage = split()["credit-charging"]
    assert len(overage.pop("id")) == 24
    line = LINE | {"unit_price": "2.310000000", "amount": "1.155000000", "book": "on-demand-usd"}
    assert overage == COMMON | {"lines": [line], "total": "1.155000000"}


def test_a_line_names_its_tier_or_packages_and_one_per_unit_has_neither() -> None:
    graduated = price("inference", "output_tokens", "", 1) | {"model": "graduated"}
    del graduated["unit_price"]
    graduated["tiers"] = [{"up_to": 2, "unit_price": "1"}, {"unit_price": "0.5"}]
    entries = (
        price("inference", "input_tokens", "1", 1),
        graduated,
        price("inference", "images", "3", 5) | {"model": "package"},
    )
    raters = Raters([written(price_book(name, *entries)) for name in ("on-demand-usd", "plan-usd")])
    raters.apply(command(open_account()))
    raters.apply(command(activate_plan(amount="5.5")))
    step = raters.apply(structured(inference(input_tokens=1, output_tokens=3, images=4)))
    assert step.difference == ""
    told = [
        [(line["meter"], line["amount"], line.get("tier"), line.get("packages")) for line in said["lines"]]
        for said in (*step.said("charges"), *step.said("credit-charging"))
    ]
    assert told == [
        [
            ("input_tokens", "1.000000000", None, None),
            ("output_tokens", "2.000000000", 1, None),
            ("output_tokens", "0.500000000", 2, None),
            ("images", "2.000000000", None, 1),
        ],
        [("images", "3.000000000", None, 1)],
    ]
    names = [*LINE, "unit_price", "amount", "book", "payer"]
    assert set(step.said("charges")[0]["lines"][0]) == set(names)


def test_an_account_event_says_what_happened_and_which_input_did_it() -> None:
    event = split()["account-events"]
    assert len(event.pop("id")) == 24
    about = {name: COMMON[name] for name in COMMON if name != "event"}
    assert event == about | {
        "kind": "plan_expired",
        "plan": "p",
        "credit": None,
        "code": None,
        "reason": "amount",
        "amount": "0.000000000",
        "detail": "the amount of plan p is used up",
        "seq": 7,
        "command": None,
    }


def test_a_refused_command_is_told_with_its_code_and_idempotency_key() -> None:
    step = opened(ident="first").apply(command(activate_plan(ident="second")))
    (event,) = (output.said for output in step.outputs)
    assert (event["kind"], event["code"], event["command"]) == ("command_refused", "plan_exists", "second")


def test_an_event_without_an_interval_has_no_start() -> None:
    (overage,) = opened().apply(structured(inference(input_tokens=1))).outputs
    assert overage.said["event"]["start"] is None


def test_amounts_and_quantities_are_decimal_strings_and_never_numbers() -> None:
    step = opened(amount="0.0000001").apply(structured(inference(input_tokens=13_394)))
    for output in step.outputs[:2]:
        for line in output.said["lines"]:
            for name in ("quantity", "unit_price", "amount"):
                assert isinstance(line[name], str)
                assert Decimal(line[name]).is_finite()
    assert step.outputs[0].said["lines"][0]["quantity"] == "0.606061"
    assert step.outputs[1].said["lines"][0]["quantity"] == "13393.393939"


@pytest.mark.parametrize(("currency", "total"), [("USD", "0.000000001"), ("VND", "0.000001"), ("JPY", "0.000001")])
def test_amounts_carry_all_digits_of_the_currencys_quantum(currency: str, total: str) -> None:
    book = price_book("on-demand", price("inference", "images", total), currency=currency)
    raters = Raters([written(book)])
    raters.apply(command(open_account(currency=currency)))
    (overage,) = raters.apply(structured(inference(images=1))).outputs
    assert overage.said["total"] == total


def test_ids_follow_from_the_event_and_differ_by_kind() -> None:
    first, again = split(), split()
    assert first == again
    assert len({said["id"] for said in first.values()}) == 3
    elsewhere = opened(amount="0.924", end=format_instant(T0 + DAY)).apply(
        binary(container(region="hn"), T0 + HOUR + 9)
    )
    assert {output.topic: output.said["id"] for output in elsewhere.outputs} == {
        topic: said["id"] for topic, said in first.items()
    }


def test_usage_that_a_timer_made_has_an_id_of_its_own() -> None:
    raters = opened()
    used = raters.apply(structured(tuning(T0, T0 + 60_000), T0 + 60_000)).outputs
    at = T0 + 60_000 + 7 * DAY
    timer = {"command": "timer", "version": 1, "id": "t", "account": ACCOUNT, "due": format_instant(at)}
    closing = raters.apply(command(timer, at)).outputs
    assert [output.topic for output in closing] == ["credit-charging", "account-events"]
    assert closing[0].said["event"]["id"] == f"job-closed:ft-1:{T0 + 60_000}"
    assert closing[0].said["id"] != used[0].said["id"]
    assert closing[1].said["command"] == "t"


def test_outputs_are_plain_json_of_one_line() -> None:
    step = opened(amount="0.924").apply(structured(container()))
    assert all(isinstance(output, Emitted) and b"\n" not in output.value for output in step.outputs)


# --- dead letters -------------------------------------------------------------------------------------------------


def letter(value: bytes | None, *, key: bytes | None = b"acc", detail: str = "why") -> OutRecord:
    record = Record("usage.inference", 3, 41, T0, key, value, (("ce_id", b"e-1"), ("ce_id", b"e-2")))
    return encode_dead_letter(record, Reject("not_json", detail), "plans", RULES, 5)


def test_a_dead_letter_carries_the_refused_bytes_and_where_they_came_from() -> None:
    value = b"\xff\x00 not text"
    made = letter(value)
    assert (made.topic, made.partition, made.key, made.value) == ("dead-letters", 5, b"acc", value)
    headers = dict(made.headers)
    assert {name: headers[name] for name in ("reason", "detail", "topic", "partition", "offset", "timestamp")} == {
        "reason": b"not_json",
        "detail": b"why",
        "topic": b"usage.inference",
        "partition": b"3",
        "offset": b"41",
        "timestamp": str(T0).encode(),
    }
    assert (headers["ledger"], headers["rules"]) == (b"plans", str(RULES).encode())
    assert headers["size"] == str(len(value)).encode()
    assert headers["sha256"] == hashlib.sha256(value).hexdigest().encode()
    assert [content for name, content in made.headers if name == "original-ce_id"] == [b"e-1", b"e-2"]


def test_bytes_too_large_to_keep_are_told_by_digest_and_position() -> None:
    assert letter(b"x" * DEAD_LETTER_BYTES_MAX).value == b"x" * DEAD_LETTER_BYTES_MAX
    value = b"x" * (DEAD_LETTER_BYTES_MAX + 1)
    made = letter(value)
    headers = dict(made.headers)
    assert made.value == b""
    assert headers["size"] == str(len(value)).encode()
    assert headers["sha256"] == hashlib.sha256(value).hexdigest().encode()
    assert (headers["topic"], headers["partition"], headers["offset"]) == (b"usage.inference", b"3", b"41")


def test_a_dead_letter_of_nothing() -> None:
    made = letter(None, key=None)
    assert (made.key, made.value) == (None, b"")
    assert "key" not in dict(made.headers)
    assert dict(made.headers)["size"] == b"0"


def test_a_long_detail_is_cut_and_half_a_character_replaced() -> None:
    assert len(dict(letter(b"", detail="x" * 10_000).headers)["detail"]) == REJECT_DETAIL_LENGTH_MAX
    assert dict(letter(b"", detail="half \ud83d of it").headers)["detail"] == b"half ? of it"


def test_a_reason_outside_the_closed_set_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="unknown reason code"):
        Reject("because", "of reasons")
