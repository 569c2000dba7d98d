"""How far a shard's inputs are taken, for those who look at lag."""

import msgspec

from drawdown.engine.shard import Shard


class Progress(msgspec.Struct, frozen=True, gc=False):
    """One input's partition. next_offset: from where nothing is fetched yet. waiting: records fetched, not committed.

    oldest: append time of the first of them, ms, None when none waits.
    """

    topic: str
    shard: int
    next_offset: int
    waiting: int
    oldest: int | None


def progress_of(shard: Shard) -> list[Progress]:
    """List the shard's inputs; of one that is not recovered yet nothing is known and nothing is listed."""
    if not shard.open:
        return [Progress(topic, shard.number, offset, 0, None) for topic, offset in shard.next_offsets().items()]
    taking: dict[str, tuple[int, int]] = {}
    for record in shard.taking:
        count, oldest = taking.get(record.topic, (0, record.timestamp))
        taking[record.topic] = count + 1, oldest
    found = []
    for topic, offset in shard.fetched_to.items():
        waiting, first = shard.queue.waiting(topic), shard.queue.oldest(topic)
        taken = taking.get(topic)
        if taken is not None:
            found.append(Progress(topic, shard.number, offset, waiting + taken[0], taken[1]))
        else:
            found.append(Progress(topic, shard.number, offset, waiting, first.timestamp if first else None))
    return found
