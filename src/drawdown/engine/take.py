"""A take: what one transaction will hold, from the records cut off the queue to what they lead to."""

from collections import Counter
from collections.abc import Callable, Sequence

from drawdown.domain.errors import Reject
from drawdown.domain.limits import EVENT_BYTES_MAX, STATE_BYTES_MAX
from drawdown.engine.counts import DROPPED, DUPLICATE, FORWARDED, RATED, REFUSED
from drawdown.engine.errors import Halt
from drawdown.engine.input import Input
from drawdown.engine.ledger import Ledger
from drawdown.engine.outcome import Outcome
from drawdown.engine.ports import KnownId
from drawdown.engine.records import OutRecord, Record, size_of
from drawdown.engine.shard import is_tick
from drawdown.wire.dead_letter import encode_dead_letter


class Take:
    """Records of one shard taken together, and all that their transaction will append."""

    def __init__(
        self, shard: int, epoch: int, records: Sequence[Record], ledger: Ledger, shard_of: Callable[[bytes], int]
    ) -> None:
        """Hold the records; nothing is decided yet. shard_of: the partition that a key belongs to."""
        self.shard = shard
        self.epoch = epoch
        self.records = records
        self.inputs: list[Input] = []
        self.known: dict[bytes, bytes] = {}  # identity → value, of ids known before or accepted in this take
        self.states: dict[str, object] = {}  # newest state of every key that was looked up or changed
        self.touched: dict[str, None] = {}  # keys whose state changed, in order
        self.outputs: list[OutRecord] = []
        self.ids: list[KnownId] = []
        self.rated = 0
        self.duplicates = 0
        self.forwarded = 0
        self.rejected: list[str] = []
        self.events: Counter[tuple[str, str]] = Counter()  # (service or topic, outcome) → inputs
        self.amounts: Counter[tuple[str, str, str]] = Counter()
        self.settled = False  # every input is accepted, refused or known, or it is halted
        self.halted: Halt | None = None
        self.prices_offset = 0  # up to where prices were read when the take was decided
        self._ledger = ledger
        self._shard_of = shard_of

    def decode(self, own_keys: set[bytes]) -> None:
        """Decode the records; bad ones become dead letters, misplaced ones are forwarded.

        own_keys: those known to belong to this shard; new ones are added.
        """
        ledger = self._ledger
        carried = ledger.watermark_from
        for record in self.records:
            if carried and record.topic in carried and is_tick(record):
                continue
            key = record.key
            if key is not None and key not in own_keys:
                owner = self._shard_of(key)
                if owner != self.shard:
                    self.forward(record, owner)
                    continue
                own_keys.add(key)
            try:
                self.inputs.append(ledger.decode(record))
            except Reject as reject:
                self.refuse(record, reject)

    def rate(self, decide: Callable[[object | None, Input], Outcome]) -> None:
        """Have every input decided in its order, each on the state that the one before it left.

        One whose id is known is a duplicate, or a conflict that goes to dead letters. After a Halt nothing of the take
        is to be committed (`halted`). Whatever else `decide` raises goes up.
        """
        for item in self.inputs:
            if self._knows(item):
                continue
            try:
                outcome = decide(self.states.get(item.key), item)
            except Reject as reject:
                self.refuse(item.record, reject, item.service)
                continue
            except Halt as halt:
                self.halted = halt
                break
            self.accept(item, outcome)
        self.settled = True

    def _knows(self, item: Input) -> bool:
        value = self.known.get(item.identity)
        if value is None:
            return False
        if value[:8] == item.content:
            self.duplicates += 1
            self.events[item.service or item.record.topic, DUPLICATE] += 1
        else:
            detail = "this id was accepted before with other content; send a correction under a new id"
            self.refuse(item.record, Reject("id_conflict", detail), item.service)
        return True

    def accept(self, item: Input, outcome: Outcome) -> None:
        """Take over what the ledger decided for an input."""
        label = item.service or item.record.topic
        if outcome.drop:
            self.events[label, DROPPED] += 1
            return
        key = item.key
        if outcome.grew and (size := len(self._ledger.encode_state(outcome.state))) > STATE_BYTES_MAX:
            detail = f"the state of {key} would grow to {size} bytes; at most {STATE_BYTES_MAX}"
            self.refuse(item.record, Reject("state_too_large", detail), item.service)
            return
        self.rated += 1
        self.events[label, RATED] += 1
        for name, amount in outcome.amounts:
            self.amounts[name] += amount
        if outcome.state is not None:
            self.states[key] = outcome.state
            self.touched[key] = None
        if item.remember:
            value = item.content + outcome.result
            self.known[item.identity] = value
            self.ids.append(KnownId(item.identity, value, item.forget_at))
        own_key = item.record.key
        for emit in outcome.emits:
            shard, to = (self.shard, own_key) if emit.key is None else (self._shard_of(emit.key), emit.key)
            self.outputs.append(OutRecord(emit.topic, shard, to, emit.value, emit.headers, emit.timestamp))

    def refuse(self, record: Record, reject: Reject, service: str = "") -> None:
        """Write a record to the dead letters. service: under which it is counted, if that could be read."""
        self.rejected.append(reject.code)
        self.events[service or record.topic, REFUSED] += 1
        self.outputs.append(encode_dead_letter(record, reject, self._ledger.name, self._ledger.rules, self.shard))

    def forward(self, record: Record, shard: int) -> None:
        """Append a record that was published to the wrong partition to its own shard, unchanged.

        One that its shard would refuse for its size is refused here.
        """
        size = size_of(record)
        if size > EVENT_BYTES_MAX:
            detail = f"{size} bytes with key and headers; at most {EVENT_BYTES_MAX} are read"
            self.refuse(record, Reject("too_large", detail))
            return
        self.forwarded += 1
        self.events[record.topic, FORWARDED] += 1
        self.outputs.append(OutRecord(record.topic, shard, record.key, record.value, record.headers, record.timestamp))
