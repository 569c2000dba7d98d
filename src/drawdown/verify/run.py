"""A verification from beginning to end: ledger by ledger, shard by shard, memory bounded by accounts."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec

from drawdown.engine.commit import record_hash
from drawdown.engine.ledger import Ledger
from drawdown.engine.records import Record
from drawdown.errors import BadInput
from drawdown.topics import CODE_COMMANDS, PRICES, WALLET_COMMANDS
from drawdown.verify.cached import CacheCheck
from drawdown.verify.changelog import Changelog, Journal, Newest
from drawdown.verify.checkpoint import Checkpoint, Saved, refuse_another_log
from drawdown.verify.crossings import Crossings
from drawdown.verify.deciding import Decider
from drawdown.verify.equivalence import compare
from drawdown.verify.known import KnownIds
from drawdown.verify.letters import Letters
from drawdown.verify.outputs import Outputs
from drawdown.verify.prices import Published, priced, published
from drawdown.verify.replay import Replay, Streams
from drawdown.verify.report import LIVENESS, SKIPPED, UNPROVED, Note, Report
from drawdown.verify.source import Place, Source
from drawdown.verify.streams import Heads
from drawdown.wire.dead_letter import TOPIC as DEAD_LETTERS

Progress = Callable[[str], None]
_BETWEEN_LEDGERS = frozenset({WALLET_COMMANDS, CODE_COMMANDS})  # outputs there go to other keys' partitions


async def verify(
    source: Source,
    ledgers: Sequence[Ledger],
    *,
    account: str | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
    books: bool = True,
) -> Report:
    """Replay and check these ledgers up to their newest commits as of now.

    account: check its shard, and tell of this account alone. progress: told what is being looked at, in words.
    checkpoint: a file to go on from and to write anew.
    books: False leaves the plans ledger with the prices that it has, where there is no topic of them.
    """
    report = Report(account=account)
    if checkpoint is not None and account is not None:
        raise BadInput("--account and --checkpoint do not go together: a checkpoint is of whole shards")
    kept = None if checkpoint is None else Checkpoint(checkpoint)
    try:
        await _run(source, ledgers, report, progress=progress, books=books, kept=kept)
    except BaseException:
        if kept is not None:
            kept.give_up()
        raise
    if kept is not None:
        kept.finish()
    return report


async def _run(
    source: Source,
    ledgers: Sequence[Ledger],
    report: Report,
    *,
    progress: Progress | None,
    books: bool,
    kept: Checkpoint | None,
) -> None:
    snapshots = [await _Snapshot.take(source, ledger, report.account) for ledger in ledgers]
    # after the commits, so that no book is missing that one of them had read
    read = published([record async for record in _whole(source, (PRICES, 0))]) if books else None
    for snapshot in snapshots:
        crossings = Crossings(snapshot.ledger.name, report)
        for shard in snapshot.shards:
            if progress is not None:
                progress(f"{snapshot.ledger.name}, shard {shard} of {source.shards}")
            await _Shard(source, snapshot, shard, report, kept, progress).check(crossings, read)
        await crossings.check(source, await snapshot.crossed(source))


async def _whole(source: Source, place: Place) -> AsyncIterator[Record]:
    start, end = (await source.spans([place]))[place]
    async for record in source.read(place, start, end):
        yield record


class _Snapshot(msgspec.Struct):
    """A ledger's spans. The changelogs' ends are read first: what their commits say is then within the others' ends."""

    ledger: Ledger
    shards: Sequence[int]
    spans: dict[Place, tuple[int, int]]
    moved: frozenset[int]  # shards that were written to meanwhile

    @classmethod
    async def take(cls, source: Source, ledger: Ledger, account: str | None) -> "_Snapshot":
        shards = range(source.shards) if account is None else [source.shard_of(account.encode())]
        changelogs = [(f"changelog.{ledger.name}", shard) for shard in shards]
        spans = await source.spans(changelogs)
        names = (ledger.command_topic, *ledger.usage_topics, *own_outputs(ledger), f"known-ids.{ledger.name}")
        places = [(name, shard) for name in (*names, DEAD_LETTERS) for shard in shards]
        spans |= await source.spans(places)
        again = await source.spans(changelogs)
        moved = frozenset(shard for (name, shard), span in again.items() if span[1] != spans[name, shard][1])
        return cls(ledger, shards, spans, moved)

    async def crossed(self, source: Source) -> dict[Place, tuple[int, int]]:
        """Give the spans of where records cross to other partitions, as of now."""
        ledger = self.ledger
        names = {ledger.command_topic, *ledger.usage_topics, *(_BETWEEN_LEDGERS & set(ledger.output_topics))}
        return await source.spans([(name, shard) for name in names for shard in range(source.shards)])


def own_outputs(ledger: Ledger) -> tuple[str, ...]:
    """List the output topics that are keyed as the ledger's inputs are."""
    return tuple(topic for topic in ledger.output_topics if topic not in _BETWEEN_LEDGERS)


class _Shard:
    """One shard of one ledger."""

    def __init__(
        self,
        source: Source,
        snapshot: _Snapshot,
        shard: int,
        report: Report,
        kept: Checkpoint | None,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._ledger = snapshot.ledger
        self._shard = shard
        self._report = report
        self._spans = snapshot.spans
        self._moved = shard in snapshot.moved
        self._kept = kept
        self._progress = progress
        self._inputs = (self._ledger.command_topic, *self._ledger.usage_topics)

    async def check(self, crossings: Crossings, books: Sequence[Published] | None) -> None:
        """Check all."""
        newest = await self._changelog()
        taken = {topic: newest.taken.get(topic, 0) for topic in self._inputs}
        if newest.compacted:
            self._report.counts["changelogs compacted"] += 1
        await self._tell_waiting(taken)
        saved = await self._saved(newest)
        starts = {one.topic: one.next_offset for one in saved.commit.inputs} if saved else {}
        lost = [topic for topic in self._inputs if self._span(topic)[0] > starts.get(topic, 0)]
        unknown = sorted(newest.rules - self._ledger.by_rules().keys())
        if lost:
            told = f"retention removed the beginning of {', '.join(lost)}: amounts and outcomes are not proved"
            self._report.note(Note(UNPROVED, self._ledger.name, lost[0], self._shard, told))
        elif unknown:
            self._tell_unknown(unknown)
        else:
            await self._replay(newest, taken, crossings, books, saved)
        await CacheCheck(self._source, self._ledger.name, self._shard, self._report).check(newest)

    def _tell_unknown(self, rules: Sequence[int]) -> None:
        """Say that this release cannot decide what another one did."""
        theirs, known = (", ".join(str(one) for one in sorted(of)) for of in (rules, self._ledger.by_rules()))
        told = (
            f"commits by rules {theirs}, and this release knows {known}: amounts and outcomes are not proved; verify"
            " with a release that knows them all"
        )
        self._report.note(Note(UNPROVED, self._ledger.name, f"changelog.{self._ledger.name}", self._shard, told))

    def _span(self, topic: str) -> tuple[int, int]:
        return self._spans[topic, self._shard]

    def _read(self, topic: str, start: int = 0, end: int | None = None) -> AsyncIterator[Record]:
        first, last = self._span(topic)
        return self._source.read((topic, self._shard), max(first, start), last if end is None else min(last, end))

    async def _saved(self, newest: Newest) -> Saved | None:
        """Give the shard from the checkpoint. Raise BadInput when it is of another log."""
        saved = None if self._kept is None else self._kept.of(self._ledger.name, self._shard)
        if saved is None:
            return None
        known = self._ledger.by_rules().keys()
        refuse_another_log(saved, shards=self._source.shards, rules=known, newest=newest.commit)
        for one in saved.commit.inputs:
            place = one.topic, self._shard
            if one.last_offset < self._spans[place][0]:
                continue  # retention has passed it: nothing is left to compare
            async for record in self._source.read(place, one.last_offset, one.last_offset + 1):
                if record_hash(record.key, record.value) != one.last_hash:
                    told = f"{one.topic}/{self._shard} offset {one.last_offset} is not the record that it was"
                    raise BadInput(f"the checkpoint is of another log: {told}")
        told = f"up to commit {saved.commit.number} inputs and outputs were verified by an earlier run, not by this one"
        self._report.note(Note(SKIPPED, self._ledger.name, f"changelog.{self._ledger.name}", self._shard, told))
        return saved

    async def _changelog(self) -> Newest:
        name = self._ledger.name
        newest = await Changelog(name, self._shard, self._report).read(self._read(f"changelog.{name}"))
        newest.end = self._span(f"changelog.{name}")[1]
        return newest

    async def _tell_waiting(self, taken: dict[str, int]) -> None:
        for topic in self._inputs:
            start, end = self._span(topic)
            async for record in self._source.read((topic, self._shard), max(start, taken[topic]), end):
                told = f"records from offset {record.offset} on are not taken yet"
                self._report.note(Note(LIVENESS, self._ledger.name, topic, self._shard, told))
                break

    async def _replay(
        self,
        newest: Newest,
        taken: dict[str, int],
        crossings: Crossings,
        books: Sequence[Published] | None,
        saved: Saved | None,
    ) -> None:
        name, shard, report = self._ledger.name, self._shard, self._report
        ledger, own_books = priced(self._ledger, books)
        number = newest.commit.number if newest.commit else 0
        ids = f"known-ids.{name}"
        starts = dict(saved.starts) if saved else {}
        starts |= {one.topic: one.next_offset for one in saved.commit.inputs} if saved else {}
        before = len(report.findings) + report.untold.total()
        streams = Streams(
            inputs={topic: Heads(self._read(topic, starts.get(topic, 0), taken[topic])) for topic in self._inputs},
            outputs={
                topic: Outputs(
                    (topic, shard),
                    name,
                    self._read(topic, starts.get(topic, 0)),
                    report,
                    whole=not self._span(topic)[0],
                )
                for topic in own_outputs(ledger)
            },
            letters=Letters(shard, name, self._read(DEAD_LETTERS, starts.get(DEAD_LETTERS, 0)), report),
            known=KnownIds(name, shard, self._read(ids, starts.get(ids, 0)), report, number),
            journal=Journal(name, shard, self._read(f"changelog.{name}"), report),
        )
        deciders = {
            rules: Decider(one, shard, self._source.shard_of) for rules, one in sorted(ledger.by_rules().items())
        }
        replay = Replay(deciders, ledger, shard, streams, own_books, crossings, report, self._progress)
        if saved is not None:
            replay.resume(saved)
        await replay.run()
        for outputs in streams.outputs.values():
            await outputs.rest(taken, moved=self._moved)
        await streams.letters.rest(taken, moved=self._moved)
        await streams.known.rest()
        await streams.journal.rest()
        await compare(self._source, ledger, shard, replay.states, newest, report)
        if self._kept is not None and newest.commit and before == len(report.findings) + report.untold.total():
            self._kept.save(replay.saved(newest.commit, self._source.shards))
