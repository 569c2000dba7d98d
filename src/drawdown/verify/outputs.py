"""A ledger's output topic on one shard, aligned with what the replay says should stand there."""

from collections.abc import AsyncIterator, Mapping

import msgspec

from drawdown.domain.limits import VERIFY_AHEAD_RECORDS
from drawdown.engine.records import OutRecord, Record
from drawdown.verify.report import (
    BYTES,
    COMPLETENESS,
    ISOLATION,
    ORDER,
    POSITIONS,
    UNIQUENESS,
    Finding,
    Report,
    parted,
    shown,
)
from drawdown.verify.streams import Ahead
from drawdown.wire.outputs import Position


class Said(msgspec.Struct, frozen=True, gc=False):
    """What every output says of itself, as far as it says it."""

    account: str = ""
    ledger: str = ""
    seq: int = 0
    position: Position | None = None


class Held(msgspec.Struct, frozen=True, gc=False):
    """A published output."""

    record: Record
    said: Said


_decode = msgspec.json.Decoder(Said).decode
_UNREAD = Said()


def said_by(value: bytes | None) -> Said:
    """Read what an output says of itself; nothing of one that is no JSON object."""
    try:
        return _decode(value or b"")
    except msgspec.MsgspecError:
        return _UNREAD


def same(record: Record, want: OutRecord) -> bool:
    """Say whether a published record is the expected one, byte for byte."""
    if record.value != want.value or record.key != want.key:
        return False
    return tuple(record.headers) == tuple(want.headers)


class Outputs:
    """One output topic of a ledger on one shard. Reading checks seq and whose it is; `take` checks the bytes."""

    def __init__(
        self, place: tuple[str, int], ledger: str, records: AsyncIterator[Record], report: Report, *, whole: bool
    ) -> None:
        """Read from `records`. whole: they begin with the first that was ever appended."""
        self.topic, self.shard = place
        self.taken_to: dict[str, int] = {}  # account → seq of its newest record that was replayed
        self.seqs: dict[str, int] = {}  # account → seq of its newest record that was read
        self._ledger = ledger
        self._report = report
        self._whole = whole
        self.next_offset = 0  # after the last that the replay took
        self.ahead: Ahead[Held] = Ahead(self._checked(records), VERIFY_AHEAD_RECORDS)

    def resume(self, seqs: dict[str, int], next_offset: int) -> None:
        """Go on where an earlier replay stood."""
        self.taken_to, self.seqs = dict(seqs), dict(seqs)
        self.next_offset = next_offset

    async def _checked(self, records: AsyncIterator[Record]) -> AsyncIterator[Held]:
        async for record in records:
            if not record.value:
                continue  # it carries the watermark
            said = said_by(record.value)
            if said.ledger and said.ledger != self._ledger:
                continue
            self._report.counts["outputs"] += 1
            account = said.account or None
            if account is not None and record.key != account.encode():
                self._find(ISOLATION, record, account, f"the key {account}", f"the key {shown(record.key)}")
            self._order(record, said)
            yield Held(record, said)

    def _order(self, record: Record, said: Said) -> None:
        if not said.seq:
            return
        before = self.seqs.get(said.account)
        if before is None and not self._whole:
            before = said.seq - 1
        expected = (before or 0) + 1
        if said.seq == before:
            self._find(UNIQUENESS, record, said.account, f"seq {expected}", f"seq {said.seq} a second time")
        elif said.seq != expected:
            self._find(ORDER, record, said.account, f"seq {expected}", f"seq {said.seq}")
        self.seqs[said.account] = max(said.seq, before or 0)

    async def matches(self, wants: list[OutRecord]) -> bool:
        """Say whether exactly these come next."""
        found = await self.ahead.first(len(wants))
        pairs = zip(found, wants, strict=False)
        return len(found) == len(wants) and all(same(held.record, want) for held, want in pairs)

    async def present(self, want: OutRecord) -> bool:
        """Say whether the record, or one that was made of it, is in view."""
        said = said_by(want.value)
        known = [*self.ahead.early, *await self.ahead.look()]
        return any(same(held.record, want) or _made_of(held.said, said) for held in known)

    async def take(self, want: OutRecord, account: str, cause: Record) -> None:
        """Take what should come next; find what is there instead."""
        ahead = self.ahead
        first = await ahead.first()
        if first and same(first[0].record, want):
            ahead.drop()
            self.taken_to[account] = first[0].said.seq
            self.next_offset = max(self.next_offset, first[0].record.offset + 1)
            return
        said = said_by(want.value)
        self.taken_to[account] = max(said.seq, self.taken_to.get(account, 0))
        held, exact = await self._elsewhere(want, said)
        what = f"the output of {cause.topic}/{cause.partition} offset {cause.offset}"
        if held is None:
            self._find(COMPLETENESS, None, account, f"{what}: {shown(want.value)}", "no such record")
        elif not exact:
            expected, found = parted(want.value, held.record.value)
            if held.record.value == want.value:
                expected, found = f"key {want.key!r}, headers {want.headers!r}", f"key {held.record.key!r}"
            self._find(BYTES, held.record, account, f"{what}: {expected}", found)

    async def _elsewhere(self, want: OutRecord, said: Said) -> tuple[Held | None, bool]:
        """Take the record from where it stands, or else one that was made of it."""
        ahead = self.ahead
        for exact in (True, False):
            for held in ahead.early:
                if same(held.record, want) if exact else _made_of(held.said, said):
                    ahead.early.remove(held)
                    before = "a record that the replay puts after those that follow it"
                    self._find(ORDER, held.record, said.account, "its place in the order of inputs", before)
                    return held, exact
            for index, held in enumerate(await ahead.look()):
                if same(held.record, want) if exact else _made_of(held.said, said):
                    return ahead.pass_over(index), exact
        return None, False

    async def rest(self, taken: Mapping[str, int], *, moved: bool) -> None:
        """Find what is left over. taken: next offset of each input; moved: workers wrote after those were read."""
        while True:
            left = self.ahead.early + await self.ahead.first(VERIFY_AHEAD_RECORDS)
            self.ahead.early.clear()
            self.ahead.waiting.clear()
            if not left:
                return
            for held in left:
                self._left(held, taken, moved=moved)

    def _left(self, held: Held, taken: Mapping[str, int], *, moved: bool) -> None:
        said, at = held.said, held.said.position
        later = at is not None and at.offset >= taken.get(at.topic, 0)
        if moved and (later or at is None):
            return
        expected = "no further record of this account: no input led to it"
        if later and at is not None:
            invariant, expected = POSITIONS, f"nothing of {at.topic}/{at.partition} offset {at.offset}, not taken yet"
        elif said.seq and said.seq <= self.taken_to.get(said.account, 0):
            invariant, expected = UNIQUENESS, "each output once"
        else:
            invariant = POSITIONS
        self._find(invariant, held.record, said.account or None, expected, shown(held.record.value))

    def _find(self, invariant: str, record: Record | None, account: str | None, expected: str, found: str) -> None:
        offset = None if record is None else record.offset
        place = self.topic, self.shard, offset
        self._report.find(Finding(invariant, self._ledger, *place, account, expected, found))


def _made_of(found: Said, want: Said) -> bool:
    """Say whether an output takes another's place: same account, and number or position."""
    if found.account != want.account or not want.account:
        return False
    if want.position is not None and found.position is not None:
        return (found.position, found.seq) == (want.position, want.seq)
    return found.seq == want.seq
