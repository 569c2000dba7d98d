"""Price books against those that are published: what would be refused, and where in the file it says so."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from tests.support.messages import price, price_book, written

from drawdown.domain.limits import BOOK_LEAD_MS
from drawdown.engine.records import Record
from drawdown.errors import RefusedByService, UserError
from drawdown.operate.desk import Desk, Position
from drawdown.operate.pricing import find, judged, publish
from drawdown.topics import PRICES
from drawdown.wire.book_file import BookFile, read_book
from drawdown.wire.instants import format_instant

NOW = 1_767_225_600_000
IMAGES = price("inference", "images", "0.5")


class FakeDesk:
    """A desk whose topic is a list of records."""

    def __init__(self, *books: object) -> None:
        self.records = [Record(PRICES, 0, at, NOW - 1_000, b"", written(book)) for at, book in enumerate(books)]
        self.clock = self

    def now_ms(self) -> int:
        return NOW

    async def browser(self) -> "FakeDesk":
        return self

    async def spans(self, places: object) -> object:
        return places

    async def read(self, spans: object) -> AsyncIterator[Record]:
        for record in self.records:
            yield record

    async def publish_book(self, name: str, value: bytes) -> Position:
        self.records.append(Record(PRICES, 0, len(self.records), NOW, name.encode(), value))
        return Position(PRICES, 0, len(self.records) - 1)


def desk(*books: object) -> Desk:
    return cast(Desk, FakeDesk(*(books or (price_book("plan-usd", IMAGES), price_book("on-demand-usd", IMAGES)))))


def file(name: str, *prices: Any, **change: object) -> BookFile:
    return read_book(
        "b.yaml", b"\n" + written(price_book(name, *(prices or (IMAGES,)), **change)).replace(b", ", b",\n")
    )


async def refused(one: BookFile) -> str:
    with pytest.raises(RefusedByService) as error:
        await judged(desk(), [one])
    return str(error.value).split("\n", 1)[1]


async def test_what_is_new_is_published_and_the_same_again_is_not() -> None:
    here, later = desk(), file("plan-usd", version=2, effective_from=format_instant(NOW + BOOK_LEAD_MS))
    assert await judged(here, [later, later, file("plan-usd")]) == [True, False, False]
    assert await publish(here, later) == Position(PRICES, 0, 2)
    assert await publish(here, later) is None
    assert (await find(here, "plan-usd")).version == 2
    assert (await find(here, "plan-usd:1")).version == 1


async def test_a_version_that_would_change_the_past() -> None:
    told = await refused(file("plan-usd", version=2, effective_from=format_instant(NOW + BOOK_LEAD_MS - 1)))
    assert told == (
        "b.yaml:6: effective_from: version 2 of plan-usd would change the past: it would hold from"
        " 2026-01-01T00:59:59.999Z, and usage until an hour from now may be rated already by a version before it;"
        " write 2026-01-01T01:00:00.000Z or later"
    )


async def test_other_terms_under_a_known_version() -> None:
    told = await refused(file("plan-usd", IMAGES | {"unit_price": "0.6"}))
    assert told == (
        "b.yaml:3: version: book plan-usd:1 is known with other terms: versions never change, publish a new one"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"kind": "on_demand"},
            "b.yaml:4: kind: book plan-usd:2 changes the kind of plan-usd:1, plan; publish it under",
        ),
        (
            {"currency": "EUR"},
            "b.yaml:5: currency: book plan-usd:2 changes the currency of plan-usd:1, USD; publish it",
        ),
    ],
)
async def test_a_later_version_of_another_kind(change: dict[str, str], said: str) -> None:
    assert (await refused(file("plan-usd", version=2, **change))).startswith(said)


async def test_another_on_demand_book_in_the_same_currency() -> None:
    told = await refused(file("on-demand-other"))
    assert told.startswith("b.yaml:2: name: USD has the on-demand book on-demand-usd, not on-demand-other; publish it")


async def test_all_files_that_are_refused_are_told() -> None:
    with pytest.raises(RefusedByService) as error:
        await judged(desk(), [file("plan-usd", version=2), file("plan-eur"), file("on-demand-other")])
    assert len(str(error.value).splitlines()) == 3


async def test_a_book_that_is_not_published() -> None:
    with pytest.raises(UserError, match="no price book plan-usd:7 is published"):
        await find(desk(), "plan-usd:7")
