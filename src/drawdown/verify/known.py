"""The remembered ids of a ledger on one shard, in the order in which they were accepted."""

from collections import Counter
from collections.abc import AsyncIterator

import msgspec

from drawdown.domain.limits import VERIFY_AHEAD_RECORDS
from drawdown.engine.changelog import decode_known_ids
from drawdown.engine.errors import Halt
from drawdown.engine.ports import KnownId
from drawdown.engine.records import Record
from drawdown.verify.report import DUPLICATES, ORDER, UNIQUENESS, Finding, Report
from drawdown.verify.streams import Ahead


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """An id on known-ids: in which commit, and where."""

    known: KnownId
    number: int
    offset: int


class KnownIds:
    """Aligned with what the replay accepts."""

    def __init__(self, ledger: str, shard: int, records: AsyncIterator[Record], report: Report, newest: int) -> None:
        """Read from `records`, up to commit `newest`."""
        self.topic = f"known-ids.{ledger}"
        self._ledger = ledger
        self._shard = shard
        self._report = report
        self._newest = newest
        self.next_offset = 0  # after the last that the replay took
        self._view: Counter[bytes] = Counter()
        self._ahead: Ahead[Remembered] = Ahead(self._read(records), VERIFY_AHEAD_RECORDS)

    async def _read(self, records: AsyncIterator[Record]) -> AsyncIterator[Remembered]:
        before = 0
        async for record in records:
            try:
                number, ids = decode_known_ids(record.value or b"")
            except Halt as halt:
                self._find(DUPLICATES, record.offset, "", "ids with content hashes", str(halt))
                continue
            if number > self._newest:
                return
            if number <= before:
                self._find(ORDER, record.offset, "", f"a commit after {before}", f"commit {number}")
            before = max(before, number)
            for known in ids:
                self._view[known.identity] += 1
                self._report.counts["ids"] += 1
                yield Remembered(known, number, record.offset)

    async def next(self) -> KnownId | None:
        """Give the id that was accepted next."""
        found = await self._ahead.first()
        return found[0].known if found else None

    async def next_is(self, identity: bytes) -> bool:
        """Say whether this id was accepted next."""
        known = await self.next()
        return known is not None and known.identity == identity

    async def in_view(self, identity: bytes) -> bool:
        """Say whether this id was accepted, as far ahead as is looked."""
        await self._ahead.look()
        return self._view[identity] > 0

    async def take(self, want: KnownId, account: str, cause: Record) -> None:
        """Take the id that was just accepted; find what is there instead."""
        found = await self._ahead.first()
        if found and found[0].known == want:
            self._ahead.drop()
            self.next_offset = max(self.next_offset, found[0].offset + 1)
            self._seen(want.identity)
            return
        held = await self._elsewhere(want.identity)
        what = f"the id of {cause.topic}/{cause.partition} offset {cause.offset}"
        if held is None:
            self._find(DUPLICATES, None, account, f"{what} among the remembered: {_say(want)}", "it is not")
        elif held.known != want:
            self._find(DUPLICATES, held.offset, account, f"{what}: {_say(want)}", _say(held.known))

    async def _elsewhere(self, identity: bytes) -> Remembered | None:
        ahead = self._ahead
        for held in ahead.early:
            if held.known.identity == identity:
                ahead.early.remove(held)
                self._seen(identity)
                self._find(ORDER, held.offset, "", "ids in the order in which they were accepted", _say(held.known))
                return held
        if self._view[identity] <= 0 and not await self.in_view(identity):
            return None
        for index, held in enumerate(await ahead.look()):
            if held.known.identity == identity:
                self._seen(identity)
                return ahead.pass_over(index)
        return None

    def _seen(self, identity: bytes) -> None:
        self._view[identity] -= 1
        if self._view[identity] <= 0:
            del self._view[identity]

    async def rest(self) -> None:
        """Find the ids that no input led to."""
        while True:
            left = self._ahead.early + await self._ahead.first(VERIFY_AHEAD_RECORDS)
            self._ahead.early.clear()
            self._ahead.waiting.clear()
            if not left:
                return
            for held in left:
                told = "ids of accepted inputs, each once"
                self._find(UNIQUENESS, held.offset, "", told, f"commit {held.number} remembers {_say(held.known)}")

    def _find(self, invariant: str, offset: int | None, account: str, expected: str, found: str) -> None:
        at = self.topic, self._shard, offset
        self._report.find(Finding(invariant, self._ledger, *at, account or None, expected, found))


def _say(known: KnownId) -> str:
    result = known.value[8:].decode("utf-8", "backslashreplace")
    told = f"id {known.identity.hex()} with content {known.value[:8].hex()}, to be forgotten at {known.forget_at}"
    return f"{told}, result {result}" if result else told
