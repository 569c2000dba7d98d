"""One pass of the scrub over a shard: what the log says it must hold, beside what it holds."""

from collections import Counter
from collections.abc import Sequence

from drawdown.domain.limits import ID_BUCKET_MS, SCRUB_JUDGEMENTS_MAX, SCRUB_WAITS_MAX
from drawdown.engine.commit import Cursor
from drawdown.engine.errors import REDIS_ALTERED, Doubt
from drawdown.engine.ports import Inventory, KnownId, Sample, StateWrite
from drawdown.engine.shard import Shard


class Sweep:
    """What was read of a shard's changelog and known ids, from their beginnings up to an inventory's cursor.

    Redis may be past a record that is compared, never behind it. Accounts are kept as their hashes.
    """

    def __init__(self, shard: Shard) -> None:
        """Begin at the changelog's beginning."""
        self.shard = shard
        self.epoch = shard.epoch
        self._began_at = shard.cursor.number
        self.target: Inventory | None = None
        self.states_done = False
        self._changelog_position = 0
        self._ids_position = 0
        self._judgements = 0
        self._readable = False
        self._waits = 0
        self._accounts: set[int] = set()
        self._due: set[int] = set()
        self._ahead: dict[str, int] = {}  # accounts whose state in Redis is newer than read so far → its number
        self._ids: Counter[int] = Counter()

    # --- where it is --------------------------------------------------------------------------

    @property
    def span(self) -> tuple[int, int]:
        """Give the offsets still to read, of known ids once the states are done."""
        cursor = self._aim.cursor
        if self.states_done:
            return self._ids_position, cursor.ids_offset
        return self._changelog_position, cursor.changelog_offset

    @property
    def position(self) -> int:
        """Give the next offset to compare."""
        return self.span[0]

    @position.setter
    def position(self, offset: int) -> None:
        if self.states_done:
            self._ids_position = offset
            return
        self._changelog_position = offset
        self.states_done = offset >= self._aim.cursor.changelog_offset

    @property
    def reached(self) -> bool:
        """Whether all up to the inventory's cursor is compared."""
        return self.states_done and self._ids_position >= self._aim.cursor.ids_offset

    @property
    def _aim(self) -> Inventory:
        if self.target is None:
            msg = "a sweep goes nowhere before it has an inventory"
            raise RuntimeError(msg)
        return self.target

    def is_past(self, cursor: Cursor) -> bool:
        """Say whether Redis, at `cursor`, is behind what this sweep has seen of it."""
        return cursor.number < (self._began_at if self.target is None else self.target.cursor.number)

    def is_live(self, known: KnownId) -> bool:
        """Say whether an id's bucket must still be there."""
        return _lives(known.forget_at // ID_BUCKET_MS, self.shard.watermark.now())

    def waits(self, ends: tuple[int, int]) -> bool:
        """Say whether readers of the log, whose ends are given, do not see all up to the inventory's cursor yet.

        Kafka answers a commit before its markers are written. Raise Doubt when that does not end: the log was cut.
        """
        if not self._readable:
            cursor = self._aim.cursor
            held = cursor.changelog_offset, cursor.ids_offset
            self._readable = ends[0] >= held[0] and ends[1] >= held[1]
            self._waits += 1
            if not self._readable and self._waits > SCRUB_WAITS_MAX:
                raise self._differs(f"it is at offsets {held} of changelog and known ids, which end at {ends}")
        return not self._readable

    # --- comparing ----------------------------------------------------------------------------

    def compare(self, states: Sequence[StateWrite], ids: Sequence[Sequence[KnownId]], found: Sample) -> None:
        """Compare records with what Redis holds of them. Raise Doubt on a difference."""
        for write, held in zip(states, found.states, strict=True):
            self._compare_state(write, held, found.cursor.number)
        values = iter(found.ids)
        for known in ids:
            for one in known:
                if next(values) != one.value and self.is_live(one):
                    raise self._differs(f"id {one.identity.hex()} is not there as it was written")
                self._ids[one.forget_at // ID_BUCKET_MS] += 1

    def _compare_state(self, write: StateWrite, held: StateWrite | None, reached: int) -> None:
        account = write.account
        place = hash(account)
        self._accounts.add(place)
        if write.due is None:
            self._due.discard(place)
        else:
            self._due.add(place)
        if held is None:
            raise self._differs(f"the state of {account} is gone")
        if not write.number <= held.number <= reached:
            raise self._differs(f"the state of {account} is of commit {held.number}; the log has {write.number}")
        if held.number > write.number:
            self._ahead[account] = held.number
            return
        self._ahead.pop(account, None)
        if held != write:
            what = "its due time" if held.value == write.value else "the state"
            raise self._differs(f"{what} of {account} is not what commit {write.number} wrote")

    def judge(self, now: Inventory) -> bool:
        """Compare the numbers at the end, and say whether all is well; else go on to a newer inventory.

        A record may leave the log in compaction before it is read here, its successor being past the inventory: numbers
        that differ are sure only when nothing was committed meanwhile, or again and again. Raise Doubt then.
        """
        before, self.target = self.target, now
        self._readable, self._waits = False, 0
        if before is None:
            self.states_done = not now.cursor.changelog_offset
            return False
        wrong = self._wrong(before)
        if not wrong:
            return True
        self._judgements += 1
        if now.cursor == before.cursor or self._judgements >= SCRUB_JUDGEMENTS_MAX:
            raise self._differs(wrong)
        self.states_done = False
        return False

    def _wrong(self, held: Inventory) -> str:
        """Say which number differs."""
        if held.states != len(self._accounts):
            return f"it holds {held.states} states; the log has {len(self._accounts)}"
        if held.due != len(self._due):
            return f"it holds {held.due} due times; the log has {len(self._due)}"
        forged = [account for account, number in self._ahead.items() if number <= held.cursor.number]
        if forged:
            return f"the state of {forged[0]} is of commit {self._ahead[forged[0]]}, which did not write it"
        watermark = self.shard.watermark.now()
        for bucket in sorted(held.ids.keys() | self._ids.keys()):
            if _lives(bucket, watermark) and held.ids.get(bucket, 0) != self._ids[bucket]:
                return f"bucket {bucket} holds {held.ids.get(bucket, 0)} ids; the log has {self._ids[bucket]}"
        return ""

    def _differs(self, what: str) -> Doubt:
        msg = f"shard {self.shard.number}: Redis differs from the log: {what}"
        return Doubt(msg, kind=REDIS_ALTERED, rebuild=True)


def same(before: Inventory, now: Inventory, watermark: int) -> bool:
    """Say whether two inventories of one cursor hold as much, but for buckets that may be forgotten by now."""
    buckets = [bucket for bucket in before.ids.keys() | now.ids.keys() if _lives(bucket, watermark)]
    return (before.states, before.due) == (now.states, now.due) and all(
        before.ids.get(bucket) == now.ids.get(bucket) for bucket in buckets
    )


def _lives(bucket: int, watermark: int) -> bool:
    return (bucket + 1) * ID_BUCKET_MS > watermark
