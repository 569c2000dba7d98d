"""The columns of the Cost and Usage dataset of FOCUS 1.4, as the specification publishes them (ratified 4 June 2026).

One line a column: feature level (M mandatory, R recommended, C conditional), whether it may be null, and its format.
A number from zero on is `unsigned`. Derived from the specification's column definitions and its data model; nothing
here is taken from the code that it judges.
"""

from typing import Final, NamedTuple

VERSION: Final = "1.4"


class Column(NamedTuple):
    """A column's published rules."""

    level: str
    nullable: bool
    form: str
    allowed: frozenset[str] = frozenset()


_LINES: Final = """
AllocatedMethodDetails R null json
AllocatedMethodId C null text
AllocatedResourceId C null text
AllocatedResourceName C null text
AllocatedTags C null keys
AvailabilityZone R null text
BilledCost M never number
BillingAccountId M never text
BillingAccountName M null text
BillingAccountType C never text
BillingCurrency M never currency
BillingPeriodEnd M never instant
BillingPeriodStart M never instant
CapacityReservationId C null text
CapacityReservationStatus C null Used|Unused
ChargeCategory M never Usage|Purchase|Tax|Credit|Adjustment
ChargeClass M null Correction
ChargeDescription M null text
ChargeFrequency R never One-Time|Recurring|Usage-Based
ChargePeriodEnd M never instant
ChargePeriodStart M never instant
CommitmentDiscountCategory C null Spend|Usage
CommitmentDiscountId C null text
CommitmentDiscountName C null text
CommitmentDiscountQuantity C null number
CommitmentDiscountStatus C null Used|Unused
CommitmentDiscountType C null text
CommitmentDiscountUnit C null unit
CommitmentProgramEligibilityDetails C null json
ConsumedQuantity C null number
ConsumedUnit C null unit
ContractApplied C null json
ContractedCost M never number
ContractedUnitPrice C null unsigned
EffectiveCost M never number
HostProviderName M null text
InvoiceDetailId C null text
InvoiceId C null text
InvoiceIssuerName M never text
ListCost M never number
ListUnitPrice C null unsigned
PricingCategory C null Standard|Dynamic|Committed|Other
PricingCurrency C never currency
PricingCurrencyContractedUnitPrice C null unsigned
PricingCurrencyEffectiveCost C never number
PricingCurrencyListUnitPrice C null unsigned
PricingQuantity M null number
PricingUnit M null unit
RegionId C null text
RegionName C null text
ResourceId C null text
ResourceName C null text
ResourceType C null text
ServiceCategory M never services
ServiceName M never text
ServiceProviderName M never text
ServiceSubcategory R never subcategories
SkuId C null text
SkuMeter C null text
SkuPriceDetails C null keys
SkuPriceId C null text
SubAccountId C null text
SubAccountName C null text
SubAccountType C null text
Tags C null keys
"""
# Each service category with its subcategories; each has an `Other (category)` as well.
_SERVICES: Final = """
AI and Machine Learning: AI Platforms, Bots, Generative AI, Machine Learning, Natural Language Processing
Analytics: Analytics Platforms, Business Intelligence, Data Processing, Search, Streaming Analytics
Business Applications: Productivity and Collaboration
Compute: Containers, End User Computing, Quantum Compute, Serverless Compute, Virtual Machines
Databases: Caching, Data Warehouses, Ledger Databases, NoSQL Databases, Relational Databases, Time Series Databases
Developer Tools: Developer Platforms, Continuous Integration and Deployment, Development Environments, Source Code \
Management, Quality Assurance
Identity: Identity and Access Management
Integration: API Management, Messaging, Workflow Orchestration
Internet of Things: IoT Analytics, IoT Platforms
Management and Governance: Architecture, Compliance, Cost Management, Data Governance, Disaster Recovery, Endpoint \
Management, Observability, Support
Media: Content Creation, Gaming, Media Streaming, Mixed Reality
Migration: Data Migration, Resource Migration
Mobile:
Multicloud: Multicloud Integration
Networking: Application Networking, Content Delivery, Network Connectivity, Network Infrastructure, Network Routing, \
Network Security
Other:
Security: Secret Management, Security Posture Management, Threat Detection and Response
Storage: Backup Storage, Block Storage, File Storage, Object Storage, Storage Platforms
Web: Application Platforms
"""


def _parents() -> dict[str, str]:
    found = {}
    for line in _SERVICES.strip().splitlines():
        category, _, names = line.partition(":")
        for name in [*names.split(","), f"Other ({category})"]:
            if name.strip():
                found[name.strip()] = category
    return found


PARENTS: Final = _parents()  # of a subcategory, its category
_CHOICES: Final = {"services": frozenset(PARENTS.values()), "subcategories": frozenset(PARENTS)}


def _columns() -> dict[str, Column]:
    found = {}
    for line in _LINES.strip().splitlines():
        name, level, null, form = line.split()
        choices = _CHOICES.get(form) or frozenset(form.split("|") if form[0].isupper() else ())
        found[name] = Column(level, null == "null", "choice" if choices else form, choices)
    return found


TABLE: Final = _columns()
MANDATORY: Final = frozenset(name for name, column in TABLE.items() if column.level == "M")
# What a provider that supports these has as well: usage that is measured, unit prices and price lists, resources with
# types, contracts with commitments, regions.
_OURS: Final = """
ConsumedQuantity ConsumedUnit ContractApplied ContractedUnitPrice ListUnitPrice RegionId RegionName ResourceId
ResourceName ResourceType SkuId SkuMeter SkuPriceDetails SkuPriceId
"""
OURS: Final = frozenset(_OURS.split())
