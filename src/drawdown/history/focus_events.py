"""Account events as rows of FOCUS: money that came in or is given back, and what else changes what things cost.

Decision 0029 tells which and why. Events that no money is about have no rows.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from drawdown.domain.requests import in_own_digits
from drawdown.history.charges import quanta
from drawdown.history.focus_columns import CREDIT, PLANS, Provider, Row, Service, hour_from, row_of
from drawdown.history.focus_funding import Funding
from drawdown.history.focus_numbers import money
from drawdown.history.rows import EventRow, Owner
from drawdown.wire.instants import parse_instant

_NOBODY: Final = Provider()


class _Entry(NamedTuple):
    """A row to be. billed, effective: quanta; told: for people."""

    category: str
    billed: int
    effective: int
    service: Service
    told: str


_Reader = Callable[[Owner, EventRow, Funding], _Entry | None]


def event_rows(owner: Owner, event: EventRow, funding: Funding, provider: Provider = _NOBODY) -> list[Row]:
    """Give the rows of an account event, none for most. funding: of all of the account's events, see funding_of."""
    reader = _READERS.get(event.kind)
    entry = reader(owner, event, funding) if reader else None
    if entry is None or not (entry.billed or entry.effective):
        return []
    row = row_of(owner, provider, event.appended, _period(event), entry.service)
    billed = money(entry.billed, owner.currency)
    payment = event.about.get("payment") or {}
    request = (event.about.get("payment_request") or payment).get("number")
    row.update(
        ChargeCategory=entry.category,
        ChargeDescription=entry.told,
        ChargeFrequency="One-Time",
        BilledCost=billed,
        EffectiveCost=money(entry.effective, owner.currency),
        ListCost=billed,
        ContractedCost=billed,
        x_ChargedAmount=money(event.amount, owner.currency),
        x_EventKind=event.kind,
        x_Payer="plan" if entry.service is PLANS else "top_up",
        x_PayerId=event.plan or event.credit,
        x_PaymentMethod=payment.get("method"),
        x_PaymentReference=payment.get("reference") or (event.credit if event.kind == "topped_up" else None),
        x_PaymentRequest=None if request is None else str(request),
    )
    if entry.category == "Purchase":  # so many units of the currency, each at the price of one
        sku = entry.service.resource
        row.update(
            SkuId=sku,
            SkuMeter=sku,
            SkuPriceId=sku,
            PricingQuantity=billed,
            PricingUnit=owner.currency,
            PricingCategory="Standard",
            ListUnitPrice="1",
            ContractedUnitPrice="1",
        )
    return [row]


def _period(event: EventRow) -> tuple[int, int]:
    """Give what a statement is about, and the hour of anything else."""
    about = event.about.get("period") or {}
    if event.kind == "statement" and about.get("end"):
        return parse_instant(about["start"]), parse_instant(about["end"])
    return hour_from(event.appended)


# --- plans ------------------------------------------------------------------------------------


def _payment(_: Owner, event: EventRow, funding: Funding) -> _Entry | None:
    """Buy a part of a plan; what is paid for a statement was billed as usage."""
    if funding.postpaid(event.plan):
        return None
    return _Entry("Purchase", event.amount, 0, PLANS, f"payment for plan {event.plan}")


def _given_back(_: Owner, event: EventRow, funding: Funding) -> _Entry | None:
    """Give back what was paid for a plan that did not start."""
    if funding.postpaid(event.plan):
        return None
    return _Entry("Purchase", -event.amount, 0, PLANS, f"to be returned: plan {event.plan} does not start")


def _statement(owner: Owner, event: EventRow, _: Funding) -> _Entry | None:
    """Round usage, which is billed to the quantum, to what is asked for."""
    rounding = in_own_digits(event.amount, owner.currency) - event.amount
    return _Entry("Adjustment", rounding, rounding, PLANS, f"rounding of a statement of plan {event.plan}")


def _request(_: Owner, event: EventRow, __: Funding) -> _Entry | None:
    """Round what else is asked for: the payment is billed, the rounding covers no usage."""
    if event.reason == "statement":
        return None
    rounding = quanta(event.about["payment_request"]["rounding"])
    return _Entry("Adjustment", 0, rounding, PLANS, f"rounding of a payment for plan {event.plan}")


def _settled(_: Owner, event: EventRow, funding: Funding) -> _Entry | None:
    """Tell what was paid for and nobody has used."""
    unused = funding.prepaid(event.plan, event.amount)
    return _Entry("Adjustment", 0, unused, PLANS, f"unused and forfeited of plan {event.plan}")


def _added(_: Owner, event: EventRow, funding: Funding) -> _Entry | None:
    """Take over what the plan before was paid for: usage that is billed is lessened, other prices are made even."""
    plan = funding.plans.get(event.plan or "")
    if plan is None:
        return None
    if event.reason == "credit":
        taken = event.amount if plan.postpaid else 0
        return _Entry("Adjustment", -taken, 0, PLANS, f"paid before, for what plan {event.plan} comes after")
    paid, costs = (funding.prepaid(name, event.amount) for name in (plan.follows, event.plan))
    if funding.plans.get(plan.follows) is None:
        return None
    return _Entry("Adjustment", 0, paid - costs, PLANS, f"rolled over to plan {event.plan} at the price before")


# --- the wallet -------------------------------------------------------------------------------


def _topped_up(_: Owner, event: EventRow, __: Funding) -> _Entry | None:
    return _Entry("Purchase", event.amount, 0, CREDIT, f"top-up {event.credit}")


def _adjusted(_: Owner, event: EventRow, funding: Funding) -> _Entry | None:
    """Take back credit that was bought. What an operator gives is told where it pays, or what it writes off."""
    returned = funding.returned.get(event.credit or "", 0)
    return _Entry("Purchase", -returned, 0, CREDIT, f"credit taken back by {event.credit}")


def _written_off(_: Owner, event: EventRow, __: Funding) -> _Entry | None:
    return _Entry("Adjustment", 0, -event.amount, CREDIT, f"debt written off by {event.credit}")


def _debt_paid(_: Owner, event: EventRow, funding: Funding) -> _Entry | None:
    """Forgive usage that is owed, where credit given for nothing pays it; a top-up is a purchase already."""
    if event.credit not in funding.free:
        return None
    return _Entry("Adjustment", 0, -event.amount, CREDIT, f"debt paid by granted credit {event.credit}")


_READERS: Final[dict[str, _Reader]] = {
    "payment_recorded": _payment,
    "plan_cancelled": _given_back,
    "plan_lapsed": _given_back,
    "statement": _statement,
    "payment_requested": _request,
    "plan_settled": _settled,
    "amount_added": _added,
    "topped_up": _topped_up,
    "adjusted": _adjusted,
    "debt_written_off": _written_off,
    "debt_paid": _debt_paid,
}
MONEY_KINDS: Final = tuple(_READERS)  # of the events that may have rows
