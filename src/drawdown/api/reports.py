"""Routes of reports: a period's statement and export, the forecast, consultation requests."""

from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from drawdown.api.access import READERS, Allowed, KeyedRoute, check_sees, unknown_account
from drawdown.api.answering import PathName
from drawdown.api.context import Context, context_of
from drawdown.api.paging import Cursor, Limit, Listing
from drawdown.api.problems import invalid
from drawdown.domain.errors import Reject
from drawdown.domain.limits import API_FORECAST_HOURS, API_FORECAST_HOURS_MAX, API_PAGE_DEFAULT
from drawdown.history.archive import WishesPage
from drawdown.history.exporting import FORMS, Form
from drawdown.history.filters import HOUR_MS, Period, Place, period_of
from drawdown.history.rows import AsOf
from drawdown.history.statement import Statement
from drawdown.history.wishes import Wish
from drawdown.operate.accounts import view_of
from drawdown.operate.keys import Key, Scope
from drawdown.operate.outlook import Forecast, foreseen
from drawdown.wire.basics import Instant
from drawdown.wire.instants import parse_instant

router = APIRouter(prefix="/v1", route_class=KeyedRoute, tags=["history"])
Held = Annotated[Context, Depends(context_of)]
Reader = Annotated[Key, Depends(Allowed(READERS))]
_SALES: Final[frozenset[Scope]] = frozenset({"operator", "sales"})
From = Annotated[Instant, Query(alias="from", description="a whole hour")]
To = Annotated[Instant, Query(description="before then, a whole hour too")]
_SHAPE: Final = (int, int, int)
AS_OF_HEADER: Final = "Drawdown-As-Of"  # partition, and the next offsets of charges and account events
_MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "focus": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class PlanRequests(BaseModel):
    """A page of requests for a plan, the newest first. as_of: how far the history is, of the account or each partition.

    next: cursor of the next page.
    """

    as_of: list[AsOf]
    plan_requests: list[Wish]
    next: str | None


@router.get("/accounts/{account}/statement", operation_id="show_statement")
async def show_statement(held: Held, key: Reader, account: PathName, start: From, to: To) -> Statement:
    """Statement of a period: for each balance what it was, what came, what was used, what is left; usage by service."""
    check_sees(key, account)
    period = _period(start, to)
    return await held.archives.ask(lambda archive: archive.statement(account, period))


@router.get(
    "/accounts/{account}/export",
    operation_id="export_history",
    response_class=StreamingResponse,
    responses={200: {"content": {kind.partition(";")[0]: {} for kind in _MEDIA_TYPES.values()}}},
)
async def export_history(
    held: Held,
    key: Reader,
    account: PathName,
    start: From,
    to: To,
    form: Annotated[Form, Query(alias="as", description="CSV, an Excel workbook, or FOCUS as CSV")] = "csv",
) -> StreamingResponse:
    """Export a period: every row of usage by the hour, and credit as it came and went."""
    check_sees(key, account)
    period = _period(start, to)
    write = FORMS[form]
    at = await held.archives.ask(lambda archive: archive.standing(account))  # it holds so much at least
    chunks = await held.archives.written(lambda archive, file: write(archive, account, period, file))
    ending = "focus.csv" if form == "focus" else form
    name = quote(f"{account} {start[:10]} {to[:10]}.{ending}", safe="")
    headers = {AS_OF_HEADER: f"{at.partition}:{at.charges}:{at.account_events}"}
    headers |= {"Content-Disposition": f"attachment; filename=\"history.{ending}\"; filename*=UTF-8''{name}"}
    return StreamingResponse(chunks, media_type=_MEDIA_TYPES[form], headers=headers)


@router.get("/accounts/{account}/forecast", operation_id="show_forecast")
async def show_forecast(
    held: Held,
    key: Reader,
    account: PathName,
    hours: Annotated[
        int, Query(ge=1, le=API_FORECAST_HOURS_MAX, description="whose spending is taken to go on")
    ] = API_FORECAST_HOURS,
) -> Forecast:
    """Forecast: when each plan and the credit are used up, if what was spent lately goes on."""
    check_sees(key, account)
    view = await view_of(held.desk, account)
    if view is None:
        raise unknown_account(account)
    now = held.desk.clock.now_ms()
    since = (now // HOUR_MS - hours) * HOUR_MS
    spent = await held.archives.ask(lambda archive: archive.spent_since(account, since))
    return foreseen(view, spent, since, now)


@router.get("/accounts/{account}/plan-requests", tags=["plans"], operation_id="list_account_plan_requests")
async def list_account_plan_requests(
    held: Held, key: Reader, account: PathName, limit: Limit = API_PAGE_DEFAULT, cursor: Cursor = None
) -> PlanRequests:
    """List an account's requests for a plan, and the plans that answer them."""
    check_sees(key, account)
    return await _requests(held, account, limit, cursor)


@router.get("/plan-requests", tags=["plans"], operation_id="list_plan_requests", responses={404: {}})
async def list_plan_requests(
    held: Held, _: Annotated[Key, Depends(Allowed(_SALES))], limit: Limit = API_PAGE_DEFAULT, cursor: Cursor = None
) -> PlanRequests:
    """List all customers' requests for a plan, for sales to answer with a draft."""
    return await _requests(held, None, limit, cursor)


async def _requests(held: Context, account: str | None, limit: int, cursor: str | None) -> PlanRequests:
    listing = Listing("plan-requests", _SHAPE, {"account": account})
    position: Sequence[int | str] | None = listing.after(cursor)
    before = None if position is None else Place(*map(int, position))
    page: WishesPage = await held.archives.ask(lambda archive: archive.wishes(account, before, limit))
    after = page.after
    following = None if after is None else listing.cursor((after.at, after.rank, after.ident))
    return PlanRequests(as_of=page.as_of, plan_requests=page.requests, next=following)


def _period(start: str, end: str) -> Period:
    """Read a period. Raise Problem, or BadInput, which is answered as one."""
    try:
        return period_of(parse_instant(start, "from"), parse_instant(end, "to"))
    except Reject as reject:
        raise invalid(reject) from reject
