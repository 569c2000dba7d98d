"""The platform's published worked examples, to the last digit: through the rules, and through the oracle."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.support.messages import (
    SECOND,
    T0,
    Message,
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

from drawdown.domain.decide import decide
from drawdown.domain.model import Account
from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.domain.quantity import MILLIONTHS
from drawdown.domain.rated import Overage
from drawdown.engine.records import Record
from drawdown.oracle.rater import Oracle
from drawdown.wire.price_book import decode_book
from drawdown.wire.usage import decode_usage

FILE = Path(__file__).parents[2] / "examples" / "worked_examples.json"
CASES = [pytest.param(case, id=case["name"]) for case in json.loads(FILE.read_text())["rating"]]
Case = dict[str, Any]


def prices_of(case: Case) -> list[Message]:
    if case["service"] == "inference":
        return [
            price("inference", f"{way}_tokens", case[f"price_per_million_{way}"], 1_000_000)
            for way in ("input", "output")
        ]
    made = [price(case["service"], "gpu_seconds", case["price_per_gpu_hour"], 3_600, gpu_model=case["gpu_model"])]
    if "price_per_gb_hour" in case:
        made.append(price(case["service"], "storage_gb_seconds", case["price_per_gb_hour"], 3_600))
    return made


def book_of(case: Case) -> bytes:
    return written(price_book("on-demand", *prices_of(case), currency=case["currency"]))


def record_of(case: Case) -> Record:
    if case["service"] == "inference":
        message = inference(model=case["model"], input_tokens=case["input_tokens"], output_tokens=case["output_tokens"])
        return structured(message)
    end = T0 + case["duration_seconds"] * SECOND
    gpus = {"gpu_model": case["gpu_model"], "gpu_count": case["gpu_count"]}
    if case["service"] == "fine-tuning":
        return structured(tuning(T0, end, final=True, **gpus), end)
    return structured(container(T0, end, storage_gb=case["storage_gb"], **gpus), end)


def check(case: Case, amounts: list[Fraction], total: Fraction) -> None:
    assert total == Fraction(case["amount"])
    assert sum(amounts) == total
    if "lines" in case:
        assert amounts == [Fraction(amount) for amount in case["lines"]]


@pytest.mark.parametrize("case", CASES)
def test_the_rules_give_the_published_amount(case: Case) -> None:
    prices = Prices()
    prices.add(decode_book(book_of(case)), 0)
    record = record_of(case)
    account = Account("acc", case["currency"], "UTC", T0)
    decision = decide(account, decode_usage(record), record.timestamp, prices, Policy.default())
    assert decision is not None
    (overage,) = decision.outputs
    assert isinstance(overage, Overage)
    of = CURRENCIES[case["currency"]]
    amounts = [Fraction(format_amount(line.amount, of)) for line in overage.lines]
    check(case, amounts, Fraction(format_amount(overage.total, of)))
    if "billed_gpu_seconds" in case:
        assert sum(line.quantity for line in overage.lines) == case["billed_gpu_seconds"] * MILLIONTHS


@pytest.mark.parametrize("case", CASES)
def test_the_oracle_gives_the_published_amount(case: Case) -> None:
    oracle = Oracle()
    oracle.publish(book_of(case), T0)
    opening = command(open_account(currency=case["currency"]))
    oracle.apply(opening.topic, opening.value or b"", {}, T0)
    record = record_of(case)
    (expected,) = oracle.apply(record.topic, record.value or b"", dict(record.headers), record.timestamp)
    amounts = [line.amount for line in expected.lines]
    check(case, amounts, sum(amounts, Fraction(0)))
    if "billed_gpu_seconds" in case:
        assert sum(line.quantity for line in expected.lines) == case["billed_gpu_seconds"]
