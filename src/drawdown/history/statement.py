"""A period's statement of an account: what each balance was, what came, what was used, what is left. It adds up.

Opening and closing follow from sums of all before them. What is left of a plan that is settled, replaced, or taken
back before it begins is nothing: what was neither used nor forfeited by then has gone to the plan after it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from drawdown.domain.money import CURRENCIES, Currency, format_amount
from drawdown.history.filters import Period
from drawdown.history.happenings import BEGUN
from drawdown.history.rows import AsOf, EventRow, Owner
from drawdown.wire.instants import format_instant

_PAYERS: Final = ("plan", "voucher", "top_up", "debt")


class Used(NamedTuple):
    """What of a service was paid by a payer before a period (0) or in it (1)."""

    service: str
    payer: str
    payer_id: str
    part: int
    amount: int


@dataclass(frozen=True)
class PlanLine:
    """closing = opening + purchased + added - used - forfeited - moved. moved: to the plan after it."""

    plan: str
    opening: str
    purchased: str
    added: str
    used: str
    forfeited: str
    moved: str
    closing: str


@dataclass(frozen=True)
class VoucherLine:
    """closing = opening + granted - used - forfeited, over all vouchers."""

    opening: str
    granted: str
    used: str
    forfeited: str
    closing: str


@dataclass(frozen=True)
class CashLine:
    """Top-ups less debt; below 0 if more is owed. closing = opening + topped_up + adjusted - used."""

    opening: str
    topped_up: str
    adjusted: str
    used: str
    closing: str


@dataclass(frozen=True)
class ServiceLine:
    """What was used of a service, by who paid it."""

    service: str
    plan: str
    voucher: str
    top_up: str
    debt: str
    total: str


@dataclass(frozen=True)
class Statement:
    """A statement. whole: the history knows the account from its beginning; else opening balances lack what was before.

    paid: money that came in for plans. as_of: how far the history is.
    """

    account: str
    currency: str
    start: str
    end: str
    whole: bool
    as_of: AsOf
    plans: list[PlanLine]
    vouchers: VoucherLine
    top_ups_less_debt: CashLine
    services: list[ServiceLine]
    paid: str


@dataclass
class _Plan:
    purchased: list[int] = field(default_factory=lambda: [0, 0])
    added: list[int] = field(default_factory=lambda: [0, 0])
    used: list[int] = field(default_factory=lambda: [0, 0])
    forfeited: list[int] = field(default_factory=lambda: [0, 0])
    closed: int | None = None  # 0: before the period, 1: in it


def statement_of(owner: Owner, period: Period, used: Iterable[Used], events: Iterable[EventRow], at: AsOf) -> Statement:
    """Make a statement. used, events: all from before the period's end."""
    plans: dict[str, _Plan] = defaultdict(_Plan)
    changed: dict[str, list[int]] = defaultdict(lambda: [0, 0])  # by kind of event, or of payer that used
    services: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in used:
        changed[one.payer][one.part] += one.amount
        if one.payer == "plan":
            plans[one.payer_id].used[one.part] += one.amount
        if one.part:
            services[one.service][one.payer] += one.amount
    for event in events:
        part = int(event.appended >= period.start)
        changed[event.kind][part] += event.amount
        if event.plan is not None:
            _take(plans, event, part)
    of = CURRENCIES[owner.currency]
    return Statement(
        account=owner.name,
        currency=owner.currency,
        start=format_instant(period.start),
        end=format_instant(period.end),
        whole=owner.whole,
        as_of=at,
        plans=[line for name, plan in sorted(plans.items()) if (line := _plan_line(name, plan, of)) is not None],
        vouchers=_vouchers(changed, of),
        top_ups_less_debt=_cash(changed, of),
        services=[_service_line(name, sums, of) for name, sums in sorted(services.items())],
        paid=format_amount(changed["payment_recorded"][1], of),
    )


def _take(plans: dict[str, _Plan], event: EventRow, part: int) -> None:
    """Take up what an event did to a plan. One that was only ever offered has no amount, and is closed all the same."""
    plan = plans[event.plan or ""]
    if event.kind in BEGUN:
        plan.purchased[part] += event.change
    elif event.kind == "amount_added":
        plan.added[part] += event.change
    elif event.kind == "plan_settled":
        plan.forfeited[part] -= event.change
    over = event.kind in {"plan_settled", "plan_replaced"}
    if plan.closed is None and (over or (event.kind == "plan_cancelled" and "period" not in event.about)):
        plan.closed = part


def _plan_line(name: str, plan: _Plan, of: Currency) -> PlanLine | None:
    if plan.closed == 0 or not any((*plan.purchased, *plan.added, *plan.used)):
        return None
    opening = plan.purchased[0] + plan.added[0] - plan.used[0] - plan.forfeited[0]
    left = opening + plan.purchased[1] + plan.added[1] - plan.used[1] - plan.forfeited[1]
    moved, closing = (0, left) if plan.closed is None else (left, 0)
    cells = opening, plan.purchased[1], plan.added[1], plan.used[1], plan.forfeited[1], moved, closing
    return PlanLine(name, *(format_amount(amount, of) for amount in cells))


def _vouchers(changed: Mapping[str, list[int]], of: Currency) -> VoucherLine:
    granted, used, forfeited = changed["voucher_granted"], changed["voucher"], changed["voucher_forfeited"]
    opening = granted[0] - used[0] - forfeited[0]
    closing = opening + granted[1] - used[1] - forfeited[1]
    return VoucherLine(*_written(of, opening, granted[1], used[1], forfeited[1], closing))


def _cash(changed: Mapping[str, list[int]], of: Currency) -> CashLine:
    topped_up, adjusted = changed["topped_up"], changed["adjusted"]
    used = [top_up + debt for top_up, debt in zip(changed["top_up"], changed["debt"], strict=True)]
    opening = topped_up[0] + adjusted[0] - used[0]
    closing = opening + topped_up[1] + adjusted[1] - used[1]
    return CashLine(*_written(of, opening, topped_up[1], adjusted[1], used[1], closing))


def _service_line(name: str, sums: Mapping[str, int], of: Currency) -> ServiceLine:
    by_payer = [sums.get(payer, 0) for payer in _PAYERS]
    return ServiceLine(name, *_written(of, *by_payer, sum(by_payer)))


def _written(of: Currency, *amounts: int) -> tuple[Any, ...]:
    return tuple(format_amount(amount, of) for amount in amounts)
