"""The newest commit records of many shards at once: a few requests for all of them, whatever their number."""

from collections.abc import Iterable

from drawdown.adapters.kafka.browsing import Browser, Place
from drawdown.engine.commit import COMMIT_KEY, CommitRecord, decode_commit
from drawdown.errors import UserError

_TAIL_RECORDS = 64


async def newest_commits(
    browser: Browser, ledgers: Iterable[str], shards: Iterable[int]
) -> dict[tuple[str, int], CommitRecord]:
    """Give (ledger, shard) → its newest commit record, for the shards that have committed anything.

    Raise UserError for a changelog that holds records and no commit record.
    """
    names = {f"changelog.{ledger}": ledger for ledger in ledgers}
    unread = await browser.spans([(topic, shard) for topic in names for shard in shards])
    found: dict[Place, CommitRecord] = {}
    holding: set[Place] = set()
    tail = _TAIL_RECORDS
    while unread:
        tails = {place: (max(start, end - tail), end) for place, (start, end) in unread.items()}
        newest = {}
        async for record in browser.read(tails):
            place = record.topic, record.partition
            holding.add(place)
            if record.key == COMMIT_KEY:
                newest[place] = decode_commit(record.value or b"")
        found |= newest
        unread = {
            place: (start, tails[place][0])
            for place, (start, _) in unread.items()
            if place not in found and start < tails[place][0]
        }
        tail *= 2
    for topic, shard in holding - found.keys():
        raise UserError(f"{topic}/{shard} holds records but no commit record: it is not a changelog of Drawdown")
    return {(names[topic], shard): commit for (topic, shard), commit in found.items()}
