"""Routes that read: accounts, plans, wallets, payment requests, and what came of a command."""

from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel

from drawdown.api.access import READERS, Allowed, KeyedRoute, check_sees, unknown_account
from drawdown.api.answering import PathIdent, PathName, header
from drawdown.api.context import Context, context_of
from drawdown.api.problems import Problem
from drawdown.operate.accounts import AccountView, OfferDetails, PlanDetails, RequestDetails, ServiceDetails, view_of
from drawdown.operate.keys import Key
from drawdown.operate.wallets import WalletView

router = APIRouter(prefix="/v1/accounts/{account}", route_class=KeyedRoute)
Held = Annotated[Context, Depends(context_of)]
Reader = Annotated[Key, Depends(Allowed(READERS))]
_ETAG_BYTES: Final = 8
COMMIT_HEADER: Final = "Drawdown-Commit"  # shard, and number of the newest commit that the answer holds
_SEEN: Final[dict[int | str, dict[str, Any]]] = {
    int(HTTPStatus.OK): {"headers": {COMMIT_HEADER: header("shard:number of the newest commit that the answer holds")}}
}
_ETAG: Final = {"ETag": header("changes whenever the answer does, time left aside")}
_TAGGED: Final[dict[int | str, dict[str, Any]]] = {
    int(HTTPStatus.OK): {"headers": _SEEN[HTTPStatus.OK]["headers"] | _ETAG},
    int(HTTPStatus.NOT_MODIFIED): {"description": "the plan is as If-None-Match says", "headers": _ETAG},
}
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", max_length=200, description="the ETag of what is known")
]


class Plans(BaseModel):
    """An account's plans: those that have started, and those that have not. commit: as of which they are told."""

    shard: int
    commit: int
    plans: list[PlanDetails]
    offers: list[OfferDetails]


class Services(BaseModel):
    """What each service spent of a plan, and what is left of its quota. commit: as of which it is told."""

    shard: int
    commit: int
    plan: str
    services: list[ServiceDetails]


class Requests(BaseModel):
    """The money asked for and not paid in full. commit: as of which it is told."""

    shard: int
    commit: int
    payment_requests: list[RequestDetails]


class CommandResult(BaseModel):
    """What came of a command in a ledger. applied: the account's number of it. code: why it was refused; else null."""

    ledger: str
    applied: int | None
    code: str | None


class CommandResults(BaseModel):
    """What came of a command, by ledger; a ledger that has not decided yet is not there."""

    id: str
    results: list[CommandResult]


async def account_seen(response: Response, held: Held, key: Reader, account: PathName) -> AccountView:
    """Read an account that the caller sees, and say as of which commit in a header. Raise Problem."""
    check_sees(key, account)
    found = await view_of(held.desk, account)
    if found is None:
        raise unknown_account(account)
    response.headers[COMMIT_HEADER] = f"{found.shard}:{found.commit}"
    return found


Seen = Annotated[AccountView, Depends(account_seen)]


@router.get("", tags=["accounts"], operation_id="show_account", responses=_SEEN)
async def show_account(seen: Seen) -> AccountView:
    """Show an account: balances, plans, payments due and credit, as fresh as the last commit."""
    return seen


@router.get("/plans", tags=["plans"], operation_id="list_plans", responses=_SEEN)
async def list_plans(seen: Seen) -> Plans:
    """List the plans of an account."""
    return Plans(shard=seen.shard, commit=seen.commit, plans=seen.plans, offers=seen.offers)


@router.get(
    "/plans/{plan}",
    tags=["plans"],
    operation_id="show_plan",
    response_model=PlanDetails | OfferDetails,
    responses=_TAGGED,
)
async def show_plan(response: Response, seen: Seen, plan: PathName, if_none_match: IfNoneMatch = None) -> Any:
    """View Details: what a plan covers, what is left of it in amount and time, what was spent, its status.

    The header ETag changes whenever the answer does, time left aside; to confirm an offer, send it as If-Match.
    """
    found = found_plan(seen, plan)
    etag = etag_of(found)
    if if_none_match == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return found


@router.get("/plans/{plan}/services", tags=["plans"], operation_id="show_services", responses=_SEEN)
async def show_services(seen: Seen, plan: PathName) -> Services:
    """Service Details: what each service spent of a plan, and what is left of its quota."""
    found = found_plan(seen, plan)
    if isinstance(found, OfferDetails):
        raise unknown_plan(plan)
    return Services(shard=seen.shard, commit=seen.commit, plan=plan, services=found.services)


@router.get("/wallet", tags=["wallet"], operation_id="show_wallet", responses=_SEEN)
async def show_wallet(seen: Seen) -> WalletView:
    """Show an account's credit: vouchers with their expiry, top-ups, debt."""
    if seen.wallet is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no_wallet", f"account {seen.account} has no wallet")
    return seen.wallet


@router.get("/payment-requests", tags=["payments"], operation_id="list_payment_requests", responses=_SEEN)
async def list_payment_requests(seen: Seen) -> Requests:
    """List the payments that are due, or were."""
    return Requests(shard=seen.shard, commit=seen.commit, payment_requests=seen.payment_requests)


@router.get("/commands/{ident}", tags=["accounts"], operation_id="show_command")
async def show_command(held: Held, key: Reader, account: PathName, ident: PathIdent) -> CommandResults:
    """Say what came of a request that was answered by 202, or of any other by its Idempotency-Key."""
    check_sees(key, account)
    found = await held.issuer.result(account, ident)
    if not found:
        detail = f"no ledger has decided a command {ident} of {account} yet; ask again if it was just sent"
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_command", detail)
    results = [
        CommandResult(ledger=ledger, applied=said.get("applied"), code=said.get("refused"))
        for ledger, said in found.items()
    ]
    return CommandResults(id=ident, results=results)


def found_plan(seen: AccountView, plan: str) -> PlanDetails | OfferDetails:
    """Find a plan of an account, started or not. Raise Problem."""
    both: list[PlanDetails | OfferDetails] = [*seen.plans, *seen.offers]
    for one in both:
        if one.plan == plan:
            return one
    raise unknown_plan(plan)


def unknown_plan(plan: str) -> Problem:
    """Give the problem of a plan that there is not."""
    return Problem(HTTPStatus.NOT_FOUND, "unknown_plan", f"the account has no plan {plan}, or it is too old to be kept")


def etag_of(plan: PlanDetails | OfferDetails) -> str:
    """Give an entity tag: an offer's revision, and a digest of all that is said but the time left."""
    said: dict[str, Any] = msgspec.to_builtins(plan)
    said.pop("remaining_seconds", None)
    digest = blake2b(msgspec.json.encode(said), digest_size=_ETAG_BYTES).hexdigest()
    return f'"{said.get("revision", 0)}-{digest}"'
