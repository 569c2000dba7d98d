"""Dead letters from the newest backwards: page by page the same as all at once, and no more read than may be."""

import random
from collections.abc import Iterable
from typing import Any, cast

import pytest
from tests.support.fake_letters import SHARDS, FakeBrowser, dead
from tests.support.messages import T0

from drawdown.domain.limits import API_SCAN_RECORDS_MAX, API_SCAN_SECONDS
from drawdown.engine.records import Record
from drawdown.errors import UserError
from drawdown.operate import newest as scanning
from drawdown.operate.letters import Filters
from drawdown.operate.newest import At, at_of, newest


class Desk:
    """A desk with its own time: every look at the clock takes a while."""

    def __init__(self, records: Iterable[Record] = (), look_ms: int = 0) -> None:
        self.shards = range(SHARDS)
        self.reader = FakeBrowser(records)
        self.clock = self
        self.ms = 0
        self.look_ms = look_ms

    def monotonic_ms(self) -> int:
        self.ms += self.look_ms
        return self.ms

    async def browser(self) -> FakeBrowser:
        return self.reader


def some(seed: int, count: int) -> list[Record]:
    """Give letters in which many share their append time, with gaps between offsets."""
    dice = random.Random(seed)
    offsets = dict.fromkeys(range(SHARDS), 0)
    made, at = [], T0
    for _ in range(count):
        shard = dice.randrange(SHARDS)
        made.append(dead(shard, offsets[shard], at, dice.choice(["too_late", "unknown_price"])))
        offsets[shard] += dice.choice([1, 1, 1, 2, 9])
        at += dice.choice([0, 0, 0, 1, 1_000])
    return made


async def paged(records: list[Record], filters: Filters, limit: int) -> list[At]:
    """Follow the pages to the end, as a cursor leads."""
    told: list[At] = []
    before = None
    while True:
        page = await newest(cast(Any, Desk(records)), filters, limit, before)
        told += [at_of(letter) for letter in page.letters[:limit]]
        if page.cut:
            before = page.after
        elif len(page.letters) <= limit:
            return told
        else:
            before = told[-1]


@pytest.mark.parametrize("seed", range(20))
async def test_pages_give_every_letter_once_the_newest_first(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "API_SCAN_CHUNK_RECORDS", 1 + seed % 7)
    monkeypatch.setattr(scanning, "API_SCAN_RECORDS_MAX", 10 + 9 * seed)
    records = some(seed, 150)
    middle = T0 + (records[-1].timestamp - T0) // 2
    for filters in (
        Filters(),
        Filters(reason="too_late"),
        Filters(since=middle),
        Filters(until=middle),
        Filters(since=T0 + 1, until=middle, reason="too_late"),
        Filters(ledger="wallet"),
    ):
        expected = [
            (one.timestamp, one.partition, one.offset)
            for one in records
            if (not filters.reason or dict(one.headers)["reason"] == filters.reason.encode())
            and (filters.since is None or one.timestamp >= filters.since)
            and (filters.until is None or one.timestamp < filters.until)
            and not filters.ledger
        ]
        assert await paged(records, filters, 1 + seed % 11) == sorted(expected, reverse=True)


async def test_the_first_page_reads_little_of_much() -> None:
    records = [dead(shard, offset, T0 + offset) for shard in range(SHARDS) for offset in range(2_000)]
    desk = Desk(records)
    page = await newest(cast(Any, desk), Filters(), 10)
    assert [letter.offset for letter in page.letters[:SHARDS]] == [1_999] * SHARDS
    assert (page.cut, page.scanned, desk.reader.read_offsets) == (False, 11 * SHARDS, 11 * SHARDS)
    assert all(letter.value == b"" for letter in page.letters)


async def test_a_scan_that_finds_nothing_ends_at_its_limit_and_goes_on_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "API_SCAN_RECORDS_MAX", 1_000)
    records = [dead(0, offset, T0 + offset, "too_late" if not offset else "unknown_price") for offset in range(2_500)]
    told, before, cuts = [], None, 0
    while True:
        page = await newest(cast(Any, Desk(records)), Filters(reason="too_late"), 10, before)
        told += page.letters
        if not page.cut:
            break
        cuts += 1
        assert page.after is not None
        assert before is None or page.after < before
        before = page.after
    assert ([letter.offset for letter in told], cuts) == ([0], 2)


async def test_a_scan_ends_when_its_time_is_up() -> None:
    records = [dead(shard, offset, T0 + offset) for shard in range(SHARDS) for offset in range(2_000)]
    page = await newest(cast(Any, Desk(records, API_SCAN_SECONDS * 400)), Filters(account="nobody"), 10)
    assert (page.letters, page.cut) == ([], True)
    assert page.scanned < API_SCAN_RECORDS_MAX
    with pytest.raises(UserError, match="try again"):
        await newest(cast(Any, Desk(records, API_SCAN_SECONDS * 2_000)), Filters(), 10)


async def test_a_place_that_nobody_was_told_leads_nowhere_bad() -> None:
    records = some(1, 20)
    for before in ((-5, 0, 0), (0, 99, 2**62), (2**61, -1, -7)):
        page = await newest(cast(Any, Desk(records)), Filters(), 50, before)
        assert not page.cut
