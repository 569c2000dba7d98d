"""Rebuilding shards of Redis by hand, one after the other."""

from collections.abc import Callable, Sequence

import msgspec

from drawdown.engine.errors import Doubt, Halt, Retry
from drawdown.engine.rebuild import Rebuild, Rebuilt
from drawdown.errors import BadInput
from drawdown.operate.desk import Desk

Told = Callable[[int, int, int], None]


class ShardRebuilt(msgspec.Struct, frozen=True):
    """What became of a shard; error: why it was left as it was, "" if it was not."""

    ledger: str
    shard: int
    commit: int = 0
    states: int = 0
    ids: int = 0
    records: int = 0
    swaps: int = 0
    milliseconds: int = 0
    error: str = ""


async def rebuild(desk: Desk, ledger: str, shards: Sequence[int], told: Told) -> list[ShardRebuilt]:
    """Rebuild these shards of a ledger; all of them if none is named. Raise BadInput on a shard there is not.

    told hears the shard, how many offsets of its log are read, and of how many. What stops one shard leaves the others.
    """
    if ledger not in desk.ledgers:
        raise BadInput(f"ledger {ledger} is not on here: the setting wallet (DRAWDOWN_WALLET) is false")
    for shard in shards:
        if shard not in desk.shards:
            raise BadInput(f"there is no shard {shard}: they are 0 to {len(desk.shards) - 1} (setting shards)")
    work = Rebuild(desk.log(ledger), desk.cache(ledger))
    return [await _one(desk, work, ledger, shard, told) for shard in shards or desk.shards]


async def _one(desk: Desk, work: Rebuild, ledger: str, shard: int, told: Told) -> ShardRebuilt:
    began = desk.clock.monotonic_ms()
    try:
        done: Rebuilt = await work.run(shard, lambda read, end: told(shard, read, end))
    except (Retry, Doubt, Halt) as error:
        return ShardRebuilt(ledger, shard, error=str(error))
    spent = desk.clock.monotonic_ms() - began
    return ShardRebuilt(ledger, shard, done.commit, done.states, done.ids, done.records, done.swaps, spent)
