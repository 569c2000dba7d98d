"""The columns of the export in FOCUS, and what every one of its rows says. Decision 0029 tells why these.

The version is the newest that was released when this was written; its columns come in the order of their names, and
after them our own, which FOCUS wants prefixed by x_.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from drawdown.domain.calendar import MONTHS_A_YEAR, to_local
from drawdown.history.batch import HOUR_MS
from drawdown.history.rows import Owner
from drawdown.wire.instants import format_instant

FOCUS_VERSION: Final = "1.4"
COLUMNS: Final = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractApplied",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "x_ChargedAmount",
    "x_Dimensions",
    "x_EventKind",
    "x_Meter",
    "x_Payer",
    "x_PayerId",
    "x_PaymentMethod",
    "x_PaymentReference",
    "x_PaymentRequest",
    "x_PriceBook",
    "x_PriceBookVersion",
    "x_Tier",
)
# Those that hold numbers, some of them below 0: nothing may be put before them against spreadsheets that run formulas.
NUMBERS: Final = (
    "BilledCost",
    "ConsumedQuantity",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "ListCost",
    "ListUnitPrice",
    "PricingQuantity",
    "x_ChargedAmount",
)
Row = dict[str, str | None]
_SECONDS: Final = len("2026-11-27T10:15:00")


@dataclass(frozen=True, slots=True)
class Provider:
    """Who sells the services, whose machines they run on, and who asks for the money; the seller, if nobody is named.

    An empty name is a setting that is not given.
    """

    name: str = ""
    host: str = ""
    issuer: str = ""


DRAWDOWN: Final = "Drawdown"  # the seller's name where the setting is not given


class Service(NamedTuple):
    """How FOCUS sees a service. resource: what its resources are."""

    name: str
    category: str
    subcategory: str
    resource: str


PLANS: Final = Service("Plans", "Other", "Other (Other)", "Plan")
CREDIT: Final = Service("Credit", "Other", "Other (Other)", "Credit")
_SERVICES: Final = {
    "gpu-container": Service("GPU Container", "Compute", "Containers", "Container"),
    "fine-tuning": Service("Model Fine-tuning", "AI and Machine Learning", "Machine Learning", "Fine-tuning Job"),
    "inference": Service("AI Inference", "AI and Machine Learning", "Generative AI", "Endpoint"),
}


def service_of(name: str) -> Service:
    """Give a service of the catalogue as FOCUS sees it; one that is not known here is under its own name."""
    return _SERVICES.get(name) or Service(name, "Other", "Other (Other)", "Resource")


def row_of(owner: Owner, provider: Provider, billed_at: int, period: tuple[int, int], service: Service) -> Row:
    """Begin a row. billed_at: an instant of its billing period, a month of UTC; period: the charge's, ms."""
    row: Row = dict.fromkeys(COLUMNS)
    name = provider.name or DRAWDOWN
    start, end = _month(billed_at)
    row.update(
        BillingAccountId=owner.name,
        BillingAccountName=owner.name,
        BillingCurrency=owner.currency,
        BillingPeriodStart=start,
        BillingPeriodEnd=end,
        ChargePeriodStart=moment(period[0]),
        ChargePeriodEnd=moment(period[1]),
        ServiceProviderName=name,
        HostProviderName=provider.host or name,
        InvoiceIssuerName=provider.issuer or name,
        ServiceName=service.name,
        ServiceCategory=service.category,
        ServiceSubcategory=service.subcategory,
    )
    return row


def hour_from(instant: int) -> tuple[int, int]:
    """Give the hour that an instant lies in."""
    start = instant - instant % HOUR_MS
    return start, start + HOUR_MS


def moment(instant: int) -> str:
    """Write an instant as FOCUS does, to the second."""
    return f"{format_instant(instant)[:_SECONDS]}Z"


def _month(instant: int) -> tuple[str, str]:
    local = to_local(instant, "UTC")
    year, month = divmod(local.year * MONTHS_A_YEAR + local.month, MONTHS_A_YEAR)
    return f"{local.year:04}-{local.month:02}-01T00:00:00Z", f"{year:04}-{month + 1:02}-01T00:00:00Z"
