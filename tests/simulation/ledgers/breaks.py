"""Deliberate breaks of the engine, each a patch where a name is used. The simulation must notice all of them."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.inputs import changed

from drawdown.engine import runtime, timers
from drawdown.engine.changelog import encode_state_write
from drawdown.engine.commit import COMMIT_KEY, GENESIS, CommitRecord, Cursor, InputPosition, decode_commit
from drawdown.engine.cycle import Cycle, Revoked
from drawdown.engine.input import Input
from drawdown.engine.memory import log as memory_log
from drawdown.engine.memory.broker import MemoryBroker, Refused
from drawdown.engine.memory.cache import Held, MemoryCache
from drawdown.engine.memory.log import MemoryShardLog
from drawdown.engine.memory.transport import MemoryTransport
from drawdown.engine.outcome import Outcome
from drawdown.engine.ports import Cache, LookUp, StateWrite
from drawdown.engine.records import Batch, OutRecord
from drawdown.engine.recovery import Recovery
from drawdown.engine.scrub import Scrub
from drawdown.engine.shard import Shard
from drawdown.engine.take import Take
from drawdown.ledgers.plans import PlansLedger

Patch = pytest.MonkeyPatch
BREAKS: list[tuple[Callable[[Patch], None], frozenset[str]]] = []
HOUR_MS = 3_600_000


def breaks(*invariants: str) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Put a break on the list. invariants: what it violates; each must be named within the bounded runs."""

    def listed(made: Callable[[Patch], None]) -> Callable[[Patch], None]:
        BREAKS.append((made, frozenset(invariants)))
        return made

    return listed


# --- commit and apply ---------------------------------------------------------------------------------------------


@breaks("equivalence", "cache")
def redis_is_written_before_the_commit(patch: Patch) -> None:
    kept = Cycle.commit

    async def commit(self: Cycle, shard: Shard, take: Take) -> Any:
        encode, due = self._ledger.encode_state, self._ledger.due
        states = [StateWrite(key, shard.cursor.number + 1, encode(take.states[key]), due(take.states[key]))
                  for key in take.touched]  # fmt: skip
        if shard.cursor != GENESIS:
            await self._cache.apply(shard.number, shard.cursor, shard.cursor, states, take.ids)
        return await kept(self, shard, take)

    patch.setattr(Cycle, "commit", commit)


@breaks("cache")
def ids_are_not_in_the_transaction(patch: Patch) -> None:
    kept = Cycle._records

    def records(self: Cycle, shard: Shard, take: Take, *rest: Any) -> tuple[list[OutRecord], bytes]:
        ids, take.ids = take.ids, []
        try:
            return kept(self, shard, take, *rest)
        finally:
            take.ids = ids

    patch.setattr(Cycle, "_records", records)


@breaks("completeness", "order")
def a_failed_append_is_not_seen_before_the_commit(patch: Patch) -> None:
    async def commit(self: MemoryShardLog, records: Sequence[OutRecord]) -> dict[tuple[str, int], int]:
        broker, me = self._broker, (self._producer, self._epoch)
        together: dict[tuple[str, int], list[OutRecord]] = {}
        for record in records:
            together.setdefault((record.topic, record.partition), []).append(record)
        transaction = broker.begin(*me)
        offsets = {}
        for where, group in together.items():
            try:
                await broker.appended(self._producer)
            except Refused:
                offsets[where] = broker.written(*where) - 1
                continue
            offsets[where] = broker.append_to(transaction, *me, group)
        broker.end(transaction, *me, committed=True)
        return offsets

    patch.setattr(MemoryShardLog, "_commit", commit)


@breaks("isolation", "equivalence")
def a_state_is_written_for_another_account(patch: Patch) -> None:
    kept = encode_state_write
    keys: list[str] = []

    def encode(write: StateWrite) -> tuple[bytes, bytes]:
        other = next((key for key in keys if key != write.account), write.account)
        keys[:] = [write.account, *keys[:3]]
        return kept(replace(write, account=other))

    patch.setattr("drawdown.engine.cycle.encode_state_write", encode)


@breaks("order", "conservation", "completeness")
def a_charge_is_left_out_of_a_transaction(patch: Patch) -> None:
    kept = Cycle._records

    def records(self: Cycle, shard: Shard, take: Take, number: int, *rest: Any) -> tuple[list[OutRecord], bytes]:
        found, chain = kept(self, shard, take, number, *rest)
        charge = next((one for one in found if one.topic == "charges"), None)
        return [one for one in found if one is not charge], chain

    patch.setattr(Cycle, "_records", records)


@breaks("liveness")
def the_positions_run_ahead_of_what_was_taken(patch: Patch) -> None:
    kept = Shard.advanced

    def advanced(self: Shard, records: Sequence[Any]) -> dict[str, InputPosition]:
        found = kept(self, records)
        taken = {record.topic for record in records}
        return {
            topic: replace(one, next_offset=one.next_offset + 1) if topic in taken else one
            for topic, one in found.items()
        }

    patch.setattr(Shard, "advanced", advanced)


@breaks("positions", "uniqueness")
def the_positions_stay_at_the_last_record_taken(patch: Patch) -> None:
    kept = Shard.advanced

    def advanced(self: Shard, records: Sequence[Any]) -> dict[str, InputPosition]:
        taken = {record.topic for record in records}
        found = kept(self, records)
        return {topic: replace(one, next_offset=one.last_offset) if topic in taken else one
                for topic, one in found.items()}  # fmt: skip

    patch.setattr(Shard, "advanced", advanced)


# --- take and look-up ---------------------------------------------------------------------------------------------


class _Trusting:
    """A Redis whose cursor is always the one that is expected."""

    def __init__(self, cache: Cache, shard: Shard) -> None:
        self._cache, self._shard = cache, shard

    async def look_up(self, shard: int, identities: Sequence[bytes], accounts: Sequence[str]) -> LookUp:
        return replace(await self._cache.look_up(shard, identities, accounts), cursor=self._shard.cursor)


@breaks("uniqueness")
def the_cursor_is_not_compared_at_a_look_up(patch: Patch) -> None:
    kept = Cycle.look_up

    async def look_up(self: Cycle, shard: Shard, take: Take) -> None:
        trusting = Cycle(self._ledger, _Trusting(self._cache, shard), self._clock, self._counts, self._shard_of)  # type: ignore[arg-type]
        await kept(trusting, shard, take)

    patch.setattr(Cycle, "look_up", look_up)


@breaks("uniqueness")
def a_duplicate_within_a_take_is_not_seen(patch: Patch) -> None:
    kept = Take.accept

    def accept(self: Take, item: Input, outcome: Outcome) -> None:
        kept(self, item, outcome)
        self.known.pop(item.identity, None)

    patch.setattr(Take, "accept", accept)


@breaks("order", "equivalence", "no oversell")
def inputs_of_a_take_do_not_see_each_other(patch: Patch) -> None:
    kept = Take.rate

    def rate(self: Take, decide: Callable[[object | None, Input], Outcome]) -> None:
        before = dict(self.states)
        kept(self, lambda state, item: decide(before.get(item.key, state), item))

    patch.setattr(Take, "rate", rate)


@breaks("order", "equivalence")
def states_outlive_a_doubt_and_an_assignment(patch: Patch) -> None:
    kept = runtime.Runtime._recover
    held: dict[tuple[runtime.Runtime, int], OrderedDict[str, object]] = {}

    async def recover(self: runtime.Runtime, shard: Shard, *, rebuild: bool) -> None:
        await kept(self, shard, rebuild=rebuild)
        shard.states.update(held.get((self, shard.number), {}))
        held[self, shard.number] = shard.states

    patch.setattr(runtime.Runtime, "_recover", recover)


@breaks("liveness")
def a_batch_of_an_old_epoch_is_taken(patch: Patch) -> None:
    def deliver(self: runtime.Runtime, batch: Batch) -> None:
        shard = self._shards.get(batch.shard)
        if shard is not None and shard.open:
            shard.fetched_to.update(batch.next_offsets)
            shard.queue.put(batch.records)

    patch.setattr(runtime.Runtime, "deliver", deliver)


# --- recovery -----------------------------------------------------------------------------------------------------


@breaks("uniqueness")
def committed_offsets_are_the_position(patch: Patch) -> None:
    kept_commit, kept_positions = MemoryTransport.commit_offsets, Recovery._positions
    committed: dict[tuple[tuple[str, ...], int], dict[str, int]] = {}

    async def commit_offsets(self: MemoryTransport, shard: int, positions: Any) -> bool:
        done = await kept_commit(self, shard, positions)
        if done:
            committed[tuple(sorted(self._topics)), shard] = dict(positions)
        return done

    async def positions(
        self: Recovery, shard: int, newest: CommitRecord | None, bounds: Any
    ) -> dict[str, InputPosition]:
        found = await kept_positions(self, shard, newest, bounds)
        told = committed.get((tuple(sorted(self._topics)), shard), {})
        return {topic: InputPosition(topic, told[topic]) if topic in told else one for topic, one in found.items()}

    patch.setattr(MemoryTransport, "commit_offsets", commit_offsets)
    patch.setattr(Recovery, "_positions", positions)


@breaks("order", "liveness")
def the_former_owner_is_not_fenced(patch: Patch) -> None:
    def init(self: MemoryShardLog, broker: MemoryBroker, producer: str) -> None:
        self._broker, self._producer = broker, producer
        self._epoch = broker.fences(producer) or broker.fence(producer)

    patch.setattr(memory_log.MemoryShardLog, "__init__", init)


@breaks("cache")
def a_catch_up_ignores_the_chain(patch: Patch) -> None:
    kept = Recovery._catch_up

    async def catch_up(self: Recovery, shard: int, cursor: Cursor, newest: CommitRecord) -> Cursor | None:
        async for chunk in self._log.changelog(shard, cursor.changelog_offset):
            for record in chunk:
                if record.key == COMMIT_KEY:
                    chain = decode_commit(record.value or b"").previous
                    right = Cursor(cursor.number, chain, cursor.changelog_offset, cursor.ids_offset)
                    if not await self._cache.apply(shard, cursor, right, [], []):
                        return None
                    return await kept(self, shard, right, newest)
        return None

    patch.setattr(Recovery, "_catch_up", catch_up)


@breaks("cache")
def a_rebuild_leaves_out_the_ids(patch: Patch) -> None:
    async def load_ids(self: Recovery, shard: int, token: bytes, newest: CommitRecord) -> int:
        return (await self._log.ends(shard))[1]

    patch.setattr(Recovery, "_load_ids", load_ids)


@breaks("cache")
def writes_of_a_rebuild_are_not_counted(patch: Patch) -> None:
    patch.setattr(Scrub, "start", lambda *_: None)  # it would notice, and mend it

    def is_whole(self: MemoryCache, shard: int, held: Held, token: bytes) -> bool:
        return held.token == token

    patch.setattr(MemoryCache, "_is_whole", is_whole)


@breaks("liveness")
def a_shard_in_doubt_is_not_taken_up_again(patch: Patch) -> None:
    async def prove(self: runtime.Runtime, shard: Shard) -> None:
        await asyncio.sleep(0)
        raise Revoked

    patch.setattr(runtime.Runtime, "_prove_ownership", prove)


# --- time ---------------------------------------------------------------------------------------------------------


@breaks("uniqueness")
def ids_are_forgotten_by_the_wall_clock(patch: Patch) -> None:
    kept = timers.Upkeep.run

    async def run(self: timers.Upkeep, shard: Shard) -> None:
        await kept(self, shard)
        await self._cache.forget(shard.number, self._clock.now_ms())

    patch.setattr(timers.Upkeep, "run", run)


@breaks("equivalence")
def a_timer_is_applied_before_its_time(patch: Patch) -> None:
    kept_send, kept_decide = timers.Upkeep._send_timers, PlansLedger.decide

    async def send(self: timers.Upkeep, shard: Shard, watermark: int) -> None:
        await kept_send(self, shard, watermark + HOUR_MS)

    def decide(self: PlansLedger, state: object | None, item: Input) -> Outcome:
        early = b'"timer"' in (item.record.value or b"")
        return kept_decide(self, state, changed(item, appended=item.appended + HOUR_MS) if early else item)

    patch.setattr(timers.Upkeep, "_send_timers", send)
    patch.setattr(PlansLedger, "decide", decide)
