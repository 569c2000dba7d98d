"""The route that redeems a voucher code: its command, and the wait for how the redemption ends."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field

from drawdown.api.access import Allowed, KeyedRoute, check_open, check_sees
from drawdown.api.answering import PENDING, Decided, IdempotencyKey, PathName, Prefer, applied, pending, wait_seconds
from drawdown.api.commands import HELP
from drawdown.api.context import Context, context_of
from drawdown.api.decisions import Redemption
from drawdown.api.problems import refused
from drawdown.domain.limits import CODE_TYPED_MAX
from drawdown.operate.codes import redeeming
from drawdown.operate.keys import Key
from drawdown.wire.basics import Name, StrictMessage

router = APIRouter(prefix="/v1/accounts/{account}", route_class=KeyedRoute)


class Redeem(StrictMessage):
    """A voucher code as a person typed it. redemption: the name of this try, and of the voucher that it grants."""

    redemption: Name
    code: Annotated[str, Field(min_length=1, max_length=CODE_TYPED_MAX)]


@router.post(
    "/redemptions",
    tags=["wallet"],
    operation_id="redeem_code",
    status_code=HTTPStatus.CREATED,
    response_model=Decided,
    responses=PENDING,
)
async def redeem_code(
    held: Annotated[Context, Depends(context_of)],
    key: Annotated[Key, Depends(Allowed(HELP))],
    account: PathName,
    given: Redeem,
    idempotency_key: IdempotencyKey,
    prefer: Prefer = None,
) -> Response:
    """Try a voucher code; answered when the credit is there, or the code is refused. Ten tries an hour count."""
    check_sees(key, account)
    await check_open(held, account)
    command = redeeming(account, given.redemption, given.code, idempotency_key)
    clock = held.desk.clock
    deadline = clock.monotonic_ms() + int(wait_seconds(prefer) * 1000)
    redemption = Redemption(account, given.redemption)
    held.decisions.forget(redemption)
    asked = await held.issuer.issue(command, wait_seconds(prefer))
    if asked.replayed:
        return applied(command, (), HTTPStatus.CREATED, replayed=True)
    left = max(deadline - clock.monotonic_ms(), 0) / 1000
    ends = () if asked.pending else await held.decisions.of(redemption, left)
    if not ends:
        return pending(command, asked.events, replayed=False)
    for end in ends:
        if end.said["code"]:
            raise refused(end.said["code"], end.said["detail"])
    return applied(command, [*asked.events, *ends], HTTPStatus.CREATED, replayed=False)
