"""The export in FOCUS: each row keeps the published rules, and the sums are what was paid and what was used."""

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from pathlib import Path

import pytest
from tests.support.focus import violations
from tests.support.focus_table import TABLE, VERSION
from tests.support.histories import SCENARIOS, History, history_of

from drawdown.domain.model import Account, Plan
from drawdown.domain.money import CURRENCIES
from drawdown.domain.terms import PaymentRequest
from drawdown.domain.wallet.model import Wallet
from drawdown.history.focus import usage_rows
from drawdown.history.focus_columns import COLUMNS, FOCUS_VERSION, NUMBERS, Provider, Row
from drawdown.history.focus_events import MONEY_KINDS, event_rows
from drawdown.history.focus_funding import FUNDING_KINDS, Funding, funding_of
from drawdown.history.focus_numbers import meter_name, pricing_unit, unit_of
from drawdown.history.rows import Owner, UsageRow

NOTHING = Funding({}, frozenset(), {})
OWNER = Owner(1, "acme", "USD", 0, True)
HOUR = 3_600_000
NOON = 1_798_718_400_000  # 2026-12-31T12:00:00Z
USED = UsageRow(
    series=1,
    charged=NOON + 11 * HOUR,
    used=NOON,
    service="gpu-container",
    resource="c-1",
    dimensions={"gpu_model": "H100", "region": "hanoi-1"},
    meter="gpu_seconds",
    payer="debt",
    payer_id="",
    book="on-demand-usd",
    book_version=3,
    tier=0,
    unit_price="2.310000000",
    per=3600,
    lines=1,
    quantity=100_000_000,
    amount=64_166_667,
)
LIFE = """
scenario: A plan for less than it is worth, then a voucher, a top-up, and debt that another top-up pays
steps:
  - command: {command: draft_plan, plan: p, revision: 1, book: plan-usd, book_version: 1, amount: "100.00", months: 1,
      grace_seconds: 0, payment: {terms: partial, first: "50.00", price: "80.00",
      instalments: [{due: 2026-03-20T00:00:00Z, amount: "30.00"}]}}
  - command: {command: offer_plan, plan: p, revision: 1}
  - command: {command: confirm_plan, plan: p, revision: 1}
  - command: {command: record_payment, number: 1, method: card, reference: card-1, amount: "50.00"}
  - at: 2026-03-10T10:00:00Z
    usage: {service: inference, input_tokens: 30000000}
  - at: 2026-03-12T10:00:00Z
    command: {command: record_payment, number: 2, method: bank-transfer, reference: bank-1, amount: "30.00"}
  - command: {command: cancel_plan, plan: p}
  - at: 2026-03-13T10:00:00Z
    command: {command: grant_voucher, voucher: v, amount: "6.00", expires: 2026-04-01T00:00:00Z, priority: 1}
  - command: {command: top_up, reference: bank-2, amount: "25.00"}
  - at: 2026-03-14T10:00:00Z
    usage: {service: inference, input_tokens: 20000000}
  - command: {command: top_up, reference: bank-3, amount: "25.00"}
"""


def rows_of(history: History) -> list[Row]:
    funding = funding_of(history.events)
    used = (usage_rows(history.owner, usage, funding) for usage in history.usage)
    happened = (event_rows(history.owner, event, funding) for event in history.events)
    return [*chain.from_iterable(used), *chain.from_iterable(happened)]


def total(rows: list[Row], column: str, *categories: str) -> Decimal:
    chosen = (row[column] for row in rows if not categories or row["ChargeCategory"] in categories)
    return sum((Decimal(value or 0) for value in chosen), Decimal(0))


def unspent(history: History) -> Decimal:
    """Give what was paid, by the ledgers' own states, and is not used yet, less what is owed."""
    funding = funding_of(history.events)
    wallet: Wallet | None = history.world.state("wallet", history.owner.name)
    account: Account | None = history.world.state("plans", history.owner.name)
    left = 0
    if wallet is not None:
        left += sum(one.amount - one.spent for one in wallet.top_ups if one.id not in funding.free) - wallet.debt
    if account is not None:
        left += sum(unspent_of(plan, account.requests, funding) for plan in account.plans)
        waiting = {offer.plan for offer in account.offers}
        left += sum(one.paid for one in account.requests if one.plan in waiting)
    return Decimal(left).scaleb(-CURRENCIES[history.owner.currency].quantum_digits)


def unspent_of(plan: Plan, requests: Sequence[PaymentRequest], funding: Funding) -> int:
    if plan.terms is None:  # nobody said what it costs
        return -plan.spent
    if plan.terms.kind == "postpaid" or plan.expired_by == "replaced":
        return 0
    ours = (one for one in requests if one.plan == plan.id and one.reason != "statement")
    owed = sum(max(one.exact - one.paid, 0) for one in ours)
    if plan.status == "expired":
        return -owed
    rolled_in = funding.cost(plan.follows.plan, plan.rolled_in) if plan.follows else 0
    return plan.terms.price - owed - funding.cost(plan.id, plan.spent) + rolled_in


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_any_life_keeps_the_rules_and_its_sums_differ_by_what_is_not_used_yet(file: Path) -> None:
    for history in history_of(file):
        rows = rows_of(history)
        assert violations(COLUMNS, rows) == []
        quanta = Decimal(len(rows)).scaleb(-CURRENCIES[history.owner.currency].quantum_digits)
        assert abs(total(rows, "BilledCost") - total(rows, "EffectiveCost") - unspent(history)) <= quanta


def test_billed_is_what_was_paid_and_effective_what_was_used() -> None:
    (history,) = history_of(LIFE)
    rows = rows_of(history)
    assert violations(COLUMNS, rows) == []
    assert total(rows, "BilledCost") == Decimal(50 + 30 + 25 + 25)
    assert total(rows, "BilledCost", "Purchase") == Decimal(130)
    # of the plan 30 of 100 for 80; 6 by the voucher, 25 by the top-up, 9 owed; the rest of the plan is forfeited
    assert total(rows, "EffectiveCost", "Usage") == Decimal(24) + 6 + 25 + 9
    assert total(rows, "EffectiveCost", "Credit") == Decimal(-6)
    assert total(rows, "EffectiveCost", "Adjustment") == Decimal(56)
    assert total(rows, "BilledCost") - total(rows, "EffectiveCost") == Decimal(16)  # left of the second top-up
    assert {row["x_Payer"] for row in rows if row["ChargeCategory"] == "Usage"} == {"plan", "voucher", "top_up", "debt"}
    assert [row["x_PaymentReference"] for row in rows if row["ChargeCategory"] == "Purchase"] == [
        *("card-1", "bank-1", "bank-2", "bank-3")
    ]


def test_usage_of_a_postpaid_plan_is_billed_as_its_statements_are() -> None:
    (history,) = history_of(Path(SCENARIOS[0].parent, "postpaid.yaml"))
    rows = rows_of(history)
    asked = [event.about["payment_request"] for event in history.events if event.kind == "payment_requested"]
    assert total(rows, "BilledCost") == sum(Decimal(request["amount"]) for request in asked)
    assert total(rows, "BilledCost", "Purchase") == 0


def test_a_row_of_usage() -> None:
    (row,) = usage_rows(OWNER, USED, NOTHING, Provider("Hanoi AI Cloud", "Landlord", "Issuer"))
    assert tuple(row) == COLUMNS
    assert violations(COLUMNS, [row]) == []
    said = {
        "BilledCost": "0",
        "EffectiveCost": "0.064166667",
        "ListCost": "0.06416666666718",
        "ContractedCost": "0.06416666666718",
        "ListUnitPrice": "2.31",
        "PricingQuantity": "0.027777777778",
        "PricingUnit": "GPU-Hours",
        "ConsumedQuantity": "100",
        "ConsumedUnit": "GPU-Seconds",
        "BillingPeriodStart": "2026-12-01T00:00:00Z",
        "BillingPeriodEnd": "2027-01-01T00:00:00Z",
        "ChargePeriodStart": "2026-12-31T12:00:00Z",
        "ChargePeriodEnd": "2026-12-31T13:00:00Z",
        "RegionId": "hanoi-1",
        "ServiceProviderName": "Hanoi AI Cloud",
        "HostProviderName": "Landlord",
        "InvoiceIssuerName": "Issuer",
        "SkuId": "gpu-container/gpu_seconds/gpu_model=H100,region=hanoi-1",
        "SkuPriceId": "on-demand-usd/gpu-container/gpu_seconds/gpu_model=H100,region=hanoi-1",
        "SkuMeter": "GPU Seconds",
        "ContractApplied": None,
        "x_ChargedAmount": "0.064166667",
        "x_PriceBookVersion": "3",
        "x_Tier": None,
    }
    assert {name: row[name] for name in said} == said


def test_the_seller_is_drawdown_where_nobody_is_named() -> None:
    (row,) = usage_rows(OWNER, USED, NOTHING)
    names = {row[name] for name in ("ServiceProviderName", "HostProviderName", "InvoiceIssuerName")}
    assert names == {"Drawdown"}


def test_a_plan_is_a_contract_that_usage_is_applied_to() -> None:
    owner = Owner(1, 'a "b" é', "USD", 0, True)
    (row,) = usage_rows(owner, replace(USED, payer="plan", payer_id="p"), NOTHING)
    assert violations(COLUMNS, [row]) == []
    (element,) = json.loads(row["ContractApplied"] or "", parse_float=Decimal)["Elements"]
    assert element["ContractId"] == 'a "b" é/p'
    assert element["ContractCommitmentAppliedCost"] == Decimal("0.064166667")


def test_a_voucher_is_a_credit_beside_the_usage_that_it_pays() -> None:
    used, credit = usage_rows(OWNER, replace(USED, payer="voucher", payer_id="v"), NOTHING)
    assert violations(COLUMNS, [used, credit]) == []
    assert (used["BilledCost"], credit["BilledCost"], credit["EffectiveCost"]) == (
        *("0.064166667", "-0.064166667", "-0.064166667"),
    )
    assert credit["ResourceId"] == used["ResourceId"]


def test_packages_are_priced_as_many_as_were_begun() -> None:
    images = replace(USED, service="inference", meter="images", unit_price="5.000000000", per=1_000)
    (row,) = usage_rows(OWNER, replace(images, lines=3, quantity=1_200_000_000, amount=10_000_000_000), NOTHING)
    assert violations(COLUMNS, [row]) == []
    priced = {name: row[name] for name in ("PricingQuantity", "PricingUnit", "ListCost", "ConsumedQuantity")}
    assert priced == {
        "PricingQuantity": "2",
        "PricingUnit": "1000 Images",
        "ListCost": "10",
        "ConsumedQuantity": "1200",
    }


def test_what_costs_nothing_and_what_has_lost_its_price_keep_the_rules() -> None:
    free = replace(USED, payer="none", unit_price="0.000000000", amount=0)
    lost = replace(USED, meter="", book="", book_version=0, unit_price="", per=0, quantity=0, lines=2)
    odd = replace(USED, service="chat rooms", meter="cpu_core_seconds", dimensions={}, tier=2, payer="debt")
    for usage in (free, lost, odd):
        assert violations(COLUMNS, usage_rows(OWNER, usage, NOTHING)) == []


@pytest.mark.parametrize("currency", sorted(CURRENCIES))
def test_rounding_of_lines_is_not_taken_for_packages(currency: str) -> None:
    unit: int = 10 ** CURRENCIES[currency].quantum_digits
    usage = replace(USED, lines=7, quantity=7_000_003, unit_price="60060", amount=7 * (60_060 * unit // 3_600))
    (row,) = usage_rows(replace(OWNER, currency=currency), usage, NOTHING)
    assert violations(COLUMNS, [row]) == []
    assert row["PricingQuantity"] == "0.001944445278"


@pytest.mark.parametrize(
    ("meter", "per", "name", "unit", "priced"),
    [
        ("gpu_seconds", 3_600, "GPU Seconds", "GPU-Seconds", "GPU-Hours"),
        ("storage_gb_seconds", 86_400, "Storage GB Seconds", "GB-Seconds", "GB-Days"),
        ("cached_input_tokens", 1_000_000, "Cached Input Tokens", "Tokens", "1000000 Tokens"),
        ("images", 1, "Images", "Images", "Images"),
        ("seconds", 60, "Seconds", "Seconds", "Minutes"),
    ],
)
def test_units_are_spelt_as_focus_spells_them(meter: str, per: int, name: str, unit: str, priced: str) -> None:
    assert (meter_name(meter), unit_of(meter), pricing_unit(meter, per)) == (name, unit, priced)


def test_a_renewal_on_the_same_terms_has_its_price_from_the_event_that_opens_it() -> None:
    (history,) = history_of(Path(SCENARIOS[0].parent, "renewal-automatic.yaml"))
    plans = funding_of(event for event in history.events if event.kind in FUNDING_KINDS).plans
    prices = {name: (plan.amount, plan.price) for name, plan in plans.items()}
    assert len(set(prices.values())) == 1
    assert {"old-r1", "old-r2"} < prices.keys()


def test_only_events_about_money_have_rows() -> None:
    for file in SCENARIOS[::7]:
        for history in history_of(file):
            rest = (event for event in history.events if event.kind not in MONEY_KINDS)
            assert not [
                event_rows(history.owner, event, NOTHING) for event in rest if event_rows(OWNER, event, NOTHING)
            ]


def test_numbers_are_the_columns_that_the_rules_want_numbers_in() -> None:
    ruled = {name for name in COLUMNS if name in TABLE and TABLE[name].form in ("number", "unsigned")}
    assert set(NUMBERS) == ruled | {"x_ChargedAmount"}


def test_the_check_is_of_the_version_that_the_export_names() -> None:
    assert VERSION == FOCUS_VERSION
