"""The Cache port in memory, with what can happen to a Redis: down, wiped, rolled back, edited."""

import asyncio
import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.commit import GENESIS, Cursor
from drawdown.engine.errors import REDIS, REDIS_ALTERED, Doubt, Retry
from drawdown.engine.ports import Inventory, KnownId, LookUp, Sample, StateWrite, Swapped


@dataclass(slots=True)
class Held:
    """All of one shard. cursor: None where there is none; damaged: accounts whose state was edited.

    token: of a rebuild under way; written: its writes so far. fresh: the place of a rebuild by hand.
    """

    cursor: Cursor | None = None
    cursor_damaged: bool = False
    token: bytes | None = None
    written: int = 0
    states: dict[str, StateWrite] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    buckets: dict[int, dict[bytes, bytes]] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    fresh: "Held | None" = None


class MemoryCache:
    """One ledger's Redis.

    down: every call raises Retry. unanswered: so many of the next writes take effect, yet raise Retry.
    """

    def __init__(self) -> None:
        """Start empty and up."""
        self.down = False
        self.unanswered = 0
        self._shards: dict[int, Held] = {}
        self._tokens = itertools.count(1)
        self._rebuilding: dict[tuple[int, bool], tuple[bytes, int]] = {}  # by shard, fresh: the newest token, writes

    # --- the port -----------------------------------------------------------------------------

    async def look_up(self, shard: int, identities: Sequence[bytes], accounts: Sequence[str]) -> LookUp:
        """Read cursor, ids and states at once."""
        held = await self._reached(shard)
        if held.cursor is None and held.token is not None:
            msg = f"shard {shard}: a rebuild is under way: what is there is not to be decided on"
            raise Doubt(msg, kind=REDIS_ALTERED, rebuild=True)
        known = {
            index: held.buckets[bucket][identity]
            for bucket in sorted(held.buckets)
            for index, identity in enumerate(identities)
            if identity in held.buckets[bucket]
        }
        _undamaged(shard, held, accounts)
        found = [held.states.get(account) for account in accounts]
        return LookUp(_cursor(shard, held), known, [None if write is None else write.value for write in found])

    async def cursor(self, shard: int) -> Cursor:
        """Read the shard's cursor; a missing one is GENESIS."""
        return _cursor(shard, await self._reached(shard))

    async def apply(
        self, shard: int, expected: Cursor, new: Cursor, states: Sequence[StateWrite], ids: Sequence[KnownId]
    ) -> bool:
        """Write all, if the cursor is `expected`."""
        held = await self._reached(shard)
        guard = None if expected == GENESIS else expected
        if held.cursor_damaged or held.cursor != guard or (guard is None and held.token is not None):
            return False
        _write(held, states, ids)
        held.cursor = new
        self._answer()
        return True

    async def begin_rebuild(self, shard: int) -> bytes:
        """Delete all of the shard and set a new token."""
        held = await self._reached(shard)
        token = self._token(shard, fresh=False)
        self._shards[shard] = Held(token=token, fresh=held.fresh)
        return token

    async def load(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        """Write a chunk of a rebuild, if the token is still the shard's."""
        return self._loaded(shard, await self._reached(shard), token, states, ids)

    async def finish_rebuild(self, shard: int, token: bytes, cursor: Cursor) -> bool:
        """Set the cursor and drop the token, if it is still the shard's."""
        held = await self._reached(shard)
        if not self._is_whole(shard, held, token):
            return False
        if cursor != GENESIS:
            held.cursor = cursor
        held.token, held.written = None, 0
        self._answer()
        return True

    async def begin_stage(self, shard: int) -> bytes:
        """Make an empty fresh place."""
        held = await self._reached(shard)
        token = self._token(shard, fresh=True)
        held.fresh = Held(token=token)
        return token

    async def stage(self, shard: int, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> bool:
        """Write to the fresh place, if the token is still its."""
        return self._loaded(shard, (await self._reached(shard)).fresh, token, states, ids)

    async def swap(self, shard: int, token: bytes, cursor: Cursor, held: Cursor | None) -> Swapped:
        """Replace the shard by its fresh place, if its cursor is `held`."""
        now = await self._reached(shard)
        fresh = now.fresh
        if fresh is None or not self._is_whole(shard, fresh, token):
            return Swapped.LOST
        if held is not None and (now.cursor_damaged or (now.cursor or GENESIS) != held):
            return Swapped.MOVED
        fresh.token, fresh.written, fresh.cursor = None, 0, cursor
        self._shards[shard] = fresh
        self._answer()
        return Swapped.DONE

    async def due(self, shard: int, until: int, limit: int) -> list[tuple[str, int]]:
        """List accounts with a timer due, earliest first."""
        held = await self._reached(shard)
        found = [(account, due) for account, due in held.due.items() if due <= until]
        return sorted(found, key=lambda entry: (entry[1], entry[0].encode()))[:limit]

    async def inventory(self, shard: int) -> Inventory:
        """Count what the shard holds."""
        held = await self._reached(shard)
        ids = {bucket: len(members) for bucket, members in held.buckets.items()}
        return Inventory(_cursor(shard, held), len(held.states), len(held.due), ids)

    async def sample(self, shard: int, accounts: Sequence[str], ids: Sequence[KnownId]) -> Sample:
        """Read states with their numbers and due times, and ids from their buckets."""
        held = await self._reached(shard)
        _undamaged(shard, held, accounts)
        states = [held.states.get(account) for account in accounts]
        values = [held.buckets.get(one.forget_at // ID_BUCKET_MS, {}).get(one.identity) for one in ids]
        return Sample(
            _cursor(shard, held),
            [write and msgspec.structs.replace(write, due=held.due.get(write.account)) for write in states],
            values,
        )

    async def forget(self, shard: int, before: int) -> int:
        """Drop the id buckets that end before `before` (ms)."""
        held = await self._reached(shard)
        old = [bucket for bucket in held.buckets if (bucket + 1) * ID_BUCKET_MS <= before]
        for bucket in old:
            del held.buckets[bucket]
        return len(old)

    # --- what tests see and do ----------------------------------------------------------------

    def copy(self, shard: int) -> Held:
        """Give a copy of all that the shard holds."""
        return copy.deepcopy(self._held(shard))

    def restore(self, shard: int, earlier: Held) -> None:
        """Roll the shard back to a copy, as a Redis that lost its newest writes."""
        self._shards[shard] = copy.deepcopy(earlier)

    def wipe(self, shard: int) -> None:
        """Lose all of the shard."""
        self._shards.pop(shard, None)

    def held(self, shard: int) -> Held:
        """Give what the shard holds itself, to be edited."""
        return self._held(shard)

    def damage(self, shard: int, account: str) -> None:
        """Edit one state so that its checksum does not match."""
        self._held(shard).damaged.add(account)

    def damage_cursor(self, shard: int) -> None:
        """Make the cursor unreadable."""
        self._held(shard).cursor_damaged = True

    def set_cursor(self, shard: int, cursor: Cursor) -> None:
        """Put the shard at another cursor."""
        self._held(shard).cursor = cursor

    # --- inside -------------------------------------------------------------------------------

    def _token(self, shard: int, *, fresh: bool) -> bytes:
        token = next(self._tokens).to_bytes(16, "big")
        self._rebuilding[shard, fresh] = (token, 0)
        return token

    def _is_whole(self, shard: int, held: Held, token: bytes) -> bool:
        """Say whether a rebuild is still the newest one of its place, and none of its writes was lost."""
        newest = self._rebuilding.get((shard, held is self._held(shard).fresh))
        return held.token == token and newest == (token, held.written)

    def _loaded(
        self, shard: int, place: Held | None, token: bytes, states: Sequence[StateWrite], ids: Sequence[KnownId]
    ) -> bool:
        if place is None or not self._is_whole(shard, place, token):
            return False
        _write(place, states, ids)
        place.written += 1
        self._answer()
        self._rebuilding[shard, place is self._held(shard).fresh] = (token, place.written)
        return True

    def _held(self, shard: int) -> Held:
        return self._shards.setdefault(shard, Held())

    async def _reached(self, shard: int) -> Held:
        await asyncio.sleep(0)
        if self.down:
            msg = "Redis cannot be used now: it is down"
            raise Retry(msg, part=REDIS)
        return self._held(shard)

    def _answer(self) -> None:
        if self.unanswered:
            self.unanswered -= 1
            msg = "Redis cannot be used now: it did not answer in time"
            raise Retry(msg, part=REDIS)


def _cursor(shard: int, held: Held) -> Cursor:
    if held.cursor_damaged:
        msg = f"shard {shard}: the cursor in Redis is not one"
        raise Doubt(msg, kind=REDIS_ALTERED, rebuild=True)
    return GENESIS if held.cursor is None else held.cursor


def _undamaged(shard: int, held: Held, accounts: Sequence[str]) -> None:
    for account in accounts:
        if account in held.damaged:
            msg = f"shard {shard}: the state of {account} in Redis does not match its checksum"
            raise Doubt(msg, kind=REDIS_ALTERED, rebuild=True)


def _write(held: Held, states: Sequence[StateWrite], ids: Sequence[KnownId]) -> None:
    for write in states:
        held.states[write.account] = write
        held.damaged.discard(write.account)
        if write.due is None:
            held.due.pop(write.account, None)
        else:
            held.due[write.account] = write.due
    for known in ids:
        held.buckets.setdefault(known.forget_at // ID_BUCKET_MS, {})[known.identity] = known.value
