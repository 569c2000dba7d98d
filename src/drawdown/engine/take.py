"""A take: what one transaction will hold, from the records cut off the queue to what they lead to."""

from collections import Counter
from collections.abc import Callable, Sequence

from drawdown.domain.errors import Reject
from drawdown.domain.limits import STATE_BYTES_MAX
from drawdown.engine.counts import DROPPED, DUPLICATE, FORWARDED, RATED, REFUSED
from drawdown.engine.errors import Halt
from drawdown.engine.ledger import Input, Ledger
from drawdown.engine.outcome import Outcome
from drawdown.engine.ports import KnownId
from drawdown.engine.records import OutRecord, Record
from drawdown.wire.dead_letter import encode_dead_letter


class Item:
    """One input in the agent's hands: its key's state, and where to put what was decided."""

    __slots__ = ("_take", "input", "settled", "state")

    def __init__(self, take: "Take", item: Input) -> None:
        """Hold an input of a take."""
        self._take = take
        self.input = item
        self.state: object | None = None
        self.settled = False

    def accept(self, outcome: Outcome) -> None:
        """Put the decision into the transaction."""
        self.settled = True
        self._take.accept(self.input, outcome)

    def halt(self, halt: Halt) -> None:
        """Commit nothing of the take, and stop its shard."""
        self.settled = True
        self._take.halted = halt

    def refuse(self, reject: Reject) -> None:
        """Put a dead letter into the transaction; the input's id is not remembered."""
        self.settled = True
        self._take.refuse(self.input.record, reject, self.input.service)


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
        self.halted: Halt | None = None
        self.prices_offset = 0  # up to where prices were read when the take was decided
        self._ledger = ledger
        self._shard_of = shard_of

    def admit(self, item: Input) -> Item | None:
        """Give the item to rate, or None when its id is known: a duplicate, or a conflict that goes to dead letters."""
        value = self.known.get(item.identity)
        if value is None:
            admitted = Item(self, item)
            admitted.state = self.states.get(item.key)
            return admitted
        if value[:8] == item.content:
            self.duplicates += 1
            self.events[item.service or item.record.topic, DUPLICATE] += 1
        else:
            detail = "this id was accepted before with other content; send a correction under a new id"
            self.refuse(item.record, Reject("id_conflict", detail), item.service)
        return None

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
        """Append a record that was published to the wrong partition to its own shard, unchanged."""
        self.forwarded += 1
        self.events[record.topic, FORWARDED] += 1
        self.outputs.append(OutRecord(record.topic, shard, record.key, record.value, record.headers, record.timestamp))
