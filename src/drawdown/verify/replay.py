"""The replay of one shard: every input through `decide` in the recorded order, beside what was published."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from drawdown.domain.errors import Reject
from drawdown.domain.limits import VERIFY_PROGRESS_RECORDS
from drawdown.engine.commit import CommitRecord
from drawdown.engine.input import Input
from drawdown.engine.ledger import Ledger, clocked_by
from drawdown.engine.records import Record
from drawdown.engine.shard import is_tick
from drawdown.verify.changelog import Journal, Taken
from drawdown.verify.checkpoint import Saved
from drawdown.verify.crossings import Crossings
from drawdown.verify.deciding import Decided, Decider
from drawdown.verify.known import KnownIds
from drawdown.verify.letters import Letters
from drawdown.verify.memory import Memory
from drawdown.verify.money import checks_of
from drawdown.verify.outputs import Outputs
from drawdown.verify.overlaps import Overlaps
from drawdown.verify.prices import Books
from drawdown.verify.report import COMPLETENESS, UNPROVED, Finding, Note, Report
from drawdown.verify.streams import Heads
from drawdown.wire.dead_letter import TOPIC as DEAD_LETTERS

Reading = tuple[Decided | None, Input | None]  # what becomes of a record whatever came before, or its input


class Head(msgspec.Struct):
    """The next record of an input. free: what becomes of it whatever came before; item: of the others.

    taken: the first known commit that had taken it. ways: the rules that may have decided it, the likeliest first.
    droppable: at some moment since, it would have changed nothing.
    """

    record: Record
    taken: Taken | None
    ways: Sequence[Decider]
    free: Decided | None = None
    item: Input | None = None
    droppable: bool = False


class Streams(msgspec.Struct, frozen=True):
    """What a replay reads side by side."""

    inputs: dict[str, Heads]
    outputs: dict[str, Outputs]
    letters: Letters
    known: KnownIds
    journal: Journal


class Replay:
    """One ledger's shard, from a beginning to its newest commit."""

    def __init__(
        self,
        deciders: Mapping[int, Decider],
        ledger: Ledger,
        shard: int,
        streams: Streams,
        books: Books,
        crossings: Crossings,
        report: Report,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        """Begin with no account and no id. deciders: by the rules they decide by. progress: told how far it is."""
        self._progress = progress
        self.states: dict[str, object] = {}
        self.memory = Memory()
        self._deciders = deciders
        self._ledger = ledger
        self._shard = shard
        self._streams = streams
        self._books = books
        self._crossings = crossings
        self._report = report
        self._money = checks_of(self._ledger.name)
        self._overlaps = Overlaps(self._ledger.name, report)
        self._clocks = frozenset(clocked_by(self._ledger))
        self._topics = (self._ledger.command_topic, *self._ledger.usage_topics)
        self._heads: dict[str, Head] = {}

    def resume(self, saved: Saved) -> None:
        """Go on where an earlier replay stood."""
        self.states = {account: self._ledger.decode_state(value) for account, value in saved.states.items()}
        for entry in saved.ids:
            self.memory.restore(*entry)
        self.memory.pass_time(saved.clock)
        self._books.read_to(saved.prices)
        for topic, outputs in self._streams.outputs.items():
            outputs.resume(saved.seqs[topic], saved.starts[topic])
        self._streams.letters.next_offset = saved.starts[DEAD_LETTERS]
        self._streams.known.next_offset = saved.starts[self._streams.known.topic]
        reached = {one.topic: one.last_offset for one in saved.commit.inputs}
        self._streams.journal.resume(saved.commit.number, saved.commit.prices_offset, reached)

    def saved(self, commit: CommitRecord, shards: int) -> Saved:
        """Give all that it takes to go on from here."""
        streams = self._streams
        starts = {topic: outputs.next_offset for topic, outputs in streams.outputs.items()}
        starts |= {DEAD_LETTERS: streams.letters.next_offset, streams.known.topic: streams.known.next_offset}
        return Saved(
            ledger=self._ledger.name,
            shard=self._shard,
            shards=shards,
            rules=self._ledger.rules,
            commit=commit,
            starts=starts,
            prices=self._books.offset,
            states={account: self._ledger.encode_state(state) for account, state in self.states.items()},
            ids=self.memory.items(),
            seqs={topic: outputs.taken_to for topic, outputs in streams.outputs.items()},
            clock=self.memory.clock,
        )

    async def run(self) -> None:
        """Replay all."""
        done = 0
        while heads := await self._all_heads():
            head = await self._next(heads)
            done += 1
            if self._progress is not None and not done % VERIFY_PROGRESS_RECORDS:
                self._progress(f"{self._ledger.name}, shard {self._shard}: {done} inputs replayed")
            await self._settle(head)
            self._pass(head.record)

    # --- which comes next ---------------------------------------------------------------------

    async def _all_heads(self) -> list[Head]:
        for topic in self._topics:
            if topic in self._heads:
                continue
            record = await self._streams.inputs[topic].head()
            if record is not None:
                self._heads[topic] = await self._read(record)
        return [self._heads[topic] for topic in self._topics if topic in self._heads]

    async def _read(self, record: Record) -> Head:
        taken = await self._streams.journal.of(record.topic, record.offset)
        head = Head(record, taken, self._ways(taken))
        if record.topic in self._ledger.watermark_from and is_tick(record):
            head.free = Decided(drop=True)
            return head
        head.free, head.item = await self._told([self._reading(record, way) for way in head.ways], record)
        return head

    async def _told(self, readings: Sequence[Reading], record: Record) -> Reading:
        """Give the reading that the record's dead letter tells, or its absence; else the likeliest."""
        if len(readings) == 1:
            return readings[0]
        letters = self._streams.letters
        for free, item in readings:
            if free is not None and await letters.fits(free.letter, record):
                return free, item
        unrefused = await letters.at(record) is None
        return next((reading for reading in readings if unrefused and reading[1]), readings[0])

    def _reading(self, record: Record, way: Decider) -> Reading:
        """Read a record by some rules."""
        if record.key is not None:
            owner = way.owner(record.key)
            if owner != self._shard:
                return way.misplaced(record, owner), None
        try:
            return None, way.ledger.decode(record)
        except Reject as reject:
            return way.refused(record, reject), None

    def _ways(self, taken: Taken | None) -> Sequence[Decider]:
        """Give the rules that decided a record: those its commit names, or else any, what was published tells which."""
        named = self._deciders[self._ledger.rules if taken is None else taken.rules]
        if taken is not None and taken.exact:
            return (named,)
        return (named, *(other for other in self._deciders.values() if other is not named))

    async def _next(self, heads: Sequence[Head]) -> Head:
        """Give the head that was decided next: as its commit tells, or else as what was published tells."""
        if len(heads) == 1:
            return heads[0]
        numbers = [head.taken.number for head in heads if head.taken is not None]
        first = min(numbers, default=0)
        together = [head for head in heads if head.taken is not None and head.taken.number == first]
        if together and all(head.taken is not None and head.taken.exact for head in together):
            return _of_a_take(together, self._ledger.command_topic)
        return await self._guided(heads)

    async def _guided(self, heads: Sequence[Head]) -> Head:
        """Find what was decided next where the commit records are compacted away (docs/decisions/0018)."""
        for head in heads:
            if head.item is None or await self._is_evident(head, head.item):
                return head
        ranked = [(await self._rank(head, head.item), index) for index, head in enumerate(heads) if head.item]
        return heads[min(ranked)[1]]

    async def _is_evident(self, head: Head, item: Input) -> bool:
        """Say whether what was published is what this head leads to now."""
        if self.memory.get(item.identity) is not None:
            return True
        is_next = not item.remember or await self._streams.known.next_is(item.identity)
        if not is_next and await self._streams.letters.at(head.record) is None:
            return False
        for way in head.ways:
            if await self._is_published(way.decide(self.states.get(item.key), item), head.record, item):
                return True
        return False

    async def _is_published(self, decided: Decided, record: Record, item: Input) -> bool:
        if decided.letter is not None:
            return await self._streams.letters.fits(decided.letter, record)
        if decided.drop or decided.halted or (item.remember and decided.known != await self._streams.known.next()):
            return False
        return await self._outputs_match(decided)

    async def _outputs_match(self, decided: Decided) -> bool:
        for topic, outputs in self._streams.outputs.items():
            wants = [want for want in decided.outputs if want.topic == topic]
            if wants and not await outputs.matches(wants):
                return False
        return True

    async def _rank(self, head: Head, item: Input) -> int:
        """Say how late a head is to be tried that nothing published speaks for; the least is the next."""
        if item.remember and await self._streams.known.next_is(item.identity):
            return 0
        if head.droppable or head.ways[0].decide(self.states.get(item.key), item).drop:
            return 1
        if item.remember and await self._streams.known.in_view(item.identity):
            return 3
        return 2

    # --- what it leads to ---------------------------------------------------------------------

    async def _settle(self, head: Head) -> None:
        """Decide a head, and compare what was published."""
        self._report.counts["inputs"] += 1
        record = head.record
        self._read_prices(head)
        decided = await self._decided(head)
        for want in decided.crossing:
            self._crossings.expect(want, record)
        if decided.letter is not None:
            await self._streams.letters.take(decided.letter, record)
            return
        item = head.item
        if item is None or decided.drop:
            return
        if decided.halted:
            self._find(COMPLETENESS, record, item.key, "an input that follows from those before it", decided.halted)
            return
        if not await self._was_applied(item, decided):
            return
        self._report.counts["applied"] += 1
        for want in decided.outputs:
            await self._streams.outputs[want.topic].take(want, item.key, record)
        if decided.known is not None:
            await self._streams.known.take(decided.known, item.key, record)
            self.memory.add(decided.known)
        self._overlaps.see(item)
        if decided.state is not None:
            self._check_money(item, decided)
            self._change(item.key, decided.state)

    def _check_money(self, item: Input, decided: Decided) -> None:
        if self._money is None:
            return
        before = self.states.get(item.key)
        for invariant, expected, found in self._money.step(before, decided.state, item, decided.outputs):
            self._find(invariant, item.record, item.key, expected, found)

    async def _decided(self, head: Head) -> Decided:
        item = head.item
        if item is None:
            return head.free or Decided(drop=True)
        value = self.memory.get(item.identity)
        state = self.states.get(item.key)
        if value is not None:
            letter = await self._streams.letters.at(head.record)
            if letter is None and value[: len(item.content)] == item.content:
                self._report.counts["duplicates"] += 1
                return Decided(drop=True)
            return await self._known_again(head, item, same=value[: len(item.content)] == item.content)
        way, decided = await self._way(head, item)
        guided = head.taken is None or not head.taken.exact
        if guided and head.droppable and not await self._outputs_match(decided):
            return Decided(drop=True)
        while self._books.waiting and not await self._explained(head.record, decided) and self._books.read_one():
            decided = way.decide(state, item)  # a book that its worker knew and no commit tells of
        return decided

    async def _known_again(self, head: Head, item: Input, *, same: bool) -> Decided:
        """Decide an input whose id is known. same: with the same content."""
        for way in head.ways:
            conflict = way.conflict(item)
            if not same and await self._streams.letters.fits(conflict.letter, head.record):
                return conflict
            again = way.decide(self.states.get(item.key), item)  # its worker may have forgotten the id
            if again.letter is not None and await self._streams.letters.fits(again.letter, head.record):
                return again
        return Decided(drop=True) if same else head.ways[0].conflict(item)

    async def _way(self, head: Head, item: Input) -> tuple[Decider, Decided]:
        """Give the rules that explain what was published of an input, and what they lead to; else the likeliest."""
        state = self.states.get(item.key)
        likeliest = head.ways[0], head.ways[0].decide(state, item)
        if len(head.ways) == 1 or await self._explained(head.record, likeliest[1]):
            return likeliest
        for way in head.ways[1:]:
            decided = way.decide(state, item)
            if await self._explained(head.record, decided):
                return way, decided
        return likeliest

    async def _explained(self, record: Record, decided: Decided) -> bool:
        if decided.drop or decided.halted:
            return True
        if decided.letter is not None:
            return await self._streams.letters.fits(decided.letter, record)
        return await self._outputs_match(decided)

    def _read_prices(self, head: Head) -> None:
        taken = head.taken
        if taken is not None:
            self._books.read_to(taken.prices if taken.exact else taken.prices_before)

    async def _was_applied(self, item: Input, decided: Decided) -> bool:
        """Say whether anything of an input was published; where nothing was, it has no outcome."""
        streams = self._streams
        if decided.known is not None and await streams.known.in_view(item.identity):
            return True
        for want in decided.outputs:
            if await streams.outputs[want.topic].present(want):
                return True
        record = item.record
        if item.remember and item.forget_at < self.memory.forgotten_to:
            told = f"offset {record.offset} has no outcome: that it repeats an id that is forgotten is not proved"
            self._report.note(Note(UNPROVED, self._ledger.name, record.topic, record.partition, told))
            return False
        expected = "one outcome: a charge, an overage, an event or a dead letter"
        if not item.remember and decided.outputs:
            wants = ", ".join(want.topic for want in decided.outputs)
            self._find(COMPLETENESS, record, item.key, f"its outputs on {wants}", "none of them")
            return True  # it is known again by its number: leaving it out would make all after it wrong
        self._find(COMPLETENESS, record, item.key, expected, "none, and its id is not remembered")
        return False

    def _change(self, key: str, state: object) -> None:
        self.states[key] = state
        head = self._heads.get(self._ledger.command_topic)
        if head is not None and head.item is not None and head.item.key == key and not head.droppable:
            head.droppable = head.ways[0].decide(state, head.item).drop

    def _pass(self, record: Record) -> None:
        del self._heads[record.topic]
        self._streams.inputs[record.topic].take()
        self._streams.journal.taken(record)
        if record.topic in self._clocks:
            self.memory.pass_time(record.timestamp)

    def _find(self, invariant: str, record: Record, account: str, expected: str, found: str) -> None:
        place = record.topic, record.partition, record.offset
        self._report.find(Finding(invariant, self._ledger.name, *place, account, expected, found))


def _of_a_take(heads: Sequence[Head], commands: str) -> Head:
    """Give what a take decides first: commands, then usage by append time."""
    if heads[0].record.topic == commands:
        return heads[0]
    return min(heads, key=lambda head: head.record.timestamp)
