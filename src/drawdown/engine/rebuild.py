"""A shard of Redis rebuilt by hand, beside a running owner: in a fresh place, swapped in whole (decision 0021)."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import msgspec

from drawdown.domain.limits import REBUILD_SWAPS_MAX, RECOVERY_CHUNK_RECORDS
from drawdown.engine.changelog import decode_known_ids, decode_state_write
from drawdown.engine.commit import COMMIT_KEY, GENESIS, CommitRecord, Cursor
from drawdown.engine.errors import CONTESTED, KAFKA, Doubt, Retry
from drawdown.engine.ports import Cache, KnownId, Log, LogRecord, StateWrite, Swapped
from drawdown.engine.recovery import check_log, is_remembered

Told = Callable[[int, int], None]


class Rebuilt(msgspec.Struct, frozen=True):
    """What became of a shard. commit: of Redis now, 0 on an empty log. states, ids: loaded, newer ones again.

    swaps: how often the owner had moved on, and what followed was loaded as well, until the swap was made.
    """

    shard: int
    commit: int
    states: int
    ids: int
    records: int
    swaps: int


class Rebuild:
    """Rebuilds of one ledger's shards. Memory is bounded by the chunks that are read and loaded."""

    def __init__(self, log: Log, cache: Cache) -> None:
        """Bind to the ports."""
        self._log = log
        self._cache = cache

    async def run(self, shard: int, told: Told = lambda _read, _all: None) -> Rebuilt:
        """Load the shard in a fresh place and swap it in.

        told hears how many offsets of the log are read, and of how many. Raise Retry when a part is down or the first
        commit is not shown yet, Halt when Redis is ahead of the log, Doubt when somebody else rebuilds the shard or its
        owner is never caught up.
        """
        held = await self._held(shard)  # before the log: its owner may go on
        newest = await self._log.newest_commit(shard)
        await check_log(self._log, shard, held or GENESIS, newest[0].number if newest else 0)
        if newest is None:
            if held is not None and held != GENESIS:
                raise Retry(f"shard {shard}: the log does not show its first commit yet; try again", part=KAFKA)
            return Rebuilt(shard, 0, 0, 0, 0, 0)
        token = await self._cache.begin_stage(shard)
        load = _Load(self._cache, shard, token, told, sum(await self._log.ends(shard)))
        cursor = GENESIS
        for swaps in range(1, REBUILD_SWAPS_MAX + 1):
            commit, offset = newest
            cursor = await self._reach(load, shard, cursor, commit, offset)
            held = await self._held(shard)
            if held is None or held.number <= cursor.number:
                swapped = await self._cache.swap(shard, token, cursor, held)
                if swapped is Swapped.DONE:
                    return Rebuilt(shard, cursor.number, load.states, load.ids, load.records, swaps)
                if swapped is Swapped.LOST:
                    raise Doubt(_LOST.format(shard), kind=CONTESTED)
            newest = await self._log.newest_commit(shard) or newest
            await check_log(self._log, shard, held or GENESIS, newest[0].number)
        msg = (
            f"shard {shard}: its owner committed again before each of {REBUILD_SWAPS_MAX} swaps; nothing was changed."
            " Try again when there is less load, or stop its worker: it rebuilds what differs by itself"
        )
        raise Doubt(msg, kind=CONTESTED)

    async def _held(self, shard: int) -> Cursor | None:
        """Give Redis's cursor; None if there is something that is none."""
        try:
            return await self._cache.cursor(shard)
        except Doubt:
            return None

    async def _reach(self, load: "_Load", shard: int, cursor: Cursor, commit: CommitRecord, offset: int) -> Cursor:
        """Load what follows `cursor` up to `commit`, the commit record at `offset`; give the cursor there."""
        async with aclosing(self._log.changelog(shard, cursor.changelog_offset)) as chunks:
            async for record in _until(chunks, offset + 1):
                load.passed(record.offset)
                if record.key != COMMIT_KEY:
                    await load.state(decode_state_write(record.key, record.value))
        ids_offset = cursor.ids_offset
        async with aclosing(self._log.known_ids(shard, cursor.ids_offset)) as chunks:
            async for record in _until(chunks, None):
                number, known = decode_known_ids(record.value or b"")
                if number > commit.number:
                    break
                load.passed(offset + record.offset)
                ids_offset = record.offset + 1
                await load.known([one for one in known if is_remembered(one, commit.watermark)])
        await load.flush()
        return Cursor(commit.number, commit.chain, offset + 1, ids_offset)


class _Load:
    """What is read and not in the fresh place yet, and how much was."""

    def __init__(self, cache: Cache, shard: int, token: bytes, told: Told, end: int) -> None:
        self.states = self.ids = self.records = 0
        self._cache = cache
        self._shard = shard
        self._token = token
        self._told = told
        self._end = end
        self._reached = 0
        self._states: dict[str, StateWrite] = {}
        self._ids: list[KnownId] = []

    def passed(self, offset: int) -> None:
        self.records += 1
        self._reached = offset + 1

    async def state(self, write: StateWrite) -> None:
        self._states[write.account] = write
        if len(self._states) >= RECOVERY_CHUNK_RECORDS:
            await self.flush()

    async def known(self, ids: Sequence[KnownId]) -> None:
        self._ids.extend(ids)
        if len(self._ids) >= RECOVERY_CHUNK_RECORDS:
            await self.flush()

    async def flush(self) -> None:
        states, ids = list(self._states.values()), self._ids
        self._states, self._ids = {}, []
        self.states += len(states)
        self.ids += len(ids)
        if (states or ids) and not await self._cache.stage(self._shard, self._token, states, ids):
            raise Doubt(_LOST.format(self._shard), kind=CONTESTED)
        self._told(min(self._reached, self._end), self._end)


async def _until(chunks: AsyncGenerator[Sequence[LogRecord], None], end: int | None) -> AsyncGenerator[LogRecord, None]:
    async for chunk in chunks:
        for record in chunk:
            if end is not None and record.offset >= end:
                return
            yield record


_LOST = "shard {}: somebody else rebuilds it now; nothing was changed"
