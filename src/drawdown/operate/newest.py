"""Dead letters from the newest backwards, a page at a time: no more is read than the page needs, or than it may."""

import asyncio

import msgspec

from drawdown.adapters.kafka.browsing import Browser, Place
from drawdown.domain.limits import (
    API_SCAN_CHUNK_RECORDS,
    API_SCAN_RECORDS_MAX,
    API_SCAN_SECONDS,
    API_SCAN_YIELD_RECORDS,
)
from drawdown.errors import UserError
from drawdown.operate.desk import Desk
from drawdown.operate.letters import Filters, Letter, letter_of
from drawdown.topics import DEAD_LETTERS

At = tuple[int, int, int]  # when a letter was refused (ms), its partition, its offset: letters are sorted by it


class Page(msgspec.Struct, frozen=True):
    """Letters without their bytes, the newest first. cut: a limit ended the scan; after: where the next one begins."""

    letters: list[Letter]
    cut: bool
    after: At | None
    scanned: int


class _Backwards:
    """A partition read from its end. held: letters read and not yet told, the newest last; [low, high) is unread."""

    def __init__(self, place: Place, low: int, high: int) -> None:
        self.place = place
        self.low = low
        self.high = high
        self.held: list[Letter] = []

    @property
    def dry(self) -> bool:
        return not self.held and self.low < self.high


async def newest(desk: Desk, filters: Filters, limit: int, before: At | None = None) -> Page:
    """Give the newest letters that fit, of those before a place; one more than `limit` says that there are more.

    Reads about API_SCAN_RECORDS_MAX records at most, for at most API_SCAN_SECONDS. Raise UserError if it got none.
    """
    deadline = desk.clock.monotonic_ms() + API_SCAN_SECONDS * 1000
    try:
        async with asyncio.timeout(API_SCAN_SECONDS):
            browser = await desk.browser()
            parts = await _parts(desk, browser, filters, before)
    except TimeoutError as error:
        raise _too_slow() from error
    found: list[Letter] = []
    scanned, reached = 0, None
    most = min(API_SCAN_CHUNK_RECORDS, max(API_SCAN_RECORDS_MAX // len(parts), 1))
    chunk = min(limit + 1, most)
    while len(found) <= limit:
        dry = [part for part in parts if part.dry]
        if dry:
            left_ms = deadline - desk.clock.monotonic_ms()
            enough = reached is not None and scanned >= API_SCAN_RECORDS_MAX
            count = None if enough or left_ms <= 0 else await _read(browser, dry, chunk, left_ms)
            if count is None and reached is None:
                raise _too_slow()
            if count is None:
                return Page(found, cut=True, after=reached, scanned=scanned)
            scanned += count
            chunk = min(chunk * 2, most)
            continue
        part = max((part for part in parts if part.held), key=lambda one: at_of(one.held[-1]), default=None)
        if part is None:
            break
        letter = part.held.pop()
        reached = at_of(letter)
        if filters.fit(letter):
            found.append(letter)
    return Page(found, cut=False, after=None, scanned=scanned)


def at_of(letter: Letter) -> At:
    """Give what letters are sorted by."""
    return letter.appended, letter.partition, letter.offset


def _too_slow() -> UserError:
    return UserError(f"Kafka did not give the dead letters within {API_SCAN_SECONDS} s; try again")


async def _parts(desk: Desk, browser: Browser, filters: Filters, before: At | None) -> list[_Backwards]:
    """Say what of each partition is to be read: append times rise within one, unless a broker's clock goes back."""
    places = [(DEAD_LETTERS, shard) for shard in desk.shards]
    spans = await browser.spans(places, filters.since)
    highs = {place: end for place, (_, end) in spans.items()}
    if filters.until is not None:
        highs = await _firsts(browser, places, filters.until)
    if before is not None:
        at, shard, offset = max(before[0], 0), *before[1:]
        bounds = await _firsts(browser, [place for place in places if place[1] < shard], at + 1)
        bounds |= await _firsts(browser, [place for place in places if place[1] > shard], at)
        bounds[DEAD_LETTERS, shard] = offset
        highs = {place: min(high, bounds[place]) for place, high in highs.items()}
    return [_Backwards(place, spans[place][0], highs[place]) for place in places]


async def _firsts(browser: Browser, places: list[Place], at: int) -> dict[Place, int]:
    """Give the first offsets from an instant on."""
    return {place: first for place, (first, _) in (await browser.spans(places, at)).items()}


async def _read(browser: Browser, parts: list[_Backwards], chunk: int, left_ms: int) -> int | None:
    """Read the last records of some partitions; give how many offsets were read, None when time was up first."""
    lows = {part.place: max(part.low, part.high - chunk) for part in parts}
    spans = {part.place: (lows[part.place], part.high) for part in parts}
    read: dict[Place, list[Letter]] = {part.place: [] for part in parts}
    count = 0
    try:
        async with asyncio.timeout(left_ms / 1000):
            async for record in browser.read(spans):
                letter = msgspec.structs.replace(letter_of(record), value=b"", headers=())
                read[record.topic, record.partition].append(letter)
                count += 1
                if not count % API_SCAN_YIELD_RECORDS:
                    await asyncio.sleep(0)
    except TimeoutError:
        return None
    for part in parts:
        part.held, part.high = read[part.place], lows[part.place]
    return sum(high - low for low, high in spans.values())
