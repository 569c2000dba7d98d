"""The dead letters of a ledger on one shard, found by the position of what was refused."""

from collections.abc import AsyncIterator, Mapping

from drawdown.domain.limits import VERIFY_AHEAD_RECORDS
from drawdown.engine.records import OutRecord, Record
from drawdown.verify.outputs import same
from drawdown.verify.report import BYTES, COMPLETENESS, POSITIONS, UNIQUENESS, Finding, Report, parted
from drawdown.wire.dead_letter import TOPIC

At = tuple[str, int]  # topic, offset


def _header(record: Record | OutRecord, name: str) -> bytes:
    return next((content for key, content in record.headers if key == name), b"")


class Letters:
    """Within a take they stand in another order than their inputs: those refused unread come first."""

    def __init__(self, shard: int, ledger: str, records: AsyncIterator[Record], report: Report) -> None:
        """Read from `records`."""
        self._shard = shard
        self._ledger = ledger
        self._report = report
        self._records = self._own(records)
        self._ended = False
        self.next_offset = 0  # after the last that the replay took
        self._waiting: dict[At, Record] = {}

    async def _own(self, records: AsyncIterator[Record]) -> AsyncIterator[Record]:
        async for record in records:
            if _header(record, "ledger") == self._ledger.encode():
                yield record

    async def at(self, record: Record) -> Record | None:
        """Give the letter of an input, if it is in view."""
        wanted = record.topic, record.offset
        while wanted not in self._waiting and not self._ended and len(self._waiting) < VERIFY_AHEAD_RECORDS:
            await self._read()
        return self._waiting.get(wanted)

    async def _read(self) -> None:
        letter = await anext(self._records, None)
        if letter is None:
            self._ended = True
            return
        self._report.counts["dead letters"] += 1
        offset = _header(letter, "offset")
        at = _header(letter, "topic").decode("utf-8", "replace"), int(offset) if offset.isdigit() else -1
        if at in self._waiting:
            self._find(UNIQUENESS, letter, "one dead letter of an input", f"a second one of {at[0]} offset {at[1]}")
        self._waiting[at] = letter

    async def fits(self, want: OutRecord | None, cause: Record) -> bool:
        """Say whether the input has exactly this letter."""
        letter = await self.at(cause)
        return letter is not None and want is not None and same(letter, want)

    async def take(self, want: OutRecord, cause: Record) -> None:
        """Take the letter of a refused input; find what is there instead."""
        letter = await self.at(cause)
        reason = _header(want, "reason").decode()
        what = f"{cause.topic}/{cause.partition} offset {cause.offset}"
        if letter is None:
            self._find(COMPLETENESS, None, f"a dead letter of {what}, refused as {reason}", "none", want.key)
            return
        del self._waiting[cause.topic, cause.offset]
        self.next_offset = max(self.next_offset, letter.offset + 1)
        if same(letter, want):
            return
        expected, found = parted(want.value, letter.value)
        for (name, content), (other, held) in zip(want.headers, letter.headers, strict=False):
            if (name, content) != (other, held):
                expected, found = f"{name}: {content.decode()}", f"{other}: {held.decode('utf-8', 'replace')}"
                break
        self._find(BYTES, letter, f"the dead letter of {what}: {expected}", found, want.key)

    async def rest(self, taken: Mapping[str, int], *, moved: bool) -> None:
        """Find what is left over. taken: next offset of each input; moved: workers wrote after those were read."""
        while not self._ended:
            await self._read()
            if len(self._waiting) >= VERIFY_AHEAD_RECORDS or self._ended:
                self._left(taken, moved=moved)
        self._left(taken, moved=moved)

    def _left(self, taken: Mapping[str, int], *, moved: bool) -> None:
        for (topic, offset), letter in self._waiting.items():
            later = offset >= taken.get(topic, 0)
            if later and moved:
                continue
            found = f"a dead letter of {topic} offset {offset}: {_header(letter, 'reason').decode()}"
            if later:
                self._find(POSITIONS, letter, "no letter of what is not taken yet", found)
            else:
                self._find(UNIQUENESS, letter, "no letter: this input was not refused, or has one already", found)
        self._waiting.clear()

    def _find(self, invariant: str, at: Record | None, expected: str, found: str, key: bytes | None = None) -> None:
        account = key if at is None else at.key
        name = None if account is None else account.decode("utf-8", "replace")
        offset = None if at is None else at.offset
        self._report.find(Finding(invariant, self._ledger, TOPIC, self._shard, offset, name, expected, found))
