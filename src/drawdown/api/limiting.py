"""The route of limits: what an account may have at most, and which usage is accepted."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from drawdown.api.access import KeyedRoute
from drawdown.api.context import Context, context_of
from drawdown.api.reading import Seen
from drawdown.domain.catalogue import SERVICES
from drawdown.domain.limits import (
    CODE_TRIES_MAX,
    CODE_TRIES_WINDOW_MS,
    OFFERS_MAX,
    PAUSE_MAX_MS,
    PAUSES_MAX,
    PLANS_MAX,
    REQUESTS_MAX,
    TOP_UPS_MAX,
    VOUCHERS_MAX,
)
from drawdown.domain.money import CURRENCIES, format_amount, parse_amount
from drawdown.domain.wallet.commands import SMALLEST_TOP_UP

router = APIRouter(prefix="/v1/accounts/{account}", route_class=KeyedRoute, tags=["accounts"])
Held = Annotated[Context, Depends(context_of)]
_MS = 1_000


class Accepted(BaseModel):
    """Which usage of a service is accepted: it ended so long ago at most when its event is appended."""

    service: str
    within_seconds: int


class Limits(BaseModel):
    """An account's limits. debt_limit: from what debt on no more may start, null without one; debt: as it is.

    ahead_seconds: so far ahead of its append usage may end. pause_seconds: the longest pause of a plan.
    code_tries, code_tries_seconds: so many codes may be tried within so long.
    """

    account: str
    currency: str
    debt_limit: str | None
    debt: str | None
    smallest_top_up: str
    plans: int
    offers: int
    payment_requests: int
    pauses_of_a_plan: int
    pause_seconds: int
    vouchers: int
    top_ups: int
    code_tries: int
    code_tries_seconds: int
    accepted: list[Accepted]
    ahead_seconds: int


@router.get("/limits", operation_id="show_limits")
async def show_limits(held: Held, seen: Seen) -> Limits:
    """Show an account's limits: its debt limit, what it may have at most, and which usage is accepted."""
    of, wallet, policy = CURRENCIES[seen.currency], seen.wallet, held.desk.settings.policy
    smallest = parse_amount(SMALLEST_TOP_UP.get(of.code, "0"), of)
    return Limits(
        account=seen.account,
        currency=of.code,
        debt_limit=wallet.debt_limit if wallet else None,
        debt=wallet.debt if wallet else None,
        smallest_top_up=format_amount(smallest, of),
        plans=PLANS_MAX,
        offers=OFFERS_MAX,
        payment_requests=REQUESTS_MAX,
        pauses_of_a_plan=PAUSES_MAX,
        pause_seconds=PAUSE_MAX_MS // _MS,
        vouchers=VOUCHERS_MAX,
        top_ups=TOP_UPS_MAX,
        code_tries=CODE_TRIES_MAX,
        code_tries_seconds=CODE_TRIES_WINDOW_MS // _MS,
        accepted=[Accepted(service=name, within_seconds=policy.window_ms(name) // _MS) for name in SERVICES],
        ahead_seconds=policy.skew_ms // _MS,
    )
