"""Fence, read, bring Redis to it, check every input's position: what an owner does before it takes anything."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing

import msgspec

from drawdown.domain.limits import ID_BUCKET_MS, RECOVERY_CHUNK_RECORDS
from drawdown.engine.changelog import decode_known_ids, decode_state_write
from drawdown.engine.commit import COMMIT_KEY, GENESIS, CommitRecord, Cursor, InputPosition, decode_commit, record_hash
from drawdown.engine.counts import Counts
from drawdown.engine.errors import CONTESTED, PRICES, Doubt, Halt, Retry
from drawdown.engine.ports import Cache, KnownId, Log, LogRecord, ShardLog, StateWrite


class Recovered(msgspec.Struct, frozen=True):
    """A shard ready to be opened: its fenced producer, Redis's cursor, a position and the end of every input."""

    log: ShardLog
    cursor: Cursor
    positions: dict[str, InputPosition]
    ends: dict[str, int]
    watermark: int


class Recovery:
    """Recoveries of one ledger's shards."""

    def __init__(
        self, log: Log, cache: Cache, topics: Sequence[str], counts: Counts, prices_offset: Callable[[], int]
    ) -> None:
        """Bind to the ports. topics: every input topic of the ledger. prices_offset: up to where prices are read."""
        self._log = log
        self._cache = cache
        self._topics = tuple(topics)
        self._counts = counts
        self._prices_offset = prices_offset

    async def recover(self, shard: int, *, rebuild: bool = False) -> Recovered:
        """Fence the shard, bring Redis to the newest commit, check the inputs' positions.

        rebuild: do not trust Redis even if its cursor is right. Raise Retry, Doubt or Halt, the producer closed.
        """
        log = await self._log.fence(shard)
        try:
            newest = await self._log.newest_commit(shard)
            self._check_prices(shard, newest)
            cursor = await self._bring_redis(shard, newest, rebuild=rebuild)
            bounds = await self._log.input_bounds(shard, self._topics)
            positions = await self._positions(shard, newest[0] if newest else None, bounds)
        except BaseException:
            await log.close()
            raise
        ends = {topic: end for topic, (_, end) in bounds.items()}
        return Recovered(log, cursor, positions, ends, newest[0].watermark if newest else 0)

    def _check_prices(self, shard: int, newest: tuple[CommitRecord, int] | None) -> None:
        """Raise Retry while this worker has read less of the prices than the shard was rated with."""
        rated, read = newest[0].prices_offset if newest else 0, self._prices_offset()
        if rated > read:
            msg = f"shard {shard} was rated with prices up to offset {rated}; read here up to {read}"
            raise Retry(msg, part=PRICES)

    async def _bring_redis(self, shard: int, newest: tuple[CommitRecord, int] | None, *, rebuild: bool) -> Cursor:
        """Give Redis's cursor once it is at the newest commit: as it is, by catching up, or by a rebuild."""
        number, chain = (newest[0].number, newest[0].chain) if newest else (GENESIS.number, GENESIS.chain)
        try:
            cursor = await self._cache.cursor(shard)
        except Doubt:
            return await self._rebuild(shard, newest)
        if cursor.number > number:
            await self._ahead(shard, cursor, number)
        if rebuild or newest is None:
            return await self._rebuild(shard, newest)
        if (cursor.number, cursor.chain) == (number, chain):
            return cursor
        if cursor.number and cursor.number < number:
            reached = await self._catch_up(shard, cursor, newest[0])
            if reached is not None:
                self._counts.catch_ups += 1
                return reached
        return await self._rebuild(shard, newest)

    async def _ahead(self, shard: int, cursor: Cursor, number: int) -> None:
        """Raise Halt when the log lacks what Redis holds, Doubt when an owner after us has committed it meanwhile."""
        await check_log(self._log, shard, cursor, number)
        msg = f"shard {shard}: another owner has gone on from commit {number} to {cursor.number}"
        raise Doubt(msg, kind=CONTESTED)

    async def _catch_up(self, shard: int, cursor: Cursor, newest: CommitRecord) -> Cursor | None:
        """Apply the commits that follow `cursor`; None if they are not all there on the same chain."""
        async with (
            aclosing(self._log.changelog(shard, cursor.changelog_offset)) as changelog,
            aclosing(self._log.known_ids(shard, cursor.ids_offset)) as known_ids,
        ):
            ids = _IdsByCommit(known_ids, cursor.ids_offset)
            states: list[StateWrite] = []
            async for chunk in changelog:
                for record in chunk:
                    if record.key != COMMIT_KEY:
                        states.append(decode_state_write(record.key, record.value))
                        continue
                    commit = decode_commit(record.value or b"")
                    if commit.number != cursor.number + 1 or commit.previous != cursor.chain:
                        return None
                    known, ids_offset = await ids.of(commit.number)
                    reached = Cursor(commit.number, commit.chain, record.offset + 1, ids_offset)
                    if not await self._cache.apply(shard, cursor, reached, states, known):
                        msg = f"shard {shard}: Redis moved while it was caught up"
                        raise Doubt(msg, kind=CONTESTED)
                    cursor = reached
                    states = []
        return cursor if (cursor.number, cursor.chain) == (newest.number, newest.chain) else None

    async def _rebuild(self, shard: int, newest: tuple[CommitRecord, int] | None) -> Cursor:
        """Empty the shard in Redis and load it from the compacted changelog and the known ids."""
        token = await self._cache.begin_rebuild(shard)
        cursor = GENESIS
        if newest is not None:
            commit, offset = newest
            self._counts.rebuilds += 1
            await self._load_states(shard, token, offset)
            ids_offset = await self._load_ids(shard, token, commit)
            cursor = Cursor(commit.number, commit.chain, offset + 1, ids_offset)
        if not await self._cache.finish_rebuild(shard, token, cursor):
            raise Doubt(_LOST_TOKEN.format(shard), kind=CONTESTED)
        return cursor

    async def _load_states(self, shard: int, token: bytes, newest_offset: int) -> None:
        pending: dict[str, StateWrite] = {}
        seen = -1
        async for chunk in self._log.changelog(shard, 0):
            for record in chunk:
                seen = record.offset
                if record.key != COMMIT_KEY:
                    write = decode_state_write(record.key, record.value)
                    pending[write.account] = write
            if len(pending) >= RECOVERY_CHUNK_RECORDS:
                await self._load(shard, token, list(pending.values()), [])
                pending.clear()
        if seen != newest_offset:
            msg = f"shard {shard}: the changelog's last record was at {newest_offset}, a second reading ended at {seen}"
            raise Doubt(msg, kind=CONTESTED)
        await self._load(shard, token, list(pending.values()), [])

    async def _load_ids(self, shard: int, token: bytes, newest: CommitRecord) -> int:
        pending: list[KnownId] = []
        next_offset = 0
        async for chunk in self._log.known_ids(shard, 0):
            for record in chunk:
                next_offset = record.offset + 1
                _, ids = decode_known_ids(record.value or b"")
                pending.extend(known for known in ids if is_remembered(known, newest.watermark))
            if len(pending) >= RECOVERY_CHUNK_RECORDS:
                await self._load(shard, token, [], pending)
                pending = []
        await self._load(shard, token, [], pending)
        return next_offset

    async def _load(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> None:
        if (states or ids) and not await self._cache.load(shard, token, states, ids):
            raise Doubt(_LOST_TOKEN.format(shard), kind=CONTESTED)

    async def _positions(
        self, shard: int, newest: CommitRecord | None, bounds: Mapping[str, tuple[int, int]]
    ) -> dict[str, InputPosition]:
        """Give every input's position, proven to be still the one that was recorded; else Halt."""
        recorded = {position.topic: position for position in newest.inputs} if newest else {}
        positions: dict[str, InputPosition] = {}
        for topic in self._topics:
            position = recorded.get(topic)
            earliest, end = bounds[topic]
            if position is None:
                positions[topic] = InputPosition(topic, earliest)
                continue
            await self._prove(shard, position, earliest, end)
            positions[topic] = position
        return positions

    async def _prove(self, shard: int, position: InputPosition, earliest: int, end: int) -> None:
        where = f"{position.topic}/{shard}"
        if position.next_offset < earliest:
            msg = (
                f"{where}: the next event to take is at offset {position.next_offset}, but the topic now begins at"
                f" {earliest}: retention passed events that were never rated. Restore them from a copy of the topic"
            )
            raise Halt(msg)
        if position.next_offset > end:
            msg = (
                f"{where}: taken up to offset {position.next_offset}, but the topic ends at {end}:"
                " it was made anew or lost data. Reading on from there would repeat or lose events in silence"
            )
            raise Halt(msg)
        if position.last_offset < earliest:
            return
        record = await self._log.read_input(shard, position.topic, position.last_offset)
        if record is None or record_hash(record.key, record.value) != position.last_hash:
            msg = (
                f"{where}: the record at offset {position.last_offset} is not the one that was taken:"
                " the topic was made anew. Reading on would repeat or lose events in silence"
            )
            raise Halt(msg)


async def check_log(log: Log, shard: int, held: Cursor, number: int) -> None:
    """Raise Halt when the log lacks what Redis holds, though all that it holds is shown. number: of the newest shown.

    An owner may have committed meanwhile, or a moment ago and readers do not see it yet.
    """
    if held.number <= number or await log.hides(shard):
        return
    newest = await log.newest_commit(shard)
    if newest is None or newest[0].number < held.number:
        msg = (
            f"shard {shard}: Redis is at commit {held.number}, but the newest on the changelog is {number}."
            " The log has lost data: restore it; if it was emptied on purpose, empty this ledger's Redis keys too"
        )
        raise Halt(msg)


def is_remembered(known: KnownId, watermark: int) -> bool:
    """Say whether an id is not forgotten at this watermark: its bucket goes as a whole."""
    return (known.forget_at // ID_BUCKET_MS + 1) * ID_BUCKET_MS > watermark


_LOST_TOKEN = "shard {}: somebody else began to rebuild it"  # noqa: S105  a message, no secret


class _IdsByCommit:
    """The known-ids stream, taken commit by commit."""

    def __init__(self, chunks: AsyncIterator[Sequence[LogRecord]], offset: int) -> None:
        self._chunks = chunks
        self._offset = offset
        self._waiting: list[tuple[int, list[KnownId], int]] = []  # number, ids, offset; the next one last
        self._ended = False

    async def of(self, number: int) -> tuple[list[KnownId], int]:
        """Give the ids of one commit, and the offset that follows them."""
        found: list[KnownId] = []
        while await self._fill() and self._waiting[-1][0] <= number:
            at, ids, offset = self._waiting.pop()
            self._offset = offset + 1
            if at == number:
                found.extend(ids)
        return found, self._offset

    async def _fill(self) -> bool:
        while not self._waiting and not self._ended:
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                self._ended = True
                break
            for record in reversed(chunk):
                number, ids = decode_known_ids(record.value or b"")
                self._waiting.append((number, ids, record.offset))
        return bool(self._waiting)
