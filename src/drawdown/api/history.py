"""Routes of the history: Credit History, its charges and their explanation, Payment History."""

import re
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel

from drawdown.api.access import READERS, Allowed, KeyedRoute, check_sees
from drawdown.api.answering import PathName
from drawdown.api.context import Context, context_of
from drawdown.api.paging import Cursor, Limit, Listing, Position
from drawdown.api.problems import Problem, invalid
from drawdown.domain.errors import Reject
from drawdown.domain.limits import API_CHARGES_TRIED_MAX, API_PAGE_DEFAULT, NAME_LENGTH_MAX
from drawdown.history.archive import Located, Totals
from drawdown.history.entries import Entry, PaymentEntry
from drawdown.history.filters import Balance, Filters, Place, Status
from drawdown.history.rows import AsOf
from drawdown.operate.charged import ChargeSummary, Explanation, explain, summaries
from drawdown.operate.keys import Key
from drawdown.wire.basics import Instant
from drawdown.wire.instants import parse_instant

router = APIRouter(prefix="/v1/accounts/{account}", route_class=KeyedRoute, tags=["history"])
Held = Annotated[Context, Depends(context_of)]
Reader = Annotated[Key, Depends(Allowed(READERS))]
Since = Annotated[Instant | None, Query(description="from then on; an hour of usage is meant if it begins by then")]
Until = Annotated[Instant | None, Query(description="before then")]
_SHAPE: Final = (int, int, int)
_ENTRY: Final = re.compile(r"(\d{1,9})-(\d{1,18})", re.ASCII)
_PLACE: Final = re.compile(r"(\d{1,6}):(\d{1,18})", re.ASCII)


class CreditHistory(BaseModel):
    """A page of Credit History, the newest first. totals: of all that fits; on the first page, null on others.

    whole: the history knows the account from its beginning. as_of: how far it is. next: cursor of the next page.
    """

    account: str
    currency: str
    whole: bool
    as_of: AsOf
    entries: list[Entry]
    totals: Totals | None
    next: str | None


class PaymentHistory(BaseModel):
    """A page of Payment History, the newest first: money asked for, and paid."""

    account: str
    currency: str
    as_of: AsOf
    payments: list[PaymentEntry]
    next: str | None


class Charges(BaseModel):
    """The charges of an entry of usage, the oldest first. gone: how many of this page the log no longer holds."""

    account: str
    as_of: AsOf
    entry: Entry
    charges: list[ChargeSummary]
    gone: int
    next: str | None


@router.get("/history", operation_id="list_history")
async def list_history(
    held: Held,
    key: Reader,
    account: PathName,
    balance: Annotated[Balance | None, Query(description="entries of this kind of balance")] = None,
    service: Annotated[str | None, Query(max_length=NAME_LENGTH_MAX, description="usage of this service")] = None,
    resource: Annotated[str | None, Query(max_length=NAME_LENGTH_MAX, description="usage of this resource")] = None,
    status: Annotated[Status | None, Query(description="entries of this status")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = API_PAGE_DEFAULT,
    cursor: Cursor = None,
) -> CreditHistory:
    """Credit History: usage by the hour, and credit as it came and went; with totals of all that fits."""
    check_sees(key, account)
    filters = Filters(balance, service, resource, status, *_span(since, until))
    listing = Listing("history", _SHAPE, {"account": account, **asdict(filters)})
    before = _place(listing.after(cursor))
    page = await held.archives.ask(lambda archive: archive.page(account, filters, before, limit))
    return CreditHistory(
        account=page.account,
        currency=page.currency,
        whole=page.whole,
        as_of=page.as_of,
        entries=page.entries,
        totals=page.totals,
        next=_next(listing, page.after),
    )


@router.get("/history/{entry}/charges", operation_id="list_charges")
async def list_charges(
    held: Held,
    key: Reader,
    account: PathName,
    entry: Annotated[str, Path(max_length=40, description="`entry` of an entry of usage", examples=["498765-12"])],
    limit: Limit = API_PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Charges:
    """List the charges that an entry of usage sums up, straight from the log."""
    check_sees(key, account)
    named = _ENTRY.fullmatch(entry)
    if named is None:
        raise _unknown_entry(entry)
    hour, number = int(named[1]), int(named[2])
    listing = Listing("charges", (int,), {"account": account, "entry": entry})
    after = listing.after(cursor)
    since = int(after[0]) + 1 if after else 0
    tried = API_CHARGES_TRIED_MAX
    found = await held.archives.ask(lambda archive: archive.located(account, hour, number, since, tried + 1))
    if found is None:
        raise _unknown_entry(entry)
    told, read, gone = await _charges(held, found, limit, tried)
    following = listing.cursor((read,)) if read is not None else None
    return Charges(account=account, as_of=found.as_of, entry=found.entry, charges=told, gone=gone, next=following)


@router.get("/charges/{place}", operation_id="show_charge")
async def show_charge(
    held: Held,
    key: Reader,
    account: PathName,
    place: Annotated[str, Path(max_length=40, description="PARTITION:OFFSET of the charge", examples=["3:17"])],
) -> Explanation:
    """Explain a charge: its event, how amounts follow from quantity, price and rounding, who paid, what was left."""
    check_sees(key, account)
    named = _PLACE.fullmatch(place)
    if named is not None and int(named[1]) == held.desk.shard_of(account.encode()):
        async with held.scans.desk() as desk:
            found = await explain(desk, held.shelf.prices, account, int(named[1]), int(named[2]))
        if found is not None:
            return found
    detail = f"account {account} has no charge at {place}, or the log no longer holds it"
    raise Problem(HTTPStatus.NOT_FOUND, "unknown_charge", detail)


@router.get("/payments", tags=["payments"], operation_id="list_payments")
async def list_payments(
    held: Held,
    key: Reader,
    account: PathName,
    since: Since = None,
    until: Until = None,
    limit: Limit = API_PAGE_DEFAULT,
    cursor: Cursor = None,
) -> PaymentHistory:
    """Payment History: payments requested, changed, due, overdue and recorded, and top-ups."""
    check_sees(key, account)
    filters = Filters(None, None, None, None, *_span(since, until))
    listing = Listing("payments", _SHAPE, {"account": account, "since": filters.since, "until": filters.until})
    before = _place(listing.after(cursor))
    page = await held.archives.ask(lambda archive: archive.payments(account, filters, before, limit))
    return PaymentHistory(
        account=page.account,
        currency=page.currency,
        as_of=page.as_of,
        payments=page.payments,
        next=_next(listing, page.after),
    )


async def _charges(
    held: Context, found: Located, limit: int, tried: int
) -> tuple[list[ChargeSummary], int | None, int]:
    """Read an entry's charges; give them, up to where it was read if there is more, and how many are gone."""
    offsets = found.offsets[:tried]
    async with held.scans.desk() as desk:
        told = await summaries(desk, found.owner.partition, offsets, found.row, limit + 1)
    if len(told.charges) > limit:
        kept = told.charges[:limit]
        return kept, int(kept[-1].place.rpartition(":")[2]), told.gone
    return told.charges, offsets[-1] if len(found.offsets) > tried else None, told.gone


def _span(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """Read from when and until when. Raise Problem."""
    try:
        return (
            None if since is None else parse_instant(since, "since"),
            None if until is None else parse_instant(until, "until"),
        )
    except Reject as reject:
        raise invalid(reject) from reject


def _place(position: Position | None) -> Place | None:
    return None if position is None else Place(*map(int, position))


def _next(listing: Listing, after: Place | None) -> str | None:
    return None if after is None else listing.cursor((after.at, after.rank, after.ident))


def _unknown_entry(entry: str) -> Problem:
    detail = f"the history has no entry {entry} of this account: take `entry` as Credit History tells it"
    return Problem(HTTPStatus.NOT_FOUND, "unknown_entry", detail)
