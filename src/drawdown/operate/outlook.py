"""The forecast of an account: its plans and credit as they are now, and what it spent lately."""

from collections import defaultdict
from dataclasses import dataclass

from drawdown.domain.money import CURRENCIES, Currency, format_amount, parse_amount
from drawdown.history.archive import Spent
from drawdown.history.forecast import CREDIT, HOUR_MS, Outlook, Source, forecast
from drawdown.history.rows import AsOf
from drawdown.operate.accounts import AccountView, PlanDetails
from drawdown.wire.instants import format_instant, parse_instant


@dataclass(frozen=True)
class PlanForecast:
    """A plan's future. hourly: drawn from it once its turn comes. empty_at, over_at: its amount, its time is used up.

    Only the first to come is told; both are null where neither comes at this rate.
    """

    plan: str
    remaining: str
    hourly: str
    empty_at: str | None
    over_at: str | None


@dataclass(frozen=True)
class CreditForecast:
    """The wallet's future, vouchers and top-ups together. hourly: as a plan's. empty_at: then usage becomes debt."""

    remaining: str
    hourly: str
    empty_at: str | None


@dataclass(frozen=True)
class Forecast:
    """A forecast. since: what was spent from then on is taken to go on, as `hourly` by service; prices as they were.

    Plans that are paused or suspended are left out: whether they go on is nobody's to foresee.
    """

    account: str
    currency: str
    as_of: AsOf
    since: str
    now: str
    hourly: dict[str, str]
    plans: list[PlanForecast]
    credit: CreditForecast


def foreseen(view: AccountView, spent: Spent, since: int, now: int) -> Forecast:
    """Make a forecast. spent: since then; since, now: ms."""
    of = CURRENCIES[view.currency]
    sums: dict[str, int] = defaultdict(int)
    for (service, _, _), amount in spent.by.items():
        sums[service] += amount
    rates = {service: amount * HOUR_MS // (now - since) for service, amount in sorted(sums.items())}
    plans = [plan for plan in view.plans if plan.status in {"Active", "Scheduled"} and plan.start is not None]
    credit = _credit(view, of)
    sources = [*(_source(plan, of) for plan in plans), Source(CREDIT, credit, None, frozenset())]
    *futures, last = forecast(sources, rates, now)
    return Forecast(
        account=view.account,
        currency=view.currency,
        as_of=spent.as_of,
        since=format_instant(since),
        now=format_instant(now),
        hourly={service: format_amount(rate, of) for service, rate in rates.items()},
        plans=[_plan(plan, future, of) for plan, future in zip(plans, futures, strict=True)],
        credit=CreditForecast(format_amount(credit, of), format_amount(last.hourly, of), _instant(last.empty)),
    )


def _source(plan: PlanDetails, of: Currency) -> Source:
    end = None if plan.end is None else parse_instant(plan.end)
    services = frozenset(item.service for item in plan.scope or ())
    return Source(plan.plan, parse_amount(plan.remaining, of), end, services, parse_instant(plan.start or ""))


def _credit(view: AccountView, of: Currency) -> int:
    if view.wallet is None:
        return 0
    return parse_amount(view.wallet.voucher_credit, of) + parse_amount(view.wallet.top_up_credit, of)


def _plan(plan: PlanDetails, future: Outlook, of: Currency) -> PlanForecast:
    hourly = format_amount(future.hourly, of)
    return PlanForecast(plan.plan, plan.remaining, hourly, _instant(future.empty), _instant(future.over))


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)
