"""The route that reckons what usage would cost an account, and who would pay."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from drawdown.api.access import READERS, Allowed, KeyedRoute, check_sees, unknown_account
from drawdown.api.answering import PathName
from drawdown.api.context import Context, context_of
from drawdown.api.problems import invalid
from drawdown.domain.errors import Reject
from drawdown.domain.money import CURRENCIES, format_amount, parse_amount
from drawdown.operate.accounts import states_of
from drawdown.operate.estimating import Asked, estimated
from drawdown.operate.keys import Key
from drawdown.wire.basics import Instant, Name, StrictMessage
from drawdown.wire.instants import parse_instant

router = APIRouter(prefix="/v1", route_class=KeyedRoute)
Held = Annotated[Context, Depends(context_of)]
Reader = Annotated[Key, Depends(Allowed(READERS))]


class Usage(StrictMessage):
    """Usage that might be: the data of its service's usage event. time: when it ends; now, if it is left out."""

    service: Name
    data: dict[str, Any]
    time: Instant | None = None


class Payer(BaseModel):
    """Who would pay how much. kind: plan, voucher, top_up or debt."""

    kind: str
    id: str | None
    amount: str
    before: str
    after: str


class Estimated(BaseModel):
    """What usage would cost now. charges, overage, events: the messages that it would lead to.

    commit: of the account's shard, as of which it is reckoned.
    """

    currency: str
    total: str
    payers: list[Payer]
    charges: list[dict[str, Any]]
    overage: dict[str, Any] | None
    events: list[dict[str, Any]]
    shard: int
    commit: int


@router.post("/accounts/{account}/estimate", tags=["prices"], operation_id="estimate")
async def estimate(held: Held, key: Reader, account: PathName, given: Usage) -> Estimated:
    """Reckon what usage would cost an account now, and who would pay. Nothing is written and nothing set aside."""
    check_sees(key, account)
    found = await states_of(held.desk, account)
    if found is None:
        raise unknown_account(account)
    now = held.desk.clock.now_ms()
    try:
        asked = Asked(given.service, given.data, now if given.time is None else parse_instant(given.time))
        policy = held.desk.settings.policy
        made = estimated(found.account, found.wallet, asked, held.shelf.prices, policy, now)
    except Reject as reject:
        raise invalid(reject) from reject
    of = CURRENCIES[found.account.currency]
    totals = [parse_amount(charge["total"], of) for charge in made.charges]
    unpaid = parse_amount(made.overage["total"], of) if made.overage and found.wallet is None else 0
    return Estimated(
        currency=of.code,
        total=format_amount(sum(totals) + unpaid, of),
        payers=[_payer(one, of.code) for charge in made.charges for one in charge["balances"]],
        charges=made.charges,
        overage=made.overage,
        events=made.events,
        shard=found.shard,
        commit=found.commit,
    )


def _payer(balance: dict[str, Any], code: str) -> Payer:
    of = CURRENCIES[code]
    before, after = (parse_amount(balance[name], of) for name in ("before", "after"))
    amount = format_amount(abs(before - after), of)  # debt grows, all else shrinks
    return Payer(
        kind=balance["kind"], id=balance["id"], amount=amount, before=balance["before"], after=balance["after"]
    )
