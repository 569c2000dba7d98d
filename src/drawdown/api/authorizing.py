"""The route that platform services ask before they start something for an account."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.routing import Route

from drawdown.api.access import READERS, Allowed, KeyedRoute, check_sees, identified, unknown_account
from drawdown.api.answering import SLASH, PathName
from drawdown.api.context import Context, context_of
from drawdown.api.problems import invalid
from drawdown.domain.authorize import Authorization, Wish, authorized
from drawdown.domain.errors import Reject
from drawdown.domain.limits import NAME_LENGTH_MAX
from drawdown.domain.money import CURRENCIES, Currency, format_amount, parse_amount
from drawdown.operate.accounts import states_of
from drawdown.operate.keys import Key
from drawdown.wire.basics import Decimal as Amount
from drawdown.wire.basics import ScopeItemMessage, scope_item

router = APIRouter(prefix="/v1/accounts/{account}", route_class=KeyedRoute)


class Asked(ScopeItemMessage):
    """What is to start: its service, dimensions such as the GPU model, and what an hour of it is estimated to cost."""

    hourly_cost: Amount


class Answered(BaseModel):
    """Whether it may start, and why. plans, credit: what could pay for it; seconds: how long they last, of an hour.

    commit: of the account's shard, as of which it is judged.
    """

    answer: Literal["yes", "limited", "no"]
    code: Annotated[str, Field(examples=["covered", "runs_into_debt", "debt_limit_reached", "no_funds"])]
    plans: str
    credit: str
    seconds: int
    shard: int
    commit: int


@router.post("/authorize", tags=["accounts"], operation_id="authorize")
async def authorize(
    held: Annotated[Context, Depends(context_of)],
    key: Annotated[Key, Depends(Allowed(READERS))],
    account: PathName,
    given: Asked,
) -> Answered:
    """Say whether a resource may start: yes, limited or no, and why. Nothing is written and nothing set aside."""
    return await _judged(held, key, account, given)


async def quickly(request: Request) -> Response:
    """Answer the same request without what FastAPI does for each: this one is asked before every start."""
    request.scope["route"] = QUICK  # for the log
    held = await context_of(request)
    key = identified(request, held)
    account = request.path_params["account"].replace(SLASH, "/")
    if len(account) > NAME_LENGTH_MAX:
        raise unknown_account(account[:NAME_LENGTH_MAX])
    body = await request.body()
    if not body:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required"}])
    try:
        given = Asked.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError([one | {"loc": ("body", *one["loc"])} for one in error.errors()]) from error
    return Response((await _judged(held, key, account, given)).model_dump_json(), media_type="application/json")


async def _judged(held: Context, key: Key, account: str, given: Asked) -> Answered:
    check_sees(key, account)
    found = await states_of(held.desk, account)
    if found is None:
        raise unknown_account(account)
    of = CURRENCIES[found.account.currency]
    wish = _wish(given, of)
    judged: Authorization = authorized(found.account, found.wallet, wish, held.desk.clock.now_ms())
    return Answered(
        answer=judged.answer,
        code=judged.code,
        plans=format_amount(judged.plans, of),
        credit=format_amount(judged.credit, of),
        seconds=judged.seconds,
        shard=found.shard,
        commit=found.commit,
    )


def _wish(given: Asked, of: Currency) -> Wish:
    """Read what is to start. Raise Problem."""
    try:
        item = scope_item(given)
        wish = Wish(item.service, item.dimensions, parse_amount(given.hourly_cost, of))
    except Reject as reject:
        raise invalid(reject) from reject
    if not wish.hourly:
        raise invalid(Reject("invalid_value", "hourly_cost is 0: what costs nothing needs no leave"))
    return wish


QUICK = Route("/v1/accounts/{account}/authorize", quickly, methods=["POST"])
