"""What one input leads to by the ledger's own `decide`, put together here anew: nothing of the engine's cycle."""

from collections.abc import Callable

import msgspec

from drawdown.domain.errors import Reject
from drawdown.domain.limits import CACHED_STATES_MAX, EVENT_BYTES_MAX, STATE_BYTES_MAX
from drawdown.engine.errors import Halt
from drawdown.engine.input import Input
from drawdown.engine.ledger import Ledger
from drawdown.engine.ports import KnownId
from drawdown.engine.records import OutRecord, Record, size_of
from drawdown.wire.dead_letter import encode_dead_letter

CONFLICT = "this id was accepted before with other content; send a correction under a new id"


class Decided(msgspec.Struct, frozen=True, gc=False):
    """What an input leads to. letter: of a refused one. crossing: outputs to other keys' partitions.

    known: the id to remember. drop: nothing happens. halted: why its shard would stop.
    """

    state: object | None = None
    outputs: tuple[OutRecord, ...] = ()
    crossing: tuple[OutRecord, ...] = ()
    known: KnownId | None = None
    letter: OutRecord | None = None
    drop: bool = False
    halted: str = ""


class Decider:
    """Decides for one ledger and shard."""

    def __init__(self, ledger: Ledger, shard: int, shard_of: Callable[[bytes], int]) -> None:
        """Decide as the shard's owner would have."""
        self.ledger = ledger
        self._shard = shard
        self._shard_of = shard_of
        self._owners: dict[bytes, int] = {}

    def owner(self, key: bytes) -> int:
        """Say which shard owns a key."""
        owner = self._owners.get(key)
        if owner is None:
            if len(self._owners) > CACHED_STATES_MAX:
                self._owners.clear()
            owner = self._owners[key] = self._shard_of(key)
        return owner

    def refused(self, record: Record, reject: Reject) -> Decided:
        """Give the dead letter of a record."""
        return Decided(letter=encode_dead_letter(record, reject, self.ledger.name, self.ledger.rules, self._shard))

    def conflict(self, item: Input) -> Decided:
        """Give the dead letter of an id that was accepted with other content."""
        return self.refused(item.record, Reject("id_conflict", CONFLICT))

    def misplaced(self, record: Record, owner: int) -> Decided:
        """Give what becomes of a record on the wrong partition: forwarded, or refused where its shard would."""
        size = size_of(record)
        if size > EVENT_BYTES_MAX:
            told = f"{size} bytes with key and headers; at most {EVENT_BYTES_MAX} are read"
            return self.refused(record, Reject("too_large", told))
        copy = OutRecord(record.topic, owner, record.key, record.value, record.headers)
        return Decided(crossing=(copy,), drop=True)

    def decide(self, state: object | None, item: Input) -> Decided:
        """Apply an input to its key's state."""
        ledger = self.ledger
        try:
            outcome = ledger.decide(state, item)
        except Reject as reject:
            return self.refused(item.record, reject)
        except Halt as halt:
            return Decided(halted=str(halt))
        if outcome.drop:
            return Decided(drop=True)
        if outcome.grew and (size := len(ledger.encode_state(outcome.state))) > STATE_BYTES_MAX:
            told = f"the state of {item.key} would grow to {size} bytes; at most {STATE_BYTES_MAX}"
            return self.refused(item.record, Reject("state_too_large", told))
        own: list[OutRecord] = []
        crossing: list[OutRecord] = []
        for emit in outcome.emits:
            if emit.key is None:
                own.append(OutRecord(emit.topic, self._shard, item.record.key, emit.value, emit.headers))
            else:
                crossing.append(OutRecord(emit.topic, self._shard_of(emit.key), emit.key, emit.value, emit.headers))
        known = KnownId(item.identity, item.content + outcome.result, item.forget_at) if item.remember else None
        return Decided(outcome.state, tuple(own), tuple(crossing), known)
