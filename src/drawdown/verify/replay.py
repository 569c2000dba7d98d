"""Replays one ledger's shard: every input through `decide` in the recorded order, every output compared.

The order is in the outputs: per account each names its `applied` number and the position of its input. An output is
held against what `decide` gives for that input; what `decide` gives must come, and nothing else may.
"""

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from drawdown.domain.errors import Reject
from drawdown.engine.errors import Halt
from drawdown.engine.ledger import Emit, Input, Ledger, Outcome
from drawdown.engine.records import Record
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING, DEAD_LETTERS
from drawdown.verify import money
from drawdown.verify.ids import Ids
from drawdown.verify.model import BYTES, COMPLETENESS, ISOLATION, ORDER, POSITIONS, UNIQUENESS, Report
from drawdown.verify.reading import Window

NUMBERED = (CHARGES, CREDIT_CHARGING, ACCOUNT_EVENTS)  # outputs that carry `applied`, `seq` and a position
Ledgers = Callable[[int], Iterable[Ledger]]  # append time of an input, ms → those that may have decided it


class Wanted(msgspec.Struct, frozen=True):
    """An output that `decide` gave and the log must hold."""

    emit: Emit
    key: bytes | None
    seq: int
    input: Record


class Told(msgspec.Struct, frozen=True):
    """An output on the log, and what it says of itself."""

    record: Record
    account: str
    seq: int
    applied: int
    position: tuple[str, int, int]
    said: dict[str, Any]


class Replay:
    """One ledger and shard. states: key → the state after all that was replayed."""

    def __init__(
        self,
        name: str,
        shard: int,
        ledgers: Ledgers,
        windows: dict[str, Window],
        report: Report,
        shard_of: Callable[[bytes], int],
        cut: frozenset[str] = frozenset(),
    ) -> None:
        """Replay from nothing. windows: input topic → its partition. shard_of: the partition that a key belongs to.

        cut: output topics of which the beginning is not kept any more.
        """
        self.states: dict[str, object] = {}
        self.ids = Ids()
        self.elsewhere: Counter[tuple[str, int, bytes]] = Counter()  # topic, partition, digest of what went there
        self.totals: dict[str, Decimal] = defaultdict(Decimal)  # account → overages, or what the wallet drew of them
        self.lost: set[str] = set()  # accounts that cannot be followed any further
        self._name = name
        self._shard = shard
        self._ledgers = ledgers
        self._windows = windows
        self._report = report
        self._shard_of = shard_of
        self._cut = cut
        self.beyond: dict[str, int] = {}  # input topic → the highest offset that an output told and nobody looked at
        self._silent: dict[str, list[Record]] = defaultdict(list)
        self._used: list[Record] = []
        self.seq: dict[tuple[str, str], int] = {}  # topic, account → the highest there was
        self._wanted: dict[tuple[str, str], deque[Wanted]] = defaultdict(deque)
        self._told: dict[tuple[str, str], deque[Told]] = defaultdict(deque)

    @property
    def lacks(self) -> bool:
        """Whether outputs are still to come, or cannot be followed yet."""
        return any(self._wanted.values()) or any(self._told.values())

    # --- outputs --------------------------------------------------------------------------------

    async def output(self, record: Record) -> bool:
        """Take the next output of the shard; False for one of an input that is not looked at yet."""
        if record.topic == DEAD_LETTERS:
            return await self._letter(record)
        if not record.value:  # it only carries the watermark
            return True
        told = self._read(record)
        if told is None:
            return True
        if self._later(told.position[0], told.position[2]):
            return False
        self._judge(told)
        await self._follow(told.account)
        return True

    def _later(self, topic: str, offset: int) -> bool:
        """Say whether an input was taken after the commit that is looked at."""
        window = self._windows.get(topic)
        if window is None or offset < window.end:
            return False
        self.beyond[topic] = max(offset, self.beyond.get(topic, offset))
        return True

    def _judge(self, told: Told) -> None:
        """Look at an output by itself, and keep it until its input's turn comes."""
        record = told.record
        self._report.counts[f"{self._name} {record.topic}"] += 1
        before = self.seq.get((record.topic, told.account), 0)
        self.seq[record.topic, told.account] = max(told.seq, before)
        if told.seq != before + 1 and record.topic not in self._cut:
            self._find(ORDER, record, told.account, f"seq {told.seq} comes after {before}")
        if told.account.encode() != record.key:
            self._find(ISOLATION, record, told.account, f"its key is {record.key!r}")
        for invariant, detail in money.unbalanced(told.said):
            self._find(invariant, record, told.account, detail)
        self.totals[told.account] += money.of_overage(record.topic, told.said)
        if told.account not in self.lost:
            self._told[record.topic, told.account].append(told)

    def _read(self, record: Record) -> Told | None:
        try:
            said: dict[str, Any] = msgspec.json.decode(record.value or b"")
            if said["ledger"] != self._name:
                return None
            at = said["position"]
            position = at["topic"], at["partition"], at["offset"]
            return Told(record, said["account"], said["seq"], said["applied"], position, said)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError, ArithmeticError) as error:
            self._find(BYTES, record, "", f"this is not an output of Drawdown: {error!r}")
            return None

    async def _follow(self, account: str) -> None:
        """Compare what is there, and replay the account's next input while the log tells which it is."""
        while account not in self.lost:
            self._match(account)
            waiting = [queue[0] for topic in NUMBERED if (queue := self._told.get((topic, account)))]
            if not waiting:
                return
            nearest = min(waiting, key=lambda told: told.applied)
            applied = getattr(self.states.get(account), "applied", 0)
            if nearest.applied <= applied:
                self._told[nearest.record.topic, account].popleft()
                detail = f"applied {nearest.applied} has another output than its input gives"
                self._find(UNIQUENESS, nearest.record, account, detail)
            elif nearest.applied > applied + 1:
                return
            else:
                await self._replay(nearest)

    def _match(self, account: str) -> None:
        """Hold outputs against what was to come, topic by topic, in their order."""
        for topic in NUMBERED:
            wanted, told = self._wanted[topic, account], self._told[topic, account]
            while wanted and told:
                if told[0].record.value == wanted[0].emit.value:
                    self._same_place(wanted.popleft(), told.popleft())
                elif told[0].seq > wanted[0].seq:
                    self._missing(account, topic, wanted.popleft())
                elif told[0].seq < wanted[0].seq:
                    extra = told.popleft()
                    self._find(UNIQUENESS, extra.record, account, f"seq {extra.seq} comes again, or out of order")
                else:
                    self._differs(account, wanted.popleft(), told.popleft())

    def _same_place(self, wanted: Wanted, told: Told) -> None:
        if told.record.key != wanted.key or tuple(told.record.headers) != tuple(wanted.emit.headers):
            self._find(BYTES, told.record, told.account, "its key or headers are not what its input gives")

    def _differs(self, account: str, wanted: Wanted, told: Told) -> None:
        value = told.record.value or b""
        at = next((i for i, (a, b) in enumerate(zip(value, wanted.emit.value, strict=False)) if a != b), 0)
        cut = slice(max(at - 40, 0), at + 40)
        detail = f"the log says …{value[cut]!r}…, its input gives …{wanted.emit.value[cut]!r}…"
        self._find(BYTES, told.record, account, detail)

    def _missing(self, account: str, topic: str, wanted: Wanted) -> None:
        at = wanted.input
        detail = f"{at.topic}/{at.partition} offset {at.offset} gives seq {wanted.seq} here, which is not on the log"
        self._report.find(COMPLETENESS, self._name, (topic, self._shard), -1, account, detail)

    # --- inputs ---------------------------------------------------------------------------------

    async def _replay(self, told: Told) -> None:
        topic, partition, offset = told.position
        window = self._windows.get(topic)
        if window is None or partition != self._shard:
            self._lose(told, POSITIONS, f"its input is told at {topic}/{partition}, which this shard does not take")
        elif offset < window.start:
            self._report.note(f"{topic}/{partition} begins at offset {window.start}: what was before is not replayed")
            self.lost.add(told.account)
        elif (record := await window.take(offset)) is None:
            self._lose(told, UNIQUENESS, f"its input {topic}/{partition} offset {offset} is missing or has an outcome")
        else:
            self._decide(record, told)

    def _lose(self, told: Told, invariant: str, detail: str) -> None:
        self._find(invariant, told.record, told.account, f"{detail}; the account cannot be followed from here on")
        self.lost.add(told.account)

    def _decide(self, record: Record, told: Told) -> None:
        """Decide an input as its ledger did, and keep what must come of it."""
        found: tuple[Input, Outcome] | None = None
        refused = ""
        for ledger in self._ledgers(record.timestamp):
            try:
                item = ledger.decode(record)
                outcome = ledger.decide(self.states.get(item.key), item)
            except (Reject, Halt, LookupError) as error:
                refused = refused or str(error)
                continue
            if outcome.drop:
                refused = refused or "nothing comes of it"
                continue
            found = found or (item, outcome)
            if any(emit.value == told.record.value for emit in outcome.emits):
                found = item, outcome
                break
        if found is None:
            self._lose(told, BYTES, f"the rules refuse its input: {refused}")
        elif found[0].key != told.account:
            self._lose(told, ISOLATION, f"its input is of account {found[0].key}")
        else:
            self.accept(*found)

    def accept(self, item: Input, outcome: Outcome) -> None:
        """Take over an outcome: state, id, and what must be on the log."""
        record = item.record
        self._report.counts[f"{self._name} replayed"] += 1
        if item.remember and not self.ids.add(item):
            detail = f"the id of {record.topic} offset {record.offset} was accepted before"
            self._find(UNIQUENESS, record, item.key, detail)
        if outcome.state is not None:
            self.states[item.key] = outcome.state
        for emit in outcome.emits:
            if emit.topic in NUMBERED:
                seq = msgspec.json.decode(emit.value)["seq"]
                self._wanted[emit.topic, item.key].append(Wanted(emit, record.key, seq, record))
            else:
                key = emit.key or record.key or b""
                self.elsewhere[emit.topic, self._shard_of(key), digest(key, emit.value)] += 1

    async def _letter(self, record: Record) -> bool:
        """Take a dead letter: its input has no other outcome, and the bytes are the input's."""
        headers = dict(record.headers)
        if headers.get("ledger") != self._name.encode():
            return True
        topic, offset = headers["topic"].decode(), int(headers["offset"])
        if self._later(topic, offset):
            return False
        self._report.counts[f"{self._name} dead letters"] += 1
        window = self._windows.get(topic)
        if window is None or offset < window.start:
            return True
        taken = await window.take(offset)
        if taken is None:
            self._find(UNIQUENESS, record, "", f"its input {topic} offset {offset} is missing or has an outcome")
        elif hashlib.sha256(taken.value or b"").hexdigest().encode() != headers["sha256"]:
            self._find(BYTES, record, "", f"its bytes are not those of {topic} offset {offset}")
        return True

    def plainly(self, ledger: Ledger, record: Record) -> None:
        """Replay an input whose place in the order is its offset, as the engine takes it: unless its id is known."""
        try:
            item = ledger.decode(record)
            if self.ids.content(item.identity) is None:
                outcome = ledger.decide(self.states.get(item.key), item)
                if not outcome.drop:
                    self.accept(item, outcome)
                    self._used.append(record)
        except Reject:
            return

    def offer(self, records: Iterable[Record]) -> None:
        """Take note of inputs without outcome: an account may wait for one that is applied and gives nothing."""
        for record in sorted(records, key=lambda one: (one.topic, one.offset)):
            if record.key is not None:
                self._silent[record.key.decode("utf-8", "replace")].append(record)

    def forget_used(self, window: Window) -> None:
        """Count the inputs that were replayed without being told by an output as accounted for."""
        for record in self._used:
            if (record.topic, record.partition) == window.place:
                window.open.pop(record.offset, None)

    # --- what is left ---------------------------------------------------------------------------

    async def end(self) -> None:
        """Say what did not come, and which outputs no input leads to."""
        for account in {account for (_, account), queue in self._told.items() if queue}:
            await self._unblock(account)
        for (topic, account), wanted in self._wanted.items():
            if account not in self.lost:
                for one in wanted:
                    self._missing(account, topic, one)

    async def _unblock(self, account: str) -> None:
        """Go on over inputs that changed the account and gave no output; else say what is missing."""
        while account not in self.lost:
            await self._follow(account)
            waiting = [queue[0] for topic in NUMBERED if (queue := self._told.get((topic, account)))]
            if not waiting:
                return
            if self._cut:
                self.lost.add(account)  # what came before is not kept any more, as a note says
            elif not self._quiet(account):
                nearest = min(waiting, key=lambda told: told.applied)
                applied = getattr(self.states.get(account), "applied", 0)
                self._lose(nearest, COMPLETENESS, f"the outputs of applied {applied + 1} are missing before it")

    def _quiet(self, account: str) -> bool:
        """Replay the account's first input without outcome, if it is applied and gives nothing."""
        waiting = self._silent[account]
        while waiting:
            record = waiting.pop(0)
            try:
                (ledger, *_) = self._ledgers(record.timestamp)
                item = ledger.decode(record)
                outcome = ledger.decide(self.states.get(account), item)
            except (Reject, Halt, LookupError):
                continue
            if not outcome.drop and not any(emit.topic in NUMBERED for emit in outcome.emits):
                self.accept(item, outcome)
                self._used.append(record)
                return True
        return False

    def _find(self, invariant: str, record: Record, account: str, detail: str) -> None:
        place = record.topic, record.partition
        self._report.find(invariant, self._name, place, record.offset, account, detail)


def digest(key: bytes | None, value: bytes | None) -> bytes:
    """Digest a record that went to another partition, 16 bytes: it must be found there."""
    return hashlib.blake2b((key or b"") + b"\x00" + (value or b""), digest_size=16).digest()
