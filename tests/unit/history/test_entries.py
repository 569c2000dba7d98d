"""Credit History and Payment History as people read them."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.told import HOUR, OWNER, T0, USAGE, event

from drawdown.history.entries import Entry, PaymentEntry, description_of, event_entry, payment_entry, usage_entry
from drawdown.history.rows import EventRow


def test_usage_is_an_entry_of_its_hour_that_takes_from_a_balance() -> None:
    assert usage_entry(OWNER, USAGE) == Entry(
        date="2026-01-01T00:00:00.000Z",
        service="inference",
        source="ep",
        description="1.5 input tokens of a 1, b 2 at 2.5 USD per 1000000",
        code=None,
        status="processed",
        amount="-1.500000000",
        currency="USD",
        balance="plan",
        paid_by="p",
        kind="usage",
        entry=f"{T0 // HOUR}-12",
    )


@pytest.mark.parametrize(
    ("payer", "payer_id", "balance", "paid_by", "code"),
    [
        ("voucher", "SPRING", "voucher", "SPRING", "SPRING"),
        ("top_up", "t-1", "top_up", "t-1", None),
        ("debt", "", "debt", None, None),
        ("none", "", "", None, None),
    ],
)
def test_who_paid_usage(payer: str, payer_id: str, balance: str, paid_by: str | None, code: str | None) -> None:
    entry = usage_entry(OWNER, replace(USAGE, payer=payer, payer_id=payer_id))
    assert (entry.balance, entry.paid_by, entry.code) == (balance, paid_by, code)


def test_nothing_is_written_without_a_minus() -> None:
    assert usage_entry(OWNER, replace(USAGE, amount=0)).amount == "0.000000000"


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"per": 1, "dimensions": {}, "tier": 2}, "1.5 input tokens at 2.5 USD, tier 2"),
        ({"unit_price": "0.000000000", "per": 1, "dimensions": {}}, "1.5 input tokens at 0 USD"),
        ({"unit_price": "100.000000000", "per": 3600, "dimensions": {}}, "1.5 input tokens at 100 USD per 3600"),
        ({"meter": "", "unit_price": "", "per": 0, "dimensions": {}}, "inference"),
        ({"meter": "", "unit_price": "", "per": 0}, "inference of a 1, b 2"),
    ],
)
def test_how_usage_is_described(change: dict[str, Any], wanted: str) -> None:
    assert description_of(OWNER, replace(USAGE, **change)) == wanted


@pytest.mark.parametrize(
    ("row", "source", "balance", "paid_by", "code", "amount"),
    [
        (event("plan_activated", 9, 9, "plan", plan="p"), "plan p", "plan", "p", None, "0.000000009"),
        (event("plan_settled", 9, -9, "plan", plan="p"), "plan p", "plan", "p", None, "-0.000000009"),
        (event("topped_up", 9, 9, "top_up", credit="t"), "top-up t", "top_up", "t", None, "0.000000009"),
        (event("adjusted", -9, -9, "top_up", credit="a"), "adjustment a", "top_up", "a", None, "-0.000000009"),
        (event("voucher_granted", 9, 9, "voucher", credit="v"), "voucher v", "voucher", "v", "v", "0.000000009"),
        (event("voucher_forfeited", 9, -9, "voucher", credit="v"), "voucher v", "voucher", "v", "v", "-0.000000009"),
        (
            event("redemption_refused", balance="voucher", credit="r"),
            "redemption r",
            "voucher",
            "r",
            "r",
            "0.000000000",
        ),
        (event("command_refused", ledger="wallet"), "wallet", "", None, None, "0.000000000"),
    ],
)
def test_an_event_is_an_entry_that_changes_a_balance(
    row: EventRow, source: str, balance: str, paid_by: str | None, code: str | None, amount: str
) -> None:
    assert event_entry(OWNER, row) == Entry(
        date="2026-01-01T00:00:00.001Z",
        service=None,
        source=source,
        description="what happened",
        code=code,
        status="success",
        amount=amount,
        currency="USD",
        balance=balance,
        paid_by=paid_by,
        kind=row.kind,
        entry=None,
    )


REQUEST = {"number": 4, "reason": "instalment", "amount": "5.00", "rounding": "0", "paid": "0", "due": "2026-02-01"}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("payment_requested", "requested"),
        ("payment_changed", "changed"),
        ("payment_due", "due"),
        ("payment_overdue", "overdue"),
    ],
)
def test_money_asked_for(kind: str, status: str) -> None:
    row = event(kind, 5_000_000_000, plan="p", about={"payment_request": REQUEST})
    assert payment_entry(OWNER, row) == PaymentEntry(
        date="2026-01-01T00:00:00.001Z",
        source="plan p",
        amount="5.000000000",
        currency="USD",
        status=status,
        number=4,
        reason="instalment",
        due="2026-02-01",
        method=None,
        reference=None,
        description="what happened",
    )


def test_money_paid_for_a_plan() -> None:
    about = {"payment": {"number": 4, "method": "card", "reference": "ref-1"}}
    entry = payment_entry(OWNER, event("payment_recorded", 7, plan="p", about=about))
    assert (entry.status, entry.number, entry.method, entry.reference) == ("paid", 4, "card", "ref-1")
    assert (entry.source, entry.reason, entry.due, entry.amount) == ("plan p", None, None, "0.000000007")


def test_a_top_up_is_money_paid() -> None:
    entry = payment_entry(OWNER, event("topped_up", 7, 7, "top_up", credit="t-1"))
    assert (entry.status, entry.number, entry.method, entry.reference) == ("paid", None, None, "t-1")
    assert (entry.source, entry.reason, entry.due) == ("top-up t-1", "top_up", None)
