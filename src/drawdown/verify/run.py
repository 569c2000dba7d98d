"""The whole verification: ledger by ledger, shard by shard."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from drawdown.domain.limits import VERIFY_CHUNK_RECORDS, VERIFY_SETTLE_MS
from drawdown.domain.policy import Policy
from drawdown.engine.commit import CommitRecord
from drawdown.engine.ledger import Ledger
from drawdown.ledgers.plans import PlansLedger
from drawdown.topics import DEAD_LETTERS, PRICES
from drawdown.verify.held import Held, compare_cache, compare_states, held_by, newest_of
from drawdown.verify.leftovers import Leftovers, taken_to
from drawdown.verify.model import COMPLETENESS, CONSERVATION, POSITIONS, CacheReader, Place, Report, Source
from drawdown.verify.prices import PriceHistory
from drawdown.verify.reading import Outputs, Window
from drawdown.verify.replay import NUMBERED, Replay, digest

Told = Callable[[str], None]


class Verification:
    """Verifies the log of some ledgers."""

    def __init__(
        self,
        source: Source,
        ledgers: Sequence[Ledger],
        shard_of: Callable[[bytes], int],
        policy: Policy,
        caches: Mapping[str, CacheReader],
    ) -> None:
        """Read from a source. caches: ledger → its Redis; a ledger without one is not compared with it."""
        self.report = Report()
        self._source = source
        self._ledgers = ledgers
        self._shard_of = shard_of
        self._prices = PriceHistory(policy)
        self._caches = caches
        self._elsewhere: Counter[tuple[str, int, bytes]] = Counter()
        self._totals: dict[str, dict[str, Decimal]] = defaultdict(dict)

    async def run(self, shards: Iterable[int], told: Told = lambda _: None) -> Report:
        """Verify these shards of every ledger. told: hears what is being looked at."""
        shards = list(shards)
        if any(isinstance(ledger, PlansLedger) for ledger in self._ledgers):
            async for record in self._source.read(await self._source.spans([(PRICES, 0)])):
                self._prices.add(record)
        for ledger in self._ledgers:
            for shard in shards:
                told(f"{ledger.name} shard {shard}")
                await _Shard(self, ledger, shard).verify()
        told("what went from ledger to ledger")
        await self._find_elsewhere(set(shards))
        self._compare_totals()
        return self.report

    def keep(self, ledger: Ledger, replay: Replay, leftovers: Leftovers) -> None:
        """Take over what one shard cannot judge alone."""
        self._elsewhere += replay.elsewhere
        self._elsewhere += leftovers.forwarded
        for account, total in replay.totals.items():
            if account not in replay.lost:
                self._totals[ledger.name][account] = total

    async def _find_elsewhere(self, shards: set[int]) -> None:
        """Look for every record that a ledger sent to another partition, or that was forwarded there."""
        for topic, partition in sorted({(topic, at) for topic, at, _ in self._elsewhere if at in shards}):
            place = topic, partition
            spans = await self._source.spans([place])
            if spans[place][0]:
                self.report.note(f"{topic}/{partition} does not begin at 0: what was sent there cannot all be found")
                continue
            async for record in self._source.read(spans):
                self._elsewhere.subtract([(topic, partition, digest(record.key, record.value))])
            lacking = sum(n for (name, at, _), n in self._elsewhere.items() if (name, at) == place and n > 0)
            if lacking:
                detail = f"{lacking} records that other inputs lead to are missing"
                self.report.find(COMPLETENESS, "", place, -1, "", detail)

    def _compare_totals(self) -> None:
        """Every account's overages come to what its wallet drew, and refused with a notice."""
        if not {"plans", "wallet"} <= self._totals.keys() or self.report.counts["wallet waiting"]:
            return
        plans, wallet = self._totals["plans"], self._totals["wallet"]
        for account in sorted(plans.keys() & wallet.keys()):
            if plans[account] != wallet[account]:
                detail = f"overages come to {plans[account]}, the wallet drew {wallet[account]}"
                self.report.find(CONSERVATION, "", (PRICES, 0), -1, account, detail)


class _Shard:
    """One ledger and shard."""

    def __init__(self, whole: Verification, ledger: Ledger, shard: int) -> None:
        self._whole = whole
        self._source = whole._source  # noqa: SLF001  its own helper
        self._report = whole.report
        self._ledger = ledger
        self._shard = shard
        self._inputs = (ledger.command_topic, *ledger.usage_topics)

    async def verify(self) -> None:
        ledger, shard = self._ledger, self._shard
        own = await self._spans([f"changelog.{ledger.name}", f"known-ids.{ledger.name}"])
        held = await held_by(self._source, ledger.name, shard, own, self._report)
        spans = await self._spans([*self._numbered(), DEAD_LETTERS])
        cut = frozenset(topic for (topic, _), (start, _) in spans.items() if start)
        for topic in sorted(cut):
            self._report.note(f"{topic}/{shard} begins at offset {spans[topic, shard][0]}: what was before is gone")
        outputs = Outputs(self._source, spans)
        inputs = await self._spans(self._inputs)
        windows = {topic: Window(self._source, (topic, shard), inputs[topic, shard]) for topic in self._inputs}
        self._watch(held.commit, windows)
        shard_of = self._whole._shard_of  # noqa: SLF001
        replay = Replay(ledger.name, shard, self._deciders, windows, self._report, shard_of, cut)
        leftovers = Leftovers(self._likeliest(held), shard, replay, self._report, shard_of)
        await self._follow(outputs, windows, replay, leftovers)
        if not self._numbered():
            await self._in_order(windows, replay, held)
        await self._rest(windows, replay, leftovers, held)
        newest = await newest_of(self._source, ledger.name, shard, own, held)
        self._check_positions(windows, held.commit, newest)
        if newest == held.commit:
            compare_states(self._likeliest(held), shard, held, replay, self._report)
            cache = self._whole._caches.get(ledger.name)  # noqa: SLF001
            if cache is not None:
                await compare_cache(cache, ledger.name, shard, held, self._report)
        else:
            self._report.note(f"{ledger.name} shard {shard} is written to: its states and Redis were not compared")
        self._whole.keep(ledger, replay, leftovers)

    def _numbered(self) -> list[str]:
        return [topic for topic in self._ledger.output_topics if topic in NUMBERED]

    async def _spans(self, topics: Iterable[str]) -> dict[Place, tuple[int, int]]:
        return await self._source.spans([(topic, self._shard) for topic in topics])

    def _deciders(self, appended: int) -> Sequence[Ledger]:
        prices = self._whole._prices  # noqa: SLF001
        return prices.ledgers(appended) if isinstance(self._ledger, PlansLedger) else [self._ledger]

    def _likeliest(self, held: Held) -> Ledger:
        return self._deciders(held.commit.watermark if held.commit else 0)[0]

    async def _follow(self, outputs: Outputs, windows: dict[str, Window], replay: Replay, leftovers: Leftovers) -> None:
        """Take the outputs in order; now and then judge inputs that nothing accounted for, and forget old ids."""
        count = 0
        while (record := await outputs.next()) is not None:
            await replay.output(record)
            count += 1
            if count % VERIFY_CHUNK_RECORDS:
                continue
            old = record.timestamp - VERIFY_SETTLE_MS
            for window in windows.values():
                older = [at for at, one in window.open.items() if one.timestamp < old and at < window.newest]
                leftovers.judge(window, max(older, default=-1) + 1, last=False)
            replay.ids.forget(min((w.oldest() for w in windows.values()), default=old))

    async def _in_order(self, windows: dict[str, Window], replay: Replay, held: Held) -> None:
        """Replay a ledger whose outputs all go to other shards: it has one input, whose order is the offsets'."""
        for topic, window in windows.items():
            while await window.read_on():
                pass
            for offset in [one for one in window.open if one < taken_to(held.commit, topic)]:
                replay.plainly(self._ledger, window.open[offset])

    async def _rest(self, windows: dict[str, Window], replay: Replay, leftovers: Leftovers, held: Held) -> None:
        """Read the inputs to their ends; what was taken must be explained."""
        for window in windows.values():
            while await window.read_on():
                pass
        replay.offer([record for window in windows.values() for record in window.open.values()])
        await replay.end()
        for topic, window in windows.items():
            before = taken_to(held.commit, topic)
            replay.forget_used(window)
            leftovers.judge(window, before, last=True)
            carried = topic in self._ledger.watermark_from
            waiting = sum(1 for record in window.open.values() if not (carried and not record.value))
            self._report.counts[f"{self._ledger.name} waiting"] += waiting

    def _watch(self, commit: CommitRecord | None, windows: dict[str, Window]) -> None:
        for position in commit.inputs if commit else ():
            windows[position.topic].watched.add(position.last_offset)

    def _check_positions(
        self, windows: dict[str, Window], commit: CommitRecord | None, newest: CommitRecord | None
    ) -> None:
        """Look for all that the commit record says is taken; nothing more may have been taken."""
        name = self._ledger.name
        for position in commit.inputs if commit else ():
            window = windows[position.topic]
            if position.next_offset > window.end:
                detail = f"taken before offset {position.next_offset}, but the topic ends at {window.end}"
                self._report.find(POSITIONS, name, window.place, position.next_offset, "", detail)
            elif window.start <= position.last_offset and window.hashes.get(position.last_offset) != position.last_hash:
                detail = "the last record taken is another one now"
                self._report.find(POSITIONS, name, window.place, position.last_offset, "", detail)
        for topic, window in windows.items():
            if window.newest >= taken_to(newest, topic):
                detail = f"it has an outcome, but the newest commit took only what is before {taken_to(newest, topic)}"
                self._report.find(POSITIONS, name, window.place, window.newest, "", detail)
