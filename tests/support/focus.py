"""An independent check of rows against the published rules of FOCUS 1.4: Cost and Usage, attributes included.

What it covers, each with the name that a violation carries:

- header: mandatory columns and those of what we support are there; nothing that is neither a column nor named x_; ours
  after FOCUS's (ColumnHandling);
- null: a column that may not be null is not, and no string is empty or blank (NullHandling, StringHandling);
- format: numbers (NumericFormat), instants in UTC to the second (DateTimeFormat), currencies, units, JSON with each key
  once and scalars as values (KeyValueFormat), the object of ContractApplied; choice: allowed values;
- between columns: the functions below, named after the rule.

Not covered, since one file does not show them: that ids stay the same over time, invoices, datasets of other kinds, the
sums over commitments' periods.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Context, Decimal, Inexact
from typing import Any, Final, NamedTuple

from tests.support.focus_table import MANDATORY, OURS, PARENTS, TABLE

Cells = Mapping[str, str | None]
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?(E-?\d+)?", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_NOUN: Final = r"[A-Z][A-Za-z]*( [A-Z][A-Za-z]*)*"
_TIME: Final = "(Years|Months|Days|Hours|Minutes|Seconds)"
_UNIT: Final = re.compile(
    rf"(([1-9]\d* )?{_NOUN}|([1-9]\d* )?{_NOUN}-{_TIME}|{_NOUN}/([1-9]\d* )?[A-Z][a-z]+)", re.ASCII
)
_OWN_KEY: Final = re.compile(r"x_[A-Z][a-zA-Z0-9]*", re.ASCII)
_SKU: Final = """
CoreCount DiskMaxIops DiskSpace DiskType GpuCount InstanceType InstanceSeries MemorySize NetworkMaxIops
NetworkMaxThroughput OperatingSystem Redundancy StorageClass
"""
_SKU_KEYS: Final = frozenset(_SKU.split())
_EXACT: Final = Context(prec=400, traps=[Inexact])


class Violation(NamedTuple):
    """A rule that does not hold. row: its place, -1 for the header."""

    row: int
    column: str
    rule: str


def violations(columns: Sequence[str], rows: Sequence[Cells]) -> list[Violation]:
    """List what is against the rules."""
    found = [Violation(-1, column, "header") for column in _header(columns)]
    for place, row in enumerate(rows):
        if tuple(row) != tuple(columns):
            found.append(Violation(place, "", "header"))
        wrong = [Violation(place, *told) for told in _cells(row)]
        found += wrong or [Violation(place, *told) for rule in RULES for told in rule(row)]
    return found


def _header(columns: Sequence[str]) -> Iterator[str]:
    yield from sorted((MANDATORY | OURS) - set(columns))
    own = False
    for place, column in enumerate(columns):
        own = own or column.startswith("x_")
        named = bool(_OWN_KEY.fullmatch(column)) if own else column in TABLE
        if not named or column in columns[:place]:
            yield column


def _cells(row: Cells) -> Iterator[tuple[str, str]]:
    for column, value in row.items():
        about = TABLE.get(column)
        if value is None:
            if about is not None and not about.nullable:
                yield column, "null"
        elif not value.strip():
            yield column, "null"
        elif about is not None and about.allowed:
            if value not in about.allowed:
                yield column, "choice"
        elif about is not None and not _FORMS[about.form](column, value):
            yield column, "format"


# --- formats ----------------------------------------------------------------------------------


def _is_unsigned(_: str, value: str) -> bool:
    return _is_number(_, value) and not value.startswith("-")


def _is_number(_: str, value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None


def _object(value: str) -> dict[str, Any] | None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key comes twice")
        return dict(pairs)

    def refused(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    try:
        read = json.loads(value, object_pairs_hook=once, parse_float=Decimal, parse_constant=refused)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _is_keys(column: str, value: str) -> bool:
    read = _object(value)
    if read is None or any(isinstance(one, dict | list) for one in read.values()):
        return False
    return column != "SkuPriceDetails" or all(key in _SKU_KEYS or _OWN_KEY.fullmatch(key) for key in read)


def _is_json(column: str, value: str) -> bool:
    read = _object(value)
    return read is not None and (column != "ContractApplied" or _is_contract(read))


def _is_contract(read: dict[str, Any]) -> bool:
    elements = read.get("Elements")
    if set(read) != {"Elements"} or not isinstance(elements, list) or not elements:
        return False
    for element in elements:
        if not isinstance(element, dict):
            return False
        cost = isinstance(element.get("ContractCommitmentAppliedCost"), int | Decimal)
        quantity = isinstance(element.get("ContractCommitmentAppliedQuantity"), int | Decimal)
        unit = isinstance(element.get("ContractCommitmentAppliedUnit"), str)
        named = all(isinstance(element.get(key), str) for key in ("ContractId", "ContractCommitmentId"))
        if not named or cost == quantity or quantity != unit:
            return False
    return True


_FORMS: Final[dict[str, Callable[[str, str], bool]]] = {
    "text": lambda _, __: True,
    "number": _is_number,
    "unsigned": _is_unsigned,
    "instant": lambda _, value: _INSTANT.fullmatch(value) is not None,
    "currency": lambda _, value: _CURRENCY.fullmatch(value) is not None,
    "unit": lambda _, value: _UNIT.fullmatch(value) is not None,
    "keys": _is_keys,
    "json": _is_json,
}

# --- between columns --------------------------------------------------------------------------

Told = Iterator[tuple[str, str]]
_PRICED: Final = ("SkuId", "SkuPriceId", "PricingQuantity", "PricingUnit", "PricingCategory", "ListUnitPrice")
_OF_SKU_PRICE: Final = (*_PRICED[2:], "ContractedUnitPrice", "SkuPriceDetails", "ConsumedQuantity")
_PAIRS: Final = (  # null together
    ("PricingQuantity", "PricingUnit"),
    ("ConsumedQuantity", "ConsumedUnit"),
    ("CommitmentDiscountQuantity", "CommitmentDiscountUnit"),
    ("CommitmentDiscountId", "CommitmentDiscountCategory"),
    ("CommitmentDiscountId", "CommitmentDiscountType"),
    ("CapacityReservationId", "CapacityReservationStatus"),
    ("ResourceId", "ResourceType"),
    ("RegionId", "RegionName"),
)
_NEEDS: Final = (  # null when the other is
    ("SkuMeter", "SkuId"),
    ("ResourceName", "ResourceId"),
    ("CommitmentDiscountName", "CommitmentDiscountId"),
    ("CommitmentDiscountStatus", "CommitmentDiscountId"),
    ("SubAccountName", "SubAccountId"),
    *((column, "SkuPriceId") for column in _OF_SKU_PRICE),
)


def _number(row: Cells, column: str) -> Decimal | None:
    value = row.get(column)
    return None if value is None else Decimal(value)


def null_together(row: Cells) -> Told:
    for one, other in _PAIRS:
        if (row.get(one) is None) != (row.get(other) is None):
            yield other, "null_together"


def null_without(row: Cells) -> Told:
    for column, other in _NEEDS:
        if row.get(other) is None and row.get(column) is not None:
            yield column, "null_without"


def priced(row: Cells) -> Told:
    """Usage and purchases have a price, unless they correct; taxes have none."""
    bought = row["ChargeCategory"] in ("Usage", "Purchase") and row["ChargeClass"] is None
    for column in (*_PRICED, "ContractedUnitPrice"):
        if column in row and bought and row[column] is None:
            yield column, "priced"
        if row["ChargeCategory"] == "Tax" and row.get(column) is not None:
            yield column, "priced"


def measured(row: Cells) -> Told:
    """Consumed quantities are those of usage, and of nothing that was not used."""
    used = row["ChargeCategory"] == "Usage" and row.get("CommitmentDiscountStatus") != "Unused"
    if "ConsumedQuantity" in row:
        there = row["ConsumedQuantity"] is not None
        if there != used and not (used and row["ChargeClass"] is not None):
            yield "ConsumedQuantity", "measured"


def product(row: Cells) -> Told:
    """A cost is its unit price times the pricing quantity, exactly."""
    quantity = _number(row, "PricingQuantity")
    for cost, unit in (("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")):
        price = _number(row, unit)
        if quantity is not None and price is not None and _EXACT.multiply(price, quantity) != _number(row, cost):
            yield cost, "product"


def same_cost(row: Cells) -> Told:
    """Costs that no price makes are the billed ones; nothing is negotiated here, so contracted is list."""
    if row["ChargeCategory"] != "Tax":
        for cost, unit in (("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")):
            if row.get(unit) is None and _number(row, cost) != _number(row, "BilledCost"):
                yield cost, "same_cost"
    if _number(row, "ContractedCost") != _number(row, "ListCost"):
        yield "ContractedCost", "same_cost"


def effective(row: Cells) -> Told:
    """Credits and taxes cost what is billed; what is billed for usage is not covered by anything else as well."""
    billed, cost = _number(row, "BilledCost"), _number(row, "EffectiveCost")
    if row["ChargeCategory"] in ("Tax", "Credit") and billed != cost:
        yield "EffectiveCost", "effective"
    if row["ChargeCategory"] == "Usage" and billed and billed != cost:
        yield "EffectiveCost", "effective"
    if row["ChargeCategory"] == "Purchase" and cost not in (Decimal(0), billed):
        yield "EffectiveCost", "effective"


def frequency(row: Cells) -> Told:
    if row["ChargeCategory"] == "Purchase" and row.get("ChargeFrequency") == "Usage-Based":
        yield "ChargeFrequency", "frequency"


def periods(row: Cells) -> Told:
    """Periods begin before they end; a billing period is a month."""
    for kind in ("BillingPeriod", "ChargePeriod"):
        if str(row[f"{kind}Start"]) >= str(row[f"{kind}End"]):
            yield f"{kind}End", "periods"
    for bound in ("BillingPeriodStart", "BillingPeriodEnd"):
        if not str(row[bound]).endswith("-01T00:00:00Z"):
            yield bound, "periods"


def services(row: Cells) -> Told:
    subcategory = row.get("ServiceSubcategory")
    if subcategory is not None and PARENTS[subcategory] != row["ServiceCategory"]:
        yield "ServiceSubcategory", "services"


def commitments(row: Cells) -> Told:
    """Usage of a commitment discount says whether it used it, how much, and that it is priced by it."""
    bought, used = row["ChargeCategory"] == "Purchase", row["ChargeCategory"] == "Usage"
    ident, quantity = row.get("CommitmentDiscountId"), row.get("CommitmentDiscountQuantity")
    if ident is not None and used and row.get("CommitmentDiscountStatus") is None:
        yield "CommitmentDiscountStatus", "commitments"
    if ident is not None and (used or bought) and row["ChargeClass"] is None and quantity is None:
        yield "CommitmentDiscountQuantity", "commitments"
    if quantity is not None and not (ident is not None and (used or bought)):
        yield "CommitmentDiscountQuantity", "commitments"
    if row.get("PricingCategory") == "Committed" and (ident is None or bought):
        yield "PricingCategory", "commitments"


RULES: Final = (
    null_together,
    null_without,
    priced,
    measured,
    product,
    same_cost,
    effective,
    frequency,
    periods,
    services,
    commitments,
)
