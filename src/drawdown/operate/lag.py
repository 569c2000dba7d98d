"""Lag: how much of each input no commit has taken, and how long it waits."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from drawdown.adapters.kafka.browsing import Browser, Place
from drawdown.adapters.kafka.commits import newest_commits
from drawdown.engine.ports import Clock
from drawdown.operate.desk import LEDGERS, Desk

_COUNTED = 2_000


class Lag(msgspec.Struct, frozen=True):
    """One partition of an input. next_offset: the next to take; end: of what is committed; seconds: its oldest waits.

    exact: records were counted; otherwise the number includes the markers of transactions.
    """

    ledger: str
    topic: str
    partition: int
    next_offset: int
    end: int
    records: int
    seconds: float
    exact: bool


class ShardCommit(msgspec.Struct, frozen=True):
    """The newest commit of a shard. watermark: append time up to which its usage is taken, ms; 0: none yet."""

    ledger: str
    shard: int
    commit: int
    watermark: int


async def lags(desk: Desk) -> tuple[list[Lag], list[ShardCommit]]:
    """Measure every input partition of the desk's ledgers."""
    inputs = {ledger: LEDGERS[ledger] for ledger in desk.ledgers}
    return await measured(await desk.browser(), inputs, desk.shards, desk.clock)


async def measured(
    browser: Browser, inputs: Mapping[str, Sequence[str]], shards: Sequence[int], clock: Clock, counted: int = _COUNTED
) -> tuple[list[Lag], list[ShardCommit]]:
    """Measure every partition of the ledgers' inputs against the newest commit record of its shard, read first.

    counted: the records at so many offsets are counted; of more only the offsets are, markers of transactions included.
    """
    commits = await newest_commits(browser, inputs, shards)
    taken = {
        (position.topic, shard): position.next_offset
        for (_, shard), commit in commits.items()
        for position in commit.inputs
    }
    ledgers = {(topic, shard): ledger for ledger, topics in inputs.items() for shard in shards for topic in topics}
    bounds = await browser.spans(ledgers)
    spans = {place: (taken.get(place, earliest), end) for place, (earliest, end) in bounds.items()}
    nearest = {place: (start, min(end, start + counted)) for place, (start, end) in spans.items()}
    records: Counter[Place] = Counter()
    firsts: dict[Place, int] = {}
    async for record in browser.read(nearest):
        place = record.topic, record.partition
        records[place] += 1
        firsts.setdefault(place, record.timestamp)
    now, found = clock.now_ms(), []
    for place, (start, end) in spans.items():
        further = end - nearest[place][1]
        seconds = max(now - firsts[place], 0) / 1000 if place in firsts else 0
        found.append(Lag(ledgers[place], *place, start, end, records[place] + further, seconds, not further))
    return found, [ShardCommit(ledger, shard, one.number, one.watermark) for (ledger, shard), one in commits.items()]
