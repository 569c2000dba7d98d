"""Records that a shard sends to other partitions: forwarded inputs, and messages between the ledgers."""

import hashlib
from collections import Counter

from drawdown.domain.limits import VERIFY_CROSSINGS_MAX
from drawdown.engine.records import OutRecord, Record
from drawdown.verify.report import COMPLETENESS, UNPROVED, Finding, Note, Report, shown
from drawdown.verify.source import Source

Place = tuple[str, int]


class Crossings:
    """What must stand on other partitions; looked up once all shards are replayed, in one reading of each."""

    def __init__(self, ledger: str, report: Report) -> None:
        """Expect nothing yet."""
        self._ledger = ledger
        self._report = report
        self._expected: dict[Place, Counter[bytes]] = {}
        self._causes: dict[bytes, tuple[OutRecord, str]] = {}
        self._dropped = 0

    def expect(self, want: OutRecord, cause: Record) -> None:
        """Note what an input led to elsewhere."""
        if len(self._causes) >= VERIFY_CROSSINGS_MAX:
            self._dropped += 1
            return
        self._report.counts["crossings"] += 1
        digest = _digest(want.key, want.value)
        self._expected.setdefault((want.topic, want.partition), Counter())[digest] += 1
        self._causes[digest] = want, f"{cause.topic}/{cause.partition} offset {cause.offset}"

    async def check(self, source: Source, spans: dict[Place, tuple[int, int]]) -> None:
        """Find what is missing. spans: as they were when the inputs' ends were read."""
        for place, expected in self._expected.items():
            start, end = spans[place]
            async for record in source.read(place, start, end):
                digest = _digest(record.key, record.value)
                if expected[digest] > 0:
                    expected[digest] -= 1
            self._missing(place, +expected, start)
        if self._dropped:
            told = f"{self._dropped} records to other partitions were not looked up: more than are held at once"
            self._report.note(Note(UNPROVED, self._ledger, "", 0, told))

    def _missing(self, place: Place, missing: Counter[bytes], start: int) -> None:
        for digest, count in missing.items():
            want, cause = self._causes[digest]
            if start:
                told = f"retention has passed offsets before {start}: whether what {cause} sent there is not known"
                self._report.note(Note(UNPROVED, self._ledger, *place, told))
                return
            account = None if want.key is None else want.key.decode("utf-8", "replace")
            told = f"what {cause} sent there: {shown(want.value)}"
            found = "no such record" if count == 1 else f"{count} less of it"
            self._report.find(Finding(COMPLETENESS, self._ledger, *place, None, account, told, found))


def _digest(key: bytes | None, value: bytes | None) -> bytes:
    return hashlib.blake2b(b"%d:%s%s" % (len(key or b""), key or b"", value or b""), digest_size=16).digest()
