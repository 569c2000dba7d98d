"""Routes of dead letters: those that there are, one in full."""

import base64
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from drawdown.api.access import Allowed, KeyedRoute
from drawdown.api.context import Context, context_of
from drawdown.api.paging import Cursor, Limit, Listing
from drawdown.api.problems import Problem, invalid
from drawdown.domain.errors import REASONS, Reject
from drawdown.domain.limits import API_PAGE_DEFAULT, NAME_LENGTH_MAX
from drawdown.errors import NotThere
from drawdown.operate.desk import LEDGERS, Desk
from drawdown.operate.keys import Key, Scope
from drawdown.operate.letters import Filters, Letter, one
from drawdown.operate.newest import at_of, newest
from drawdown.topics import PLAN_COMMANDS, USAGE, WALLET_COMMANDS
from drawdown.wire.basics import Instant
from drawdown.wire.instants import format_instant, parse_instant
from drawdown.wire.replay import encode_replay

router = APIRouter(prefix="/v1/dead-letters", route_class=KeyedRoute, tags=["dead letters"])
_READERS: Final[frozenset[Scope]] = frozenset({"operator", "support"})
_TOPICS: Final = tuple(topic for topics in LEDGERS.values() for topic in topics)
_AT: Final = (int, int, int)
Held = Annotated[Context, Depends(context_of)]
Reader = Annotated[Key, Depends(Allowed(_READERS))]
Place = Annotated[
    str,
    Path(
        min_length=3,
        max_length=40,
        description="PARTITION:OFFSET, as the list names it",
        examples=["3:17"],
        json_schema_extra={"pattern": "^[0-9]{1,9}:[0-9]{1,18}$"},
    ),
]
_since: Final = Query(description="refused from then on", examples=["2026-11-23T10:15:00Z"])


class LetterPosition(BaseModel):
    """Where a refused record stands."""

    topic: str
    partition: int
    offset: int


class LetterSummary(BaseModel):
    """A dead letter. letter: its name, PARTITION:OFFSET. topic: of the record that a replay would send again.

    position, sent_at: of the refused record. account: "" where neither its key nor its bytes tell one.
    """

    letter: Annotated[str, Field(examples=["3:17"])]
    refused_at: str
    account: str
    ledger: str
    topic: str
    reason: str
    detail: str
    position: LetterPosition
    sent_at: str


class Letters(BaseModel):
    """A page of dead letters, the newest first. next: cursor of the next page; null: there is none.

    cut: a limit on what one request may read ended this page, which may hold few letters, or none; `next` goes on.
    """

    dead_letters: list[LetterSummary]
    next: str | None
    cut: bool


class LetterHeader(BaseModel):
    """A header of a refused record, as text."""

    name: str
    value: str


class LetterDetails(LetterSummary):
    """A dead letter in full. complete: its bytes are all there; if not, they are where it came from.

    answered: what it held counts by now; null where its bytes do not tell what that would be. value: the bytes as text,
    what is no UTF-8 replaced; value_base64: as they are.
    """

    complete: bool
    answered: bool | None
    headers: list[LetterHeader]
    value: str
    value_base64: str


@router.get("", operation_id="list_dead_letters")
async def list_dead_letters(
    held: Held,
    _: Reader,
    account: Annotated[str, Query(max_length=NAME_LENGTH_MAX)] = "",
    reason: Annotated[str, Query(max_length=NAME_LENGTH_MAX, description="its code", examples=["too_late"])] = "",
    ledger: Annotated[Literal["", "plans", "wallet", "codes"], Query(description="that refused it")] = "",
    topic: Annotated[str, Query(max_length=NAME_LENGTH_MAX, description="of the refused record")] = "",
    since: Annotated[Instant | None, _since] = None,
    until: Annotated[Instant | None, Query(description="refused before then")] = None,
    limit: Limit = API_PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Letters:
    """List dead letters, the newest first. What one request reads is bounded: `cut` says when that ended a page."""
    filters = _filters(account, reason, ledger, topic, since, until)
    listing = Listing("dead-letters", _AT, {name: getattr(filters, name) for name in filters.__struct_fields__})
    before = listing.after(cursor)
    async with held.scans.desk() as desk:
        page = await newest(desk, filters, limit, before)  # type: ignore[arg-type]  # of the shape _AT
    told, following = listing.page(page.letters, limit, at_of)
    if page.after is not None:
        following = listing.cursor(page.after)
    return Letters(dead_letters=[LetterSummary(**_summary(letter)) for letter in told], next=following, cut=page.cut)


@router.get("/{place}", operation_id="show_dead_letter")
async def show_dead_letter(held: Held, _: Reader, place: Place) -> LetterDetails:
    """Show a dead letter: why it was refused, where it came from, its headers and its bytes."""
    async with held.scans.desk() as desk:
        letter = await letter_at(desk, place)
    headers = [LetterHeader(name=name, value=value.decode("utf-8", "replace")) for name, value in letter.headers]
    return LetterDetails(
        **_summary(letter),
        complete=letter.complete,
        answered=await _answered(held, letter),
        headers=headers,
        value=letter.value.decode("utf-8", "replace"),
        value_base64=base64.b64encode(letter.value).decode("ascii"),
    )


async def letter_at(desk: Desk, place: str) -> Letter:
    """Find the letter of a name. Raise Problem."""
    try:
        return await one(desk, place)
    except NotThere as error:
        detail = f"there is no dead letter {place}, or it is no longer kept: list those that there are"
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_dead_letter", detail) from error


async def _answered(held: Context, letter: Letter) -> bool | None:
    """Say whether a ledger has decided what a letter held; None where that cannot be told."""
    topic, value = letter.topic, letter.value
    if topic in USAGE:
        topic = PLAN_COMMANDS
        value = encode_replay(
            "any", letter.account, letter.topic, value, letter.headers, letter=None, operator="any", reason="any"
        )
    elif topic not in {PLAN_COMMANDS, WALLET_COMMANDS}:
        return None
    try:
        return await held.issuer.is_known(topic, letter.account, value)
    except Problem as problem:
        return False if problem.code == "id_conflict" else None


def _filters(account: str, reason: str, ledger: str, topic: str, since: str | None, until: str | None) -> Filters:
    """Put the filters together. Raise Problem for one that nothing could fit."""
    for name, value, known in (("reason", reason, sorted(REASONS)), ("topic", topic, _TOPICS)):
        if value and value not in known:
            raise invalid(Reject("invalid_value", f"{name} {value!r} is not one of {', '.join(known)}"))
    try:
        first = None if since is None else parse_instant(since, "since")
        last = None if until is None else parse_instant(until, "until")
    except Reject as reject:
        raise invalid(reject) from reject
    return Filters(reason, account, "", topic, first, last, ledger)


def _summary(letter: Letter) -> dict[str, object]:
    at = letter.position
    return {
        "letter": letter.name,
        "refused_at": format_instant(letter.appended),
        "account": letter.account,
        "ledger": letter.ledger,
        "topic": letter.topic,
        "reason": letter.reason,
        "detail": letter.detail,
        "position": LetterPosition(topic=at.topic, partition=at.partition, offset=at.offset),
        "sent_at": format_instant(letter.sent),
    }
