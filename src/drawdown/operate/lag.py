"""Lag: how much of each input no commit has taken, and how long it waits."""

import msgspec

from drawdown.operate.desk import LEDGERS, Desk

_EXACT_RECORDS = 2_000  # so many are counted one by one; beyond, offsets are, and markers of transactions with them


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
    """Measure every input partition against the newest commit record of its shard."""
    found, commits = [], []
    for ledger in desk.ledgers:
        for shard in desk.shards:
            commit = await desk.newest_commit(ledger, shard)
            taken = {position.topic: position.next_offset for position in commit.inputs} if commit else {}
            if commit is not None:
                commits.append(ShardCommit(ledger, shard, commit.number, commit.watermark))
            found += [await _lag(desk, ledger, topic, shard, taken.get(topic)) for topic in LEDGERS[ledger]]
    return found, commits


async def _lag(desk: Desk, ledger: str, topic: str, shard: int, taken: int | None) -> Lag:
    browser = await desk.browser()
    ((earliest, end),) = (await browser.spans([(topic, shard)])).values()
    start = earliest if taken is None else taken
    first, count, last = 0, 0, start
    async for record in browser.read({(topic, shard): (start, end)}):
        first = first or record.timestamp
        count, last = count + 1, record.offset + 1
        if count == _EXACT_RECORDS:
            break
    exact = count < _EXACT_RECORDS
    seconds = max(desk.clock.now_ms() - first, 0) / 1000 if count else 0
    return Lag(ledger, topic, shard, start, end, count if exact else count + end - last, seconds, exact)
