"""The cache beside the log: at its cursor it must hold what changelog and known ids say, and nothing else."""

from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.changelog import decode_known_ids
from drawdown.engine.commit import GENESIS, CommitRecord, Cursor
from drawdown.engine.errors import Halt
from drawdown.verify.changelog import Changelog, Newest, digest_of
from drawdown.verify.report import CACHE, UNPROVED, Finding, Note, Report
from drawdown.verify.source import Source

_TRIES = 5


class CacheCheck:
    """Compares one shard's cache with its log, as both were when no worker wrote."""

    def __init__(self, source: Source, ledger: str, shard: int, report: Report) -> None:
        """Compare nothing yet."""
        self._source = source
        self._ledger = ledger
        self._shard = shard
        self._report = report

    async def check(self, newest: Newest) -> None:
        """Compare all, as of one moment: again, from a new reading of the changelog, when a worker wrote meanwhile."""
        place = f"changelog.{self._ledger}", self._shard
        told, report = "", self._report
        for _ in range(_TRIES):
            end = (await self._source.spans([place]))[place][1]
            if end != newest.end:
                newest = await self._read(place)
            cursor = await self._source.cursor(self._ledger, self._shard)
            self._report = Report(account=report.account)
            told = await self._compare(cursor, newest)
            after = await self._source.cursor(self._ledger, self._shard), (await self._source.spans([place]))[place][1]
            if after == (cursor, end):
                report.merge(self._report)
                if told:
                    report.note(Note(UNPROVED, self._ledger, f"redis.{self._ledger}", self._shard, told))
                return
        told = "workers wrote all the while: the cache was not compared"
        report.note(Note(UNPROVED, self._ledger, f"redis.{self._ledger}", self._shard, told))

    async def _read(self, place: tuple[str, int]) -> Newest:
        start, end = (await self._source.spans([place]))[place]
        newest = await Changelog(self._ledger, self._shard, Report()).read(self._source.read(place, start, end))
        newest.end = end
        return newest

    async def _compare(self, cursor: Cursor | None, newest: Newest) -> str:
        """Compare all; say what kept it from being compared, or nothing."""
        commit = newest.commit
        if cursor is None:
            self._find(None, "a cursor", "what is none")
            return ""
        number, chain = (commit.number, commit.chain) if commit else (GENESIS.number, GENESIS.chain)
        if cursor.number > number:
            self._find(None, f"a cursor at commit {number} or before", f"commit {cursor.number}")
            return ""
        if (cursor.number, cursor.chain) != (number, chain):
            return f"the cache is at commit {cursor.number}, the log at {number}: its owner brings it up; not compared"
        await self._states(newest)
        await self._due(newest)
        if commit is not None:
            await self._ids(commit)
        return ""

    async def _states(self, newest: Newest) -> None:
        missing = set(newest.states)
        async for account, state in self._source.states(self._ledger, self._shard):
            self._report.counts["cached states"] += 1
            stored = newest.states.get(account)
            missing.discard(account)
            if state is None:
                self._find(account, "a state that matches its checksum", "one that does not")
            elif stored is None:
                self._find(account, "no state: the changelog has none", "a state")
            elif digest_of(state) != stored.digest:
                told = f"the state of commit {stored.number}, at offset {stored.offset} of the changelog"
                self._find(account, told, f"other bytes, {len(state)} of them")
        for account in sorted(missing):
            self._find(account, f"the state of commit {newest.states[account].number}", "none")

    async def _due(self, newest: Newest) -> None:
        wanted = {account: stored.due for account, stored in newest.states.items() if stored.due is not None}
        async for account, due in self._source.due(self._ledger, self._shard):
            expected = wanted.pop(account, None)
            if expected != due:
                self._find(account, f"the due time {expected}", f"{due}")
        for account, expected in sorted(wanted.items()):
            self._find(account, f"the due time {expected}", "none")

    async def _ids(self, commit: CommitRecord) -> None:
        """Compare ids. One may be gone once the watermark has passed it, which moves on without commits."""
        place = f"known-ids.{self._ledger}", self._shard
        start, end = (await self._source.spans([place]))[place]
        expected: dict[tuple[int, bytes], tuple[bytes, int]] = {}
        async for record in self._source.read(place, start, end):
            try:
                number, ids = decode_known_ids(record.value or b"")
            except Halt:
                continue  # told by the replay
            if number <= commit.number:
                for known in ids:
                    expected[known.forget_at // ID_BUCKET_MS, known.identity] = known.value, known.forget_at
        buckets = set()
        async for bucket, identity, value in self._source.ids(self._ledger, self._shard):
            self._report.counts["cached ids"] += 1
            buckets.add(bucket)
            wanted = expected.pop((bucket, identity), None)
            if wanted is None and not start:
                self._find(None, "no id that the log does not remember", f"id {identity.hex()}")
            elif wanted is not None and wanted[0] != value:
                told = f"id {identity.hex()} with content {wanted[0][:8].hex()}"
                self._find(None, told, f"content {value[:8].hex()}" if wanted[0][:8] != value[:8] else "another result")
        now = self._source.now_ms()
        for (bucket, identity), (_, forget_at) in expected.items():
            gone = bucket not in buckets and (bucket + 1) * ID_BUCKET_MS <= max(now, commit.watermark)
            if forget_at >= commit.watermark and not gone:
                self._find(None, f"id {identity.hex()}, to be forgotten at {forget_at}", "none")

    def _find(self, account: str | None, expected: str, found: str) -> None:
        place = f"redis.{self._ledger}", self._shard, None
        self._report.find(Finding(CACHE, self._ledger, *place, account, expected, found))
