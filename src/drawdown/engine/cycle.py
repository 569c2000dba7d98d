"""The cycle of one shard: take, decode, look up, (the agent decides), commit, apply. Design section 4."""

from collections.abc import Callable, Sequence

from drawdown.domain.limits import RETRY_FIRST_MS, RETRY_MAX_MS
from drawdown.engine.chain import chain_hash, check_sizes
from drawdown.engine.changelog import encode_known_ids, encode_state_write
from drawdown.engine.commit import COMMIT_KEY, CommitRecord, Cursor, InputPosition, encode_commit
from drawdown.engine.counts import Counts
from drawdown.engine.errors import FENCED, REDIS_AHEAD, REDIS_BEHIND, REDIS_MOVED, Doubt, Halt, Retry
from drawdown.engine.ledger import Ledger
from drawdown.engine.pace import Backoff
from drawdown.engine.ports import Cache, Clock, ShardLog, StateWrite
from drawdown.engine.records import OutRecord, Record
from drawdown.engine.shard import Shard, is_tick
from drawdown.engine.take import Take


class Revoked(Exception):
    """The shard's epoch moved on while a step ran: what it holds is stale and is dropped."""


class Cycle:
    """The steps of the cycle for one ledger; the shard's task calls them in order, under the shard's lock."""

    def __init__(
        self, ledger: Ledger, cache: Cache, clock: Clock, counts: Counts, shard_of: Callable[[bytes], int]
    ) -> None:
        """Bind the steps to a ledger and its ports. shard_of: the partition that a key belongs to."""
        self._ledger = ledger
        self._cache = cache
        self._clock = clock
        self._counts = counts
        self._shard_of = shard_of

    def decode(self, shard: Shard, records: Sequence[Record]) -> Take:
        """Decode a take's records."""
        take = Take(shard.number, shard.epoch, records, self._ledger, self._shard_of)
        take.decode(shard.own_keys)
        return take

    async def look_up(self, shard: Shard, take: Take) -> None:
        """Fill in known ids and states. Raise Doubt when Redis is not where this worker left it."""
        wanted: dict[str, None] = {}
        for item in take.inputs:
            if item.key in take.states or item.key in wanted:
                continue
            cached = shard.states.get(item.key)
            if cached is None:
                wanted[item.key] = None
            else:
                take.states[item.key] = cached
        identities = [item.identity for item in take.inputs]
        accounts = list(wanted)
        backoff = Backoff(self._clock, RETRY_FIRST_MS, RETRY_MAX_MS)
        while True:
            try:
                found = await self._cache.look_up(shard.number, identities, accounts)
                break
            except Retry as retry:
                self._counts.errors[retry.part] += 1
                await backoff.wait()
                _still(shard, take)
        _still(shard, take)
        if found.cursor != shard.cursor:
            msg = (
                f"shard {shard.number}: Redis is at commit {found.cursor.number}, this worker at {shard.cursor.number}"
            )
            raise Doubt(msg, kind=REDIS_AHEAD if found.cursor.number > shard.cursor.number else REDIS_BEHIND)
        for index, value in found.known.items():
            take.known[identities[index]] = value
        for account, state in zip(accounts, found.states, strict=True):
            if state is not None:
                take.states[account] = self._ledger.decode_state(state)

    async def commit(self, shard: Shard, take: Take) -> tuple[Cursor, list[StateWrite], dict[str, InputPosition]]:
        """Append all that the take led to in one transaction. Raise Doubt on anything but success."""
        number = shard.cursor.number + 1
        encode = self._ledger.encode_state
        due = self._ledger.due
        writes = [
            StateWrite(key, number, encode(state), due(state))
            for key, state in ((key, take.states[key]) for key in take.touched)
        ]
        positions = shard.advanced(take.records)
        records, chain = self._records(shard, take, number, writes, positions)
        _still(shard, take)
        if shard.log is None:
            msg = f"shard {shard.number}: no producer; it was not recovered"
            raise Halt(msg)
        offsets = await self._committed(shard.log, records)
        self._count(take)
        changelog, known_ids = self.changelog_topic, self.ids_topic
        cursor = Cursor(
            number,
            chain,
            offsets[changelog, shard.number] + 1,
            offsets.get((known_ids, shard.number), shard.cursor.ids_offset - 1) + 1,
        )
        return cursor, writes, positions

    async def _committed(self, log: ShardLog, records: Sequence[OutRecord]) -> dict[tuple[str, int], int]:
        """Make the transaction, and count how it ended."""
        counts = self._counts
        began = self._clock.monotonic_ns()
        try:
            offsets = await log.commit(records)
        except Doubt as doubt:
            if doubt.kind == FENCED:
                counts.fenced += 1
            else:
                counts.aborted += 1
            raise
        counts.transactions += 1
        counts.transactions_ns.add(self._clock.monotonic_ns() - began)
        return offsets

    def _count(self, take: Take) -> None:
        """Count what the log now holds; the watermark's own records are no inputs."""
        counts = self._counts
        counts.taken += len(take.records)
        counts.rated += take.rated
        counts.duplicates += take.duplicates
        counts.forwarded += take.forwarded
        for code in take.rejected:
            counts.reject(code)
        counts.events.update(take.events)
        counts.amounts.update(take.amounts)
        counts.batches.add(len(take.records))
        carried = self._ledger.watermark_from
        appended = [record.timestamp for record in take.records if not (carried and is_tick(record))]
        counts.committed_at = self._clock.now_ms()
        now = max(counts.committed_at, max(appended, default=0))  # the broker's clock may be ahead
        counts.ages_ms.add_all([now - at for at in appended])

    @property
    def changelog_topic(self) -> str:
        """Name the ledger's changelog topic."""
        return f"changelog.{self._ledger.name}"

    @property
    def ids_topic(self) -> str:
        """Name the ledger's topic of known ids."""
        return f"known-ids.{self._ledger.name}"

    def _records(
        self,
        shard: Shard,
        take: Take,
        number: int,
        writes: Sequence[StateWrite],
        positions: dict[str, InputPosition],
    ) -> tuple[list[OutRecord], bytes]:
        """Put the transaction together: outputs, states, ids, and last the commit record with the chain over them."""
        records = list(take.outputs)
        for write in writes:
            key, value = encode_state_write(write)
            records.append(OutRecord(self.changelog_topic, shard.number, key, value))
        if take.ids:
            value = encode_known_ids(number, take.ids)
            records.append(OutRecord(self.ids_topic, shard.number, None, value))
        inputs = tuple(positions[topic] for topic in sorted(positions))
        previous = shard.cursor.chain
        chain = chain_hash(previous, number, inputs, records)
        commit = CommitRecord(
            number=number,
            previous=previous,
            chain=chain,
            inputs=inputs,
            rules=self._ledger.rules,
            prices_offset=take.prices_offset,
            watermark=shard.watermark.now(),
        )
        records.append(OutRecord(self.changelog_topic, shard.number, COMMIT_KEY, encode_commit(commit)))
        check_sizes(records)
        return records, chain

    async def apply(self, shard: Shard, take: Take, cursor: Cursor, writes: Sequence[StateWrite]) -> None:
        """Bring Redis to the commit just made; try again while Redis is down. Raise Doubt when its cursor differs."""
        backoff = Backoff(self._clock, RETRY_FIRST_MS, RETRY_MAX_MS)
        retried = False
        while True:
            try:
                if retried and await self._cache.cursor(shard.number) == cursor:
                    return
                if await self._cache.apply(shard.number, shard.cursor, cursor, writes, take.ids):
                    return
            except Retry as retry:
                self._counts.errors[retry.part] += 1
                retried = True
                await backoff.wait()
                _still(shard, take)
                continue
            msg = f"shard {shard.number}: Redis is not at commit {shard.cursor.number}, which this worker left there"
            raise Doubt(msg, kind=REDIS_MOVED)

    def settle(self, shard: Shard, take: Take, cursor: Cursor, positions: dict[str, InputPosition]) -> None:
        """Move the shard on once log and Redis agree."""
        shard.cursor = cursor
        shard.positions = positions
        shard.watermark_committed = shard.watermark.now()
        shard.watermark.taken(take.records)
        shard.remember(take.states)


def _still(shard: Shard, take: Take) -> None:
    if shard.epoch != take.epoch:
        raise Revoked
