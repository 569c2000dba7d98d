"""The plain case of usage, at a fraction of the cost: it is not cut in time, and one plan pays all by prices per unit.

What it gives is what the general way (pieces, rate, events) would give, which a property compares; where anything more
than that is to be done, it gives nothing.
"""

from msgspec.structs import replace

from drawdown.domain.catalogue import rounded_up
from drawdown.domain.coverage import accepts_at, in_scope
from drawdown.domain.limits import AMOUNT_MAX
from drawdown.domain.model import Account, Plan, Usage
from drawdown.domain.notices import reached
from drawdown.domain.outputs import Decision
from drawdown.domain.pieces import cuts_of
from drawdown.domain.policy import Policy
from drawdown.domain.prices import PER_UNIT, Prices
from drawdown.domain.rate import amount_of
from drawdown.domain.rated import Balance, Charge, Line


def plainly_paid(account: Account, usage: Usage, appended: int, prices: Prices, policy: Policy) -> Decision | None:
    """Decide a usage that is plain, None for any other. appended: ms."""
    if usage.job is not None:
        return None
    time = usage.time
    if usage.start is not None:
        if cuts_of(usage, usage.start, account, prices):
            return None
        time = usage.start
    plan = _payer(account, usage, time, appended)
    if plan is None:
        return None
    book = prices.book(plan.book, plan.book_version)
    if book is None:
        return None
    service, dimensions, ident = usage.service, usage.dimensions, plan.id
    increments = policy.increments.get(service)
    lines: list[Line] = []
    total = 0
    for measure in usage.measures:
        meter, quantity = measure.meter, measure.quantity
        if increments is not None:
            quantity = rounded_up(increments, meter, quantity)
        price = book.price(service, meter, dimensions)
        if price is None or price.model != PER_UNIT:
            return None
        amount = amount_of(quantity, price)
        total += amount
        line = Line(time, meter, quantity, price.unit_price, price.per, amount, book.name, book.version, ident)
        lines.append(line)
    left, spent = plan.amount - plan.spent, plan.spent + total
    if not 0 < total < left or total > AMOUNT_MAX or reached(plan.noticed, spent, plan.amount) != plan.noticed:
        return None
    applied, seq = account.applied + 1, account.seq_charges + 1
    charge = Charge(usage, account.currency, tuple(lines), total, (Balance(ident, left, left - total),), seq, applied)
    by_service = _with(plan.spent_by_service, service, total)
    drawn = replace(plan, spent=spent, spent_by_service=by_service)
    plans = tuple([drawn if other is plan else other for other in account.plans])
    return Decision(replace(account, applied=applied, seq_charges=seq, plans=plans), (charge,))


def _payer(account: Account, usage: Usage, time: int, appended: int) -> Plan | None:
    """Find the first plan that pays at an instant, if nothing else follows from that than that it pays."""
    service, dimensions = usage.service, usage.dimensions
    for plan in account.plans:
        if plan.status == "expired" or plan.spent >= plan.amount or not in_scope(plan.scope, service, dimensions):
            continue
        if plan.status != "active" or plan.expired_by or plan.quotas:
            return None
        if accepts_at(plan, time, appended):
            return None if plan.terms is not None and plan.terms.automatic else plan
    return None


def _with(sums: tuple[tuple[str, int], ...], service: str, amount: int) -> tuple[tuple[str, int], ...]:
    """Add to a service's sum."""
    if len(sums) == 1 and sums[0][0] == service:
        return ((service, sums[0][1] + amount),)
    by_service = dict(sums)
    by_service[service] = by_service.get(service, 0) + amount
    return tuple(sorted(by_service.items()))
