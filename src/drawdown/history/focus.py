"""Usage as rows of FOCUS, the billing-data format that finance tools read. Decision 0029 tells what becomes which row.

Pure: rows of the history in, cells of a table out. Cells are strings as a CSV file has them, None for null. The rows of
events are in focus_events.py.
"""

import json
from typing import Final

from drawdown.history.batch import HOUR_MS
from drawdown.history.focus_columns import Provider, Row, Service, row_of, service_of
from drawdown.history.focus_funding import Funding
from drawdown.history.focus_numbers import consumed, meter_name, money, pricing_of, unit_of
from drawdown.history.rows import Owner, UsageRow

_NOBODY: Final = Provider()
_PAID_ELSEWHERE: Final = ("plan", "top_up", "debt")  # by purchases that have rows of their own


def usage_rows(owner: Owner, usage: UsageRow, funding: Funding, provider: Provider = _NOBODY) -> list[Row]:
    """Give the rows of what a series came to in an hour: the usage, and the credit that was given for it.

    funding: of all of the account's events, see funding_of. provider: who sells it.
    """
    service = service_of(usage.service)
    billed, effective = _costs(usage, funding)
    row = row_of(owner, provider, usage.charged, (usage.used, usage.used + HOUR_MS), service)
    _name(row, usage, service)
    pricing = pricing_of(usage, owner.currency)
    row.update(
        ChargeCategory="Usage",
        ChargeDescription=_told(usage),
        ChargeFrequency="Usage-Based",
        BilledCost=money(billed, owner.currency),
        EffectiveCost=money(effective, owner.currency),
        ListCost=pricing.cost,
        ContractedCost=pricing.cost,
        ListUnitPrice=pricing.unit_price,
        ContractedUnitPrice=pricing.unit_price,
        PricingQuantity=pricing.quantity,
        PricingUnit=pricing.unit,
        PricingCategory="Standard",
        ConsumedQuantity=consumed(usage.quantity) if usage.meter else str(usage.lines),
        ConsumedUnit=unit_of(usage.meter) if usage.meter else "Charges",
        ContractApplied=_contract(owner, usage),
        SkuPriceId=_sku_price(usage),
        SkuPriceDetails=_details(usage),
        x_ChargedAmount=money(usage.amount, owner.currency),
    )
    given = _given(usage, funding)
    return [row, _credit(owner, usage, provider, service)] if given and usage.amount else [row]


def _costs(usage: UsageRow, funding: Funding) -> tuple[int, int]:
    """Give what is billed for usage itself, and what it cost whoever paid and whenever."""
    if usage.payer == "plan":
        if funding.postpaid(usage.payer_id):
            return usage.amount, usage.amount
        return 0, funding.cost(usage.payer_id, usage.amount)
    if usage.payer in _PAID_ELSEWHERE and not _given(usage, funding):
        return 0, usage.amount
    return usage.amount, usage.amount


def _given(usage: UsageRow, funding: Funding) -> bool:
    """Say whether what paid was given for nothing: a voucher, or credit that an operator added."""
    return usage.payer == "voucher" or (usage.payer == "top_up" and usage.payer_id in funding.free)


def _credit(owner: Owner, usage: UsageRow, provider: Provider, service: Service) -> Row:
    row = row_of(owner, provider, usage.charged, (usage.used, usage.used + HOUR_MS), service)
    _name(row, usage, service)
    less = money(-usage.amount, owner.currency)
    kind = "voucher" if usage.payer == "voucher" else "granted credit"
    row.update(
        ChargeCategory="Credit",
        ChargeDescription=f"{kind} {usage.payer_id} pays {_what(usage)}",
        ChargeFrequency="Usage-Based",
        BilledCost=less,
        EffectiveCost=less,
        ListCost=less,
        ContractedCost=less,
        x_ChargedAmount=less,
    )
    return row


def _name(row: Row, usage: UsageRow, service: Service) -> None:
    """Say what was used, and who paid."""
    region = usage.dimensions.get("region") or None
    row.update(
        RegionId=region,
        RegionName=region,
        ResourceId=usage.resource,
        ResourceName=usage.resource,
        ResourceType=service.resource,
        SkuId=_sku(usage),
        SkuMeter=meter_name(usage.meter) if usage.meter else service.name,
        x_Dimensions=_json(usage.dimensions) if usage.dimensions else None,
        x_Meter=usage.meter or None,
        x_Payer=usage.payer,
        x_PayerId=usage.payer_id or None,
        x_PriceBook=usage.book or None,
        x_PriceBookVersion=str(usage.book_version) if usage.book else None,
        x_Tier=str(usage.tier) if usage.tier else None,
    )


def _sku(usage: UsageRow) -> str:
    """Name what is priced: service, meter and dimensions, whoever uses it at whatever price."""
    dimensions = ",".join(f"{name}={value}" for name, value in sorted(usage.dimensions.items()))
    return "/".join(part for part in (usage.service, usage.meter, dimensions) if part)


def _sku_price(usage: UsageRow) -> str:
    """Name its price in a price list: the book and the tier, but neither the book's version nor the price itself."""
    tier = f"tier {usage.tier}" if usage.tier else ""
    return "/".join(part for part in (usage.book, _sku(usage), tier) if part)


def _details(usage: UsageRow) -> str | None:
    details = {f"x_{_pascal(name)}": value for name, value in sorted(usage.dimensions.items())}
    if usage.tier:
        details["x_Tier"] = str(usage.tier)
    return _json(details) if details else None


def _contract(owner: Owner, usage: UsageRow) -> str | None:
    """Say how much of which plan it took: the plan is a contract with one commitment in it."""
    if usage.payer != "plan":
        return None
    plan = json.dumps(f"{owner.name}/{usage.payer_id}", ensure_ascii=False)
    amount = money(usage.amount, owner.currency)  # a JSON number is a decimal text: written as such, it stays exact
    element = f'"ContractId":{plan},"ContractCommitmentId":{plan},"ContractCommitmentAppliedCost":{amount}'
    return f'{{"Elements":[{{{element}}}]}}'


def _told(usage: UsageRow) -> str:
    payers = {
        "plan": f", paid by plan {usage.payer_id}",
        "voucher": f", paid by voucher {usage.payer_id}",
        "top_up": f", paid by top-up {usage.payer_id}",
        "debt": ", owed",
    }
    return _what(usage) + payers.get(usage.payer, "")


def _what(usage: UsageRow) -> str:
    meter = meter_name(usage.meter) if usage.meter else "usage"
    return f"{meter} of {usage.service} {usage.resource}"


def _pascal(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.replace("-", "_").split("_"))


def _json(values: dict[str, str]) -> str:
    return json.dumps(dict(sorted(values.items())), ensure_ascii=False, separators=(",", ":"))
