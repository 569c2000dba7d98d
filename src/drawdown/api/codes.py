"""Routes of voucher codes: issued, looked up, withdrawn. Of a code only its hash is kept, and none is in a path."""

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Body, Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from drawdown.api.access import Allowed, KeyedRoute
from drawdown.api.answering import PENDING, Decided, IdempotencyKey, Prefer, later_at, wait_seconds, written
from drawdown.api.bodies import body_of
from drawdown.api.bulk import issued
from drawdown.api.commands import SALES
from drawdown.api.context import Context, context_of
from drawdown.api.problems import Problem
from drawdown.domain.limits import API_CODES_KEY_LENGTH_MIN, API_CODES_MAX, CODE_TYPED_MAX, ID_LENGTH_MAX
from drawdown.errors import NotThere
from drawdown.operate.codes import CodeView, derive_codes, issuing, show_code, withdrawing
from drawdown.operate.keys import Key
from drawdown.topics import CODE_COMMANDS
from drawdown.wire.basics import StrictMessage
from drawdown.wire.code_commands import IssueCodeMessage

router = APIRouter(prefix="/v1/codes", route_class=KeyedRoute, tags=["codes"], responses={404: {}})
_LOOK_UP: Final = "/v1/codes/look-up"
_HIDDEN: Final = {"Cache-Control": "no-store"}
Code = Annotated[str, Field(min_length=1, max_length=CODE_TYPED_MAX, description="as it was typed")]
Count = Annotated[int, Field(ge=1, le=API_CODES_MAX, description="how many codes, each worth the amount")]
Issue: Final = body_of(IssueCodeMessage, without=("code",), count=Count)
CodesKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=API_CODES_KEY_LENGTH_MIN,
        max_length=ID_LENGTH_MAX,
        description="a random one that you keep to yourself: the codes are derived from it and from your API key",
    ),
]


class LookUp(StrictMessage):
    """A code to look up."""

    code: Code


class Withdraw(StrictMessage):
    """A code to withdraw, and why; kept on the log with the name of the key's holder."""

    code: Code
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class IssuedCodes(BaseModel):
    """Codes, which are told here and nowhere else. outcome: applied, or pending until a worker takes them.

    replayed: they were issued before, by the same request.
    """

    campaign: str
    outcome: Annotated[str, Field(examples=["applied", "pending"])]
    replayed: bool
    codes: list[str]


async def with_codes(request: Request) -> Context:
    """Give what routes share. Raise Problem where there is no wallet, and so no code."""
    held = await context_of(request)
    if not held.desk.settings.wallet:
        detail = "codes are the wallet's, which is switched off (setting wallet, DRAWDOWN_WALLET)"
        raise Problem(HTTPStatus.NOT_FOUND, "no_wallet", detail)
    return held


Held = Annotated[Context, Depends(with_codes)]
Seller = Annotated[Key, Depends(Allowed(SALES))]


async def issue_codes(
    request: Request, _: Seller, held: Held, given: BaseModel, idempotency_key: CodesKey, prefer: Prefer = None
) -> Response:
    """Issue codes of a campaign. The answer alone tells them; sent again by the same key, it tells the same ones."""
    terms = given.model_dump(exclude_unset=True)
    count = terms.pop("count")
    secret = request.headers["authorization"].partition(" ")[2].strip()
    codes = derive_codes(secret, idempotency_key, count)
    # the count is part of the commands' id, so that the same key with another count is a conflict
    decision = await issued(held, [issuing(code, terms, f"issue:{count}") for code in codes], wait_seconds(prefer))
    outcome = "pending" if decision.pending else "applied"
    told = IssuedCodes(campaign=terms["campaign"], outcome=outcome, replayed=decision.replayed, codes=codes)
    fresh = HTTPStatus.OK if decision.replayed else HTTPStatus.CREATED
    status = HTTPStatus.ACCEPTED if decision.pending else fresh
    return JSONResponse(told.model_dump(), status, headers=_HIDDEN)


issue_codes.__annotations__["given"] = Annotated[Issue, Body()]  # a type that is made, not written
router.add_api_route(
    "",
    issue_codes,
    methods=["POST"],
    operation_id="issue_codes",
    status_code=HTTPStatus.CREATED,
    response_model=IssuedCodes,
    responses={int(HTTPStatus.ACCEPTED): {"model": IssuedCodes, "description": "not taken by a worker yet"}},
)


@router.post("/look-up", operation_id="look_up_code")
async def look_up_code(_: Seller, held: Held, given: LookUp) -> CodeView:
    """Show what became of a code. The code itself is not repeated."""
    return await _code(held, given.code)


@router.post("/withdrawals", operation_id="withdraw_code", response_model=Decided, responses=PENDING)
async def withdraw_code(
    key: Seller, held: Held, given: Withdraw, idempotency_key: IdempotencyKey, prefer: Prefer = None
) -> Response:
    """Let a code be redeemed no more; who has redeemed it keeps its credit."""
    await _code(held, given.code)
    command = withdrawing(given.code, key.holder, given.reason, idempotency_key)
    value = msgspec.json.encode(command)
    decision = await held.issuer.issue_to(CODE_COMMANDS, command["code"], value, wait_seconds(prefer), quiet=True)
    if decision.pending:
        return later_at(_LOOK_UP, idempotency_key)
    return written(idempotency_key, (), replayed=decision.replayed)


async def _code(held: Context, code: str) -> CodeView:
    """Look a code up: a command about one that there is not would be a dead letter. Raise Problem."""
    try:
        return await show_code(held.desk, code)
    except NotThere as error:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_code", str(error)) from error
