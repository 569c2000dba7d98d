"""The verification of one ledger's shard: outputs against inputs, what is left, and the ledger's own topics."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from drawdown.domain.limits import VERIFY_AGAIN_MAX, VERIFY_AGAIN_MS, VERIFY_CHUNK_RECORDS, VERIFY_SETTLE_MS
from drawdown.engine.commit import CommitRecord
from drawdown.engine.ledger import Ledger
from drawdown.errors import BadInput
from drawdown.topics import DEAD_LETTERS
from drawdown.verify.checkpoint import ShardPoint
from drawdown.verify.held import Held, compare_cache, compare_states, held_by, newest_of
from drawdown.verify.leftovers import Leftovers, taken_to
from drawdown.verify.model import POSITIONS, CacheReader, Place, Report, Source, Span
from drawdown.verify.reading import Outputs, Window
from drawdown.verify.replay import NUMBERED, Replay


class ShardCheck:
    """Verifies one ledger and shard, up to its newest commit as of the beginning."""

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        shard: int,
        deciders: Callable[[int], Sequence[Ledger]],
        shard_of: Callable[[bytes], int],
        report: Report,
    ) -> None:
        """Look at nothing yet. deciders: append time of an input, ms → those that may have decided it."""
        self._source = source
        self._ledger = ledger
        self._shard = shard
        self._deciders = deciders
        self._shard_of = shard_of
        self._report = report
        self._inputs = (ledger.command_topic, *ledger.usage_topics)
        self._numbered = [topic for topic in ledger.output_topics if topic in NUMBERED]
        self.replay: Replay
        self.leftovers: Leftovers

    async def verify(self, cache: CacheReader | None, point: ShardPoint | None, now: int) -> ShardPoint | None:
        """Verify; give what to go on from, None before the first commit. point: where an earlier run ended; now: ms."""
        ledger, shard, source = self._ledger, self._shard, self._source
        own = await self._spans([f"changelog.{ledger.name}", f"known-ids.{ledger.name}"])
        held = await held_by(source, ledger.name, shard, own, self._report)
        _check_log(point, held, ledger.name, shard)
        spans = await self._spans(self._inputs)
        windows = {}
        for topic in self._inputs:
            start, end = spans[topic, shard]
            windows[topic] = Window(source, (topic, shard), (start, min(taken_to(held.commit, topic), end)))
        outputs, cut = await self._outputs(point)
        self.replay = Replay(ledger.name, shard, self._deciders, windows, self._report, self._shard_of, cut)
        self.leftovers = Leftovers(self._decider(held), shard, self.replay, self._report, self._shard_of)
        if point is not None:
            self._resume(point, windows)
        for position in held.commit.inputs if held.commit else ():
            windows[position.topic].watched.add(position.last_offset)
        await self._follow(outputs, windows)
        await self._rest(windows, held)
        await self._waiting(windows, spans)
        newest = await newest_of(source, ledger.name, shard, own, held)
        self._check_positions(windows, spans, held.commit, newest)
        compare_states(self._decider(held), shard, held, self.replay, self._report)
        if newest != held.commit:
            self._report.note(f"{ledger.name} shard {shard} is written to: Redis was not compared")
        elif cache is not None:
            await compare_cache(cache, ledger.name, shard, held, self._report, now)
        return self._point(held.commit, windows, outputs) if held.commit else None

    async def _spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        return await self._source.spans([(topic, self._shard) for topic in topics])

    def _decider(self, held: Held) -> Ledger:
        return self._deciders(held.commit.watermark if held.commit else 0)[0]

    # --- outputs and inputs -----------------------------------------------------------------------

    async def _outputs(self, point: ShardPoint | None) -> tuple[Outputs, frozenset[str]]:
        """Give the outputs to look at, and the topics whose first ones are not kept any more."""
        spans = await self._spans([*self._numbered, DEAD_LETTERS])
        cut = []
        for (topic, shard), (start, end) in list(spans.items()):
            begins = point.outputs.get(topic, 0) if point else 0
            if start > begins:
                cut.append(topic)
                self._report.note(f"{topic}/{shard} begins at offset {start}: what was before is not kept any more")
            spans[topic, shard] = max(start, begins), end
        return Outputs(self._source, spans), frozenset(cut)

    async def _follow(self, outputs: Outputs, windows: Mapping[str, Window]) -> None:
        """Take the outputs in order; now and then judge inputs that nothing accounted for, and forget old ids."""
        count = 0
        for again in range(VERIFY_AGAIN_MAX + 1):
            while (record := await outputs.next()) is not None:
                if not await self.replay.output(record):
                    outputs.set_aside(record)
                count += 1
                if not count % VERIFY_CHUNK_RECORDS:
                    self._tidy(windows, record.timestamp - VERIFY_SETTLE_MS)
            if not self.replay.lacks or again == VERIFY_AGAIN_MAX:
                return
            await asyncio.sleep(VERIFY_AGAIN_MS / 1000)  # a transaction of another ledger may have hidden them
            outputs.extend(await self._spans([*self._numbered, DEAD_LETTERS]))

    def _tidy(self, windows: Mapping[str, Window], before: int) -> None:
        for window in windows.values():
            older = [at for at, one in window.open.items() if one.timestamp < before and at < window.newest]
            self.leftovers.judge(window, max(older, default=-1) + 1, last=False)
        self.replay.ids.forget(min((window.oldest() for window in windows.values()), default=before))

    async def _rest(self, windows: Mapping[str, Window], held: Held) -> None:
        """Read on to all that was taken; what no output told must be explained."""
        for window in windows.values():
            while await window.read_on():
                pass
        if not self._numbered:  # all goes to other shards: there is one input, and its order is the offsets'
            for window in windows.values():
                for record in list(window.open.values()):
                    self.replay.plainly(self._decider(held), record)
        self.replay.offer([record for window in windows.values() for record in window.open.values()])
        await self.replay.end()
        for window in windows.values():
            self.replay.forget_used(window)
            self.leftovers.judge(window, window.end, last=True)

    async def _waiting(self, windows: Mapping[str, Window], spans: Mapping[Place, Span]) -> None:
        """Count what was not taken, but for ticks; a chunk at most of each input."""
        for topic, window in windows.items():
            start, end = max(window.start, window.end), spans[window.place][1]
            until = min(end, start + VERIFY_CHUNK_RECORDS)
            async for record in self._source.read({window.place: (start, until)}):
                if record.value or topic not in self._ledger.watermark_from:
                    self._report.counts[f"{self._ledger.name} waiting"] += 1

    def _check_positions(
        self,
        windows: Mapping[str, Window],
        spans: Mapping[Place, Span],
        commit: CommitRecord | None,
        newest: CommitRecord | None,
    ) -> None:
        """Look for all that the commit record says is taken; nothing more may have been taken."""
        name = self._ledger.name
        for position in commit.inputs if commit else ():
            window, end = windows[position.topic], spans[position.topic, self._shard][1]
            if position.next_offset > end:
                detail = f"taken before offset {position.next_offset}, but the topic ends at {end}"
                self._report.find(POSITIONS, name, window.place, position.next_offset, "", detail)
            elif position.last_offset in window.hashes and window.hashes[position.last_offset] != position.last_hash:
                detail = "the last record taken is another one now"
                self._report.find(POSITIONS, name, window.place, position.last_offset, "", detail)
        for topic, offset in self.replay.beyond.items():
            if offset >= taken_to(newest, topic):
                detail = f"it has an outcome, but the newest commit took only what is before {taken_to(newest, topic)}"
                self._report.find(POSITIONS, name, (topic, self._shard), offset, "", detail)

    # --- checkpoints --------------------------------------------------------------------------------

    def _resume(self, point: ShardPoint, windows: Mapping[str, Window]) -> None:
        replay = self.replay
        decode = self._ledger.decode_state
        replay.states.update((account, decode(value)) for account, value in point.states.items())
        replay.ids.resume(point.ids)
        replay.seq.update(((topic, account), seq) for topic, account, seq in point.seq)
        replay.totals.update((account, Decimal(total)) for account, total in point.totals.items())
        replay.lost.update(point.lost)
        for topic, offset in point.read.items():
            windows[topic].read_to = max(offset, windows[topic].start)
        for record in point.left:
            windows[record.topic].open[record.offset] = record

    def _point(self, commit: CommitRecord, windows: Mapping[str, Window], outputs: Outputs) -> ShardPoint:
        replay, encode = self.replay, self._ledger.encode_state
        replay.ids.forget(commit.watermark)
        return ShardPoint(
            self._ledger.name,
            self._shard,
            commit.number,
            commit.chain,
            {account: encode(state) for account, state in replay.states.items()},
            replay.ids.kept(),
            [(topic, account, seq) for (topic, account), seq in replay.seq.items()],
            {topic: window.read_to for topic, window in windows.items()},
            [record for window in windows.values() for record in window.open.values()],
            outputs.reached(),
            {account: str(total) for account, total in replay.totals.items()},
            sorted(replay.lost),
        )


def _check_log(point: ShardPoint | None, held: Held, ledger: str, shard: int) -> None:
    """Raise BadInput when a checkpoint was made of another log."""
    if point is None:
        return
    commit = held.commit
    same = commit is not None and commit.number == point.number
    if commit is None or commit.number < point.number or (same and commit.chain != point.chain):
        told = f"{ledger} shard {shard} is at commit {commit.number if commit else 0}, the checkpoint at {point.number}"
        raise BadInput(f"the checkpoint is of another log, or this one has lost data: {told}")
