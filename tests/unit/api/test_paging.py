"""Cursors: they come back as they were given, and only to the query that they are of."""

import base64

import httpx
import pytest
from fastapi import FastAPI

from drawdown.api.paging import Cursor, Limit, Listing, Position
from drawdown.api.problems import Problem
from drawdown.domain.limits import API_CURSOR_LENGTH_MAX, API_PAGE_DEFAULT, API_PAGE_MAX

FILTERS: dict[str, object] = {"account": "acme", "since": None, "services": ["inference"]}
LISTING = Listing("history", (int, str, int), FILTERS)


@pytest.mark.parametrize(
    "position",
    [(1_795_000_000_000, "charge", 0), (-1, "", 2**62), (0, 'ngân hàng \U0001f3e6 \x00"\\', 1), (0, "\ud7ff" * 256, 7)],
)
def test_a_position_comes_back_whole_and_its_cursor_goes_into_a_url_as_it_is(position: Position) -> None:
    cursor = LISTING.cursor(position)
    assert LISTING.after(cursor) == position
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert cursor.isascii()
    assert len(cursor) <= API_CURSOR_LENGTH_MAX


def test_the_first_page_has_no_cursor() -> None:
    assert LISTING.after(None) is None


def test_the_same_query_said_in_another_order_is_the_same() -> None:
    turned = Listing("history", (int, str, int), dict(reversed(FILTERS.items())))
    assert turned.after(LISTING.cursor((1, "a", 2))) == (1, "a", 2)


@pytest.mark.parametrize(
    "other",
    [
        Listing("dead-letters", (int, str, int), FILTERS),
        Listing("history", (int, str, int), FILTERS | {"account": "other"}),
        Listing("history", (int, str, int), FILTERS | {"since": 0}),
        Listing("history", (int, str), FILTERS),
        Listing("history", (int, int, int), FILTERS),
    ],
)
def test_a_cursor_of_another_query_is_refused(other: Listing) -> None:
    refused(other, LISTING.cursor((1, "a", 2)))


def test_a_cursor_that_was_changed_anywhere_is_refused() -> None:
    cursor = LISTING.cursor((1_795_000_000_000, "charge", 12))
    for at, letter in enumerate(cursor):
        for changed in {"A", "B", "-", "=", "é", ""} - {letter}:
            refused(LISTING, cursor[:at] + changed + cursor[at + 1 :])
    for text in (cursor + "A", cursor + "=", cursor + "\n", " " + cursor, cursor[:-1], cursor * 2):
        refused(LISTING, text)


@pytest.mark.parametrize("text", ["", "A", "AAAA", "null", "{}", "%00", "a" * API_CURSOR_LENGTH_MAX])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    refused(LISTING, text)


@pytest.mark.parametrize(
    "held",
    [b"", b"[]", b"[1]", b'[1,"a",2,3]', b"[1,2,3]", b'[1,"a",null]', b'[1,"a",2.5]', b'[1,"a",%d]' % 2**63, b"{"],
)
def test_a_made_up_position_of_another_shape_is_refused_even_with_the_digest_of_its_query(held: bytes) -> None:
    made = LISTING._digest(held) + held  # as one who knows how would make it
    refused(LISTING, base64.urlsafe_b64encode(made).rstrip(b"=").decode())


def test_our_own_mistakes_are_errors() -> None:
    with pytest.raises(ValueError, match="is not of shape"):
        LISTING.cursor((1, 2, 3))
    with pytest.raises(ValueError, match="characters; at most"):
        LISTING.cursor((1, "x" * API_CURSOR_LENGTH_MAX, 3))


def test_pages_follow_each_other_without_a_gap_or_a_repeat() -> None:
    rows = [(at, "row", at * 7) for at in range(25)]
    seen: list[tuple[int, str, int]] = []
    cursor: str | None = None
    while True:
        after = LISTING.after(cursor)
        found = [row for row in rows if after is None or row > after][:11]
        told, cursor = LISTING.page(found, 10, lambda row: row)
        seen += told
        if cursor is None:
            break
    assert seen == rows


def test_a_last_page_that_is_full_has_no_next_one() -> None:
    assert LISTING.page([(1, "a", 1), (2, "a", 2)], 2, lambda row: row) == ([(1, "a", 1), (2, "a", 2)], None)
    assert LISTING.page([], 2, lambda _: (0, "", 0)) == ([], None)


async def test_limit_has_a_default_and_a_maximum() -> None:
    app = FastAPI()

    @app.get("/")
    async def show(limit: Limit = API_PAGE_DEFAULT, cursor: Cursor = None) -> list[int | str | None]:
        return [limit, cursor]

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/")).json() == [API_PAGE_DEFAULT, None]
        assert (await client.get("/", params={"limit": API_PAGE_MAX, "cursor": "c"})).json() == [API_PAGE_MAX, "c"]
        for wrong in ("0", "-1", str(API_PAGE_MAX + 1), "many", "1.5"):
            assert (await client.get("/", params={"limit": wrong})).status_code == 422
        assert (await client.get("/", params={"cursor": "c" * (API_CURSOR_LENGTH_MAX + 1)})).status_code == 422


def refused(listing: Listing, cursor: str) -> None:
    with pytest.raises(Problem, match="not one of this query") as told:
        listing.after(cursor)
    assert (told.value.status, told.value.code) == (422, "invalid_cursor")
