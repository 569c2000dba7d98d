"""May this resource start? Judged by what could pay for its first hour. Design sections 5 and 7."""

from typing import Literal, NamedTuple

from drawdown.domain.coverage import accepts_at, in_scope, includes
from drawdown.domain.model import Account, Dimensions, Plan
from drawdown.domain.wallet.credits import fits
from drawdown.domain.wallet.model import Wallet
from drawdown.domain.wallet.notices import limit_reached

HOUR_SECONDS = 3_600


class Wish(NamedTuple):
    """What is to start. hourly: what an hour of it is estimated to cost, quanta; above 0."""

    service: str
    dimensions: Dimensions
    hourly: int


class Authorization(NamedTuple):
    """The answer and why. plans, credit: what could pay, quanta. seconds: how long they last, at most an hour."""

    answer: Literal["yes", "limited", "no"]
    code: str
    plans: int
    credit: int
    seconds: int


def authorized(account: Account, wallet: Wallet | None, wish: Wish, now: int) -> Authorization:
    """Judge a wish at an instant (ms). Nothing is set aside for it.

    No: debt has reached its limit (`debt_limit_reached`), or nothing can pay and no debt is allowed (`no_funds`).
    Yes: plans and credit last an hour (`covered`). Limited: they do not, and what follows is debt (`runs_into_debt`).
    """
    plans = sum([_left(plan, wish) for plan in account.plans if _accepts(plan, wish, now)])
    credit = 0 if wallet is None else _credit(wallet, wish, now)
    lasts = min((plans + credit) * HOUR_SECONDS // wish.hourly, HOUR_SECONDS)
    limit = None if wallet is None else wallet.debt_limit
    if wallet is not None and limit_reached(wallet):
        return Authorization("no", "debt_limit_reached", plans, credit, lasts)
    if plans + credit >= wish.hourly:
        return Authorization("yes", "covered", plans, credit, lasts)
    if plans + credit == 0 and limit == 0:
        return Authorization("no", "no_funds", plans, credit, lasts)
    return Authorization("limited", "runs_into_debt", plans, credit, lasts)


def _accepts(plan: Plan, wish: Wish, now: int) -> bool:
    return accepts_at(plan, now, now) and in_scope(plan.scope, wish.service, wish.dimensions)


def _left(plan: Plan, wish: Wish) -> int:
    """Give what is left of a plan for a wish: of its amount, and of every quota that includes it."""
    quotas = [quota for quota in plan.quotas if includes(quota.item, wish.service, wish.dimensions)]
    return max(min([plan.amount - plan.spent, *(quota.amount - quota.spent for quota in quotas)]), 0)


def _credit(wallet: Wallet, wish: Wish, now: int) -> int:
    """Give what vouchers for it that have not expired, and top-ups, hold."""
    parts = [part for voucher in wallet.vouchers if now <= voucher.expires for part in voucher.parts]
    vouchers = sum([part.amount - part.spent for part in parts if fits(part, wish.service, wish.dimensions)])
    return vouchers + sum([top_up.amount - top_up.spent for top_up in wallet.top_ups])
