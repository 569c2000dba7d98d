"""The whole verification: ledger by ledger, shard by shard."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from drawdown.domain.policy import Policy
from drawdown.engine.ledger import Ledger
from drawdown.ledgers.plans import PlansLedger
from drawdown.topics import PRICES
from drawdown.verify.checkpoint import ShardPoint
from drawdown.verify.model import COMPLETENESS, CONSERVATION, CacheReader, Report, Source
from drawdown.verify.prices import PriceHistory
from drawdown.verify.replay import digest
from drawdown.verify.shard import ShardCheck

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
        points: Mapping[tuple[str, int], ShardPoint] | None = None,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        """Read from a source. caches: ledger → its Redis; a ledger without one is not compared with it.

        points: ledger, shard → where an earlier run ended. now_ms: a clock, for what Redis may have forgotten by now.
        """
        self.report = Report()
        self._source = source
        self._ledgers = ledgers
        self._shard_of = shard_of
        self._prices = PriceHistory(policy)
        self._caches = caches
        self._now_ms = now_ms
        self._points = dict(points or {})
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
                await self._verify(ledger, shard)
        told("what went from ledger to ledger")
        await self._find_elsewhere(set(shards))
        self._compare_totals()
        return self.report

    async def _verify(self, ledger: Ledger, shard: int) -> None:
        """Verify one shard, and keep what it cannot judge alone."""
        deciders = self._prices.ledgers if isinstance(ledger, PlansLedger) else lambda _: [ledger]
        check = ShardCheck(self._source, ledger, shard, deciders, self._shard_of, self.report)
        cache, before = self._caches.get(ledger.name), self._points.get((ledger.name, shard))
        point = await check.verify(cache, before, self._now_ms())
        if point is not None:
            self._points[ledger.name, shard] = point
        self._elsewhere += check.replay.elsewhere
        self._elsewhere += check.leftovers.forwarded
        for account, total in check.replay.totals.items():
            if account not in check.replay.lost:
                self._totals[ledger.name][account] = total

    @property
    def points(self) -> list[ShardPoint]:
        """What a later run may go on from, once this one found nothing."""
        return list(self._points.values())

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
