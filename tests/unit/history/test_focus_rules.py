"""The check of FOCUS's rules notices a mistake of every kind, in rows that keep them otherwise."""

import pytest
from tests.support.focus import RULES, Cells, violations
from tests.support.histories import history_of

from drawdown.history.focus import usage_rows
from drawdown.history.focus_columns import COLUMNS
from drawdown.history.focus_events import event_rows
from drawdown.history.focus_funding import funding_of

LIFE = """
scenario: Usage that a plan pays, a voucher, a top-up
steps:
  - command: {command: draft_plan, plan: p, revision: 1, book: plan-usd, book_version: 1, amount: "1.00", months: 1,
      payment: {terms: upfront, price: "1.00"}}
  - command: {command: offer_plan, plan: p, revision: 1}
  - command: {command: confirm_plan, plan: p, revision: 1}
  - command: {command: record_payment, number: 1, method: card, reference: card-1, amount: "1.00"}
  - command: {command: grant_voucher, voucher: v, amount: "6.00", expires: 2026-04-01T00:00:00Z, priority: 1}
  - at: +1h
    usage: {service: inference, input_tokens: 2000000}
"""
USAGE, PURCHASE, CREDIT = "Usage", "Purchase", "Credit"
COMMITTED: dict[str, str | None] = {
    "CommitmentDiscountId": "d",
    "CommitmentDiscountCategory": "Spend",
    "CommitmentDiscountType": "t",
    "CommitmentDiscountStatus": "Used",
    "CommitmentDiscountQuantity": "1",
    "CommitmentDiscountUnit": "USD",
}
MISTAKES: list[tuple[str, dict[str, str | None], str, str]] = [
    (USAGE, {"BilledCost": None}, "BilledCost", "null"),
    (USAGE, {"ServiceName": " "}, "ServiceName", "null"),
    (USAGE, {"ResourceName": ""}, "ResourceName", "null"),
    (USAGE, {"BilledCost": "1,000"}, "BilledCost", "format"),
    (USAGE, {"BilledCost": "+1"}, "BilledCost", "format"),
    (USAGE, {"BilledCost": "1E+7"}, "BilledCost", "format"),
    (USAGE, {"BilledCost": "$1"}, "BilledCost", "format"),
    (USAGE, {"ListUnitPrice": "-1"}, "ListUnitPrice", "format"),
    (USAGE, {"ChargePeriodStart": "2026-03-01T10:00:00+07:00"}, "ChargePeriodStart", "format"),
    (USAGE, {"ChargePeriodStart": "2026-03-01"}, "ChargePeriodStart", "format"),
    (USAGE, {"BillingCurrency": "dollars"}, "BillingCurrency", "format"),
    (USAGE, {"ConsumedUnit": "tokens"}, "ConsumedUnit", "format"),
    (USAGE, {"ConsumedUnit": "0 Tokens"}, "ConsumedUnit", "format"),
    (USAGE, {"SkuPriceDetails": "[]"}, "SkuPriceDetails", "format"),
    (USAGE, {"SkuPriceDetails": '{"x_A":1,"x_A":2}'}, "SkuPriceDetails", "format"),
    (USAGE, {"SkuPriceDetails": '{"x_A":{}}'}, "SkuPriceDetails", "format"),
    (USAGE, {"SkuPriceDetails": '{"x_A":NaN}'}, "SkuPriceDetails", "format"),
    (USAGE, {"SkuPriceDetails": '{"tier":"1"}'}, "SkuPriceDetails", "format"),
    (USAGE, {"ContractApplied": '{"Elements":[]}'}, "ContractApplied", "format"),
    (USAGE, {"ContractApplied": '{"Elements":[{"ContractId":"c"}]}'}, "ContractApplied", "format"),
    (USAGE, {"ChargeCategory": "Fee"}, "ChargeCategory", "choice"),
    (USAGE, {"ChargeClass": "correction"}, "ChargeClass", "choice"),
    (USAGE, {"ServiceSubcategory": "Other"}, "ServiceSubcategory", "choice"),
    (USAGE, {"PricingUnit": None}, "PricingUnit", "null_together"),
    (USAGE, {"RegionId": "r"}, "RegionName", "null_together"),
    (USAGE, {"ResourceType": None}, "ResourceType", "null_together"),
    (CREDIT, {"SkuId": None}, "SkuMeter", "null_without"),
    (CREDIT, {"PricingQuantity": "1", "PricingUnit": "Units"}, "PricingQuantity", "null_without"),
    (USAGE, {"SkuPriceId": None}, "SkuPriceId", "priced"),
    (PURCHASE, {"ContractedUnitPrice": None}, "ContractedUnitPrice", "priced"),
    (PURCHASE, {"ChargeCategory": "Tax"}, "SkuId", "priced"),
    (USAGE, {"ConsumedQuantity": None, "ConsumedUnit": None}, "ConsumedQuantity", "measured"),
    (PURCHASE, {"ConsumedQuantity": "1", "ConsumedUnit": "Units"}, "ConsumedQuantity", "measured"),
    (USAGE, {"ListCost": "7"}, "ListCost", "product"),
    (PURCHASE, {"ContractedUnitPrice": "2"}, "ContractedCost", "product"),
    (CREDIT, {"ListCost": "0"}, "ListCost", "same_cost"),
    (CREDIT, {"ContractedCost": "0"}, "ContractedCost", "same_cost"),
    (CREDIT, {"EffectiveCost": "0"}, "EffectiveCost", "effective"),
    (USAGE, {"BilledCost": "0.1"}, "EffectiveCost", "effective"),
    (PURCHASE, {"EffectiveCost": "0.5"}, "EffectiveCost", "effective"),
    (PURCHASE, {"ChargeFrequency": "Usage-Based"}, "ChargeFrequency", "frequency"),
    (USAGE, {"ChargePeriodEnd": "2026-03-01T00:00:00Z"}, "ChargePeriodEnd", "periods"),
    (USAGE, {"BillingPeriodStart": "2026-02-02T00:00:00Z"}, "BillingPeriodStart", "periods"),
    (USAGE, {"ServiceCategory": "Compute"}, "ServiceSubcategory", "services"),
    (USAGE, COMMITTED | {"CommitmentDiscountStatus": None}, "CommitmentDiscountStatus", "commitments"),
    (
        USAGE,
        COMMITTED | {"CommitmentDiscountQuantity": None, "CommitmentDiscountUnit": None},
        "CommitmentDiscountQuantity",
        "commitments",
    ),
    (USAGE, {"PricingCategory": "Committed"}, "PricingCategory", "commitments"),
    (PURCHASE, COMMITTED | {"PricingCategory": "Committed"}, "PricingCategory", "commitments"),
]


@pytest.fixture(scope="module")
def rows() -> dict[str, Cells]:
    (history,) = history_of(LIFE)
    funding = funding_of(history.events)
    made = [row for usage in history.usage for row in usage_rows(history.owner, usage, funding)]
    made += [row for event in history.events for row in event_rows(history.owner, event, funding)]
    assert violations(COLUMNS, made) == []
    return {str(row["ChargeCategory"]): row for row in reversed(made)}


@pytest.mark.parametrize(("category", "changed", "column", "rule"), MISTAKES)
def test_a_mistake_in_a_row_is_noticed(
    rows: dict[str, Cells], category: str, changed: dict[str, str | None], column: str, rule: str
) -> None:
    wrong = {**rows[category], **changed}
    own = [name for name in wrong if name.startswith("x_")]
    wrong |= {name: wrong.pop(name) for name in own}
    assert (0, column, rule) in violations(tuple(wrong), [wrong])


def test_usage_of_a_commitment_discount_keeps_the_rules(rows: dict[str, Cells]) -> None:
    row = {**rows[USAGE], **COMMITTED, "PricingCategory": "Committed"}
    row |= {name: row.pop(name) for name in COLUMNS if name.startswith("x_")}
    assert violations(tuple(row), [row]) == []


def test_every_rule_has_its_mistake() -> None:
    assert {rule.__name__ for rule in RULES} <= {rule for *_, rule in MISTAKES}


@pytest.mark.parametrize(
    ("columns", "wrong"),
    [
        (COLUMNS[1:], "BilledCost"),
        (tuple(name for name in COLUMNS if name != "SkuMeter"), "SkuMeter"),
        (("ProviderName", *COLUMNS), "ProviderName"),
        ((*COLUMNS, "Tags"), "Tags"),
        ((*COLUMNS, "BilledCost"), "BilledCost"),
        ((*COLUMNS, "x_tier"), "x_tier"),
    ],
)
def test_a_mistake_in_the_header_is_noticed(columns: tuple[str, ...], wrong: str) -> None:
    assert violations(columns, []) == [(-1, wrong, "header")]


def test_a_row_of_other_columns_is_noticed(rows: dict[str, Cells]) -> None:
    short = {name: value for name, value in rows[USAGE].items() if name != "x_Tier"}
    assert (0, "", "header") in violations(COLUMNS, [short])
