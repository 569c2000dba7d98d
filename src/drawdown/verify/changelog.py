"""The changelog of one shard: the newest states, the chain of commit records, and what each commit says is taken."""

import hashlib
from collections import deque
from collections.abc import AsyncIterator

import msgspec

from drawdown.engine.changelog import decode_state_write
from drawdown.engine.commit import COMMIT_KEY, CommitRecord, InputPosition, decode_commit, record_hash
from drawdown.engine.errors import Halt
from drawdown.engine.records import Record
from drawdown.verify.report import CHAIN, POSITIONS, Finding, Report


class Stored(msgspec.Struct, frozen=True, gc=False):
    """An account's newest state on the changelog: a digest of its bytes, when it is due, and where it stands."""

    digest: bytes
    due: int | None
    number: int
    offset: int


class Newest(msgspec.Struct):
    """What a changelog comes to. commit: the newest, None on an empty log; offset: its own.

    compacted: commits are missing in it. rules: all that its commits name. end: the offset up to which it was read.
    """

    states: dict[str, Stored]
    commit: CommitRecord | None = None
    offset: int = -1
    compacted: bool = False
    rules: frozenset[int] = frozenset()
    end: int = 0

    @property
    def taken(self) -> dict[str, int]:
        """Give the next offset to take of each input."""
        return {one.topic: one.next_offset for one in self.commit.inputs} if self.commit else {}


def digest_of(state: bytes) -> bytes:
    """Digest a state's bytes."""
    return hashlib.blake2b(state, digest_size=16).digest()


class Changelog:
    """Reads a shard's changelog once and checks what stands in it."""

    def __init__(self, ledger: str, shard: int, report: Report) -> None:
        """Read nothing yet."""
        self.topic = f"changelog.{ledger}"
        self._ledger = ledger
        self._shard = shard
        self._report = report

    async def read(self, records: AsyncIterator[Record]) -> Newest:
        """Read all; what follows the newest commit record belongs to no transaction."""
        newest = Newest({})
        open_: dict[str, Stored] = {}
        async for record in records:
            if record.key == COMMIT_KEY:
                self._commit(newest, record, open_)
                newest.states.update(open_)
                open_.clear()
                continue
            try:
                write = decode_state_write(record.key, record.value)
            except Halt as halt:
                self._find(CHAIN, record.offset, None, "the state of an account", str(halt))
                continue
            open_[write.account] = Stored(digest_of(write.value), write.due, write.number, record.offset)
        for account, stored in open_.items():
            self._find(CHAIN, stored.offset, account, "a commit record after every state", "the end")
        return newest

    def _commit(self, newest: Newest, record: Record, states: dict[str, Stored]) -> None:
        try:
            commit = decode_commit(record.value or b"")
        except msgspec.MsgspecError as error:
            self._find(CHAIN, record.offset, None, "a commit record", f"what cannot be read: {error}")
            return
        before = newest.commit
        number = before.number if before else 0
        self._report.counts["commits"] += 1
        if commit.number <= number:
            self._find(CHAIN, record.offset, None, f"a commit after {number}", f"commit {commit.number}")
        elif commit.number > number + 1:
            newest.compacted = True
        elif before is not None and commit.previous != before.chain:
            told = f"{before.chain.hex()}, the chain of commit {number}"
            self._find(CHAIN, record.offset, None, told, f"{commit.previous.hex()} before commit {commit.number}")
        for account, stored in states.items():
            if not number < stored.number <= commit.number:
                told = f"a state of commit {number + 1} to {commit.number}"
                self._find(CHAIN, stored.offset, account, told, f"commit {stored.number}")
        self._positions(before, commit, record.offset)
        newest.commit, newest.offset = commit, record.offset
        newest.rules |= {commit.rules}

    def _positions(self, before: CommitRecord | None, commit: CommitRecord, offset: int) -> None:
        earlier = {one.topic: one.next_offset for one in before.inputs} if before else {}
        for one in commit.inputs:
            what = f"commit {commit.number}: {one.topic} taken up to"
            if one.last_offset >= 0 and one.next_offset != one.last_offset + 1:
                told = f"{what} {one.last_offset + 1}, after its last record"
                self._find(POSITIONS, offset, None, told, f"{one.next_offset}")
            if one.next_offset < earlier.get(one.topic, 0):
                told = f"{what} {earlier[one.topic]} or more, as before it"
                self._find(POSITIONS, offset, None, told, f"{one.next_offset}")

    def _find(self, invariant: str, offset: int, account: str | None, expected: str, found: str) -> None:
        place = self.topic, self._shard, offset
        self._report.find(Finding(invariant, self._ledger, *place, account, expected, found))


class Taken(msgspec.Struct, frozen=True, gc=False):
    """Up to where a commit had taken an input, and how far its worker had read the prices.

    exact: the commit before it is known as well, so that all between the two was taken by this one. rules: by which
    it decided. prices_before: how far the prices were read by the newest known commit before it.
    """

    position: InputPosition
    number: int
    exact: bool
    rules: int
    prices: int
    prices_before: int
    offset: int


class Journal:
    """The commit records beside the inputs: which commit took a record, and the proof that it is still the same one."""

    def __init__(self, ledger: str, shard: int, records: AsyncIterator[Record], report: Report) -> None:
        """Read the changelog's commit records from `records`."""
        self.topic = f"changelog.{ledger}"
        self._ledger = ledger
        self._shard = shard
        self._report = report
        self._records = records
        self._pending: dict[str, deque[Taken]] = {}
        self._reached: dict[str, int] = {}
        self._before: tuple[int, int] = (0, 0)  # number and prices of the commit before
        self._ended = False

    def resume(self, number: int, prices: int, reached: dict[str, int]) -> None:
        """Go on after a commit. reached: last offset taken of each input."""
        self._before = number, prices
        self._reached = dict(reached)

    async def of(self, topic: str, offset: int) -> Taken | None:
        """Give the first known commit that had taken this record; None past the newest."""
        pending = self._pending.setdefault(topic, deque())
        while True:
            while pending and pending[0].position.last_offset < offset:
                passed = pending.popleft()
                told = f"commit {passed.number}: the last record taken of {topic}, at {passed.position.last_offset}"
                self._find(passed.offset, f"{told}, in the log", "no such record")
            if pending:
                return pending[0]
            if self._ended or not await self._read():
                return None

    def taken(self, record: Record) -> None:
        """Note that a record is passed; the last one of a commit must be the one it hashed."""
        pending = self._pending.get(record.topic)
        if not pending or pending[0].position.last_offset != record.offset:
            return
        taken = pending.popleft()
        found = record_hash(record.key, record.value)
        if found != taken.position.last_hash:
            told = f"commit {taken.number}: {record.topic} offset {record.offset} with hash"
            self._find(taken.offset, f"{told} {taken.position.last_hash.hex()}", found.hex())

    async def _read(self) -> bool:
        async for record in self._records:
            if record.key != COMMIT_KEY:
                continue
            try:
                commit = decode_commit(record.value or b"")
            except msgspec.MsgspecError:
                continue  # told when the changelog was read
            self._note(commit, record.offset)
            return True
        self._ended = True
        return False

    def _note(self, commit: CommitRecord, offset: int) -> None:
        number, prices = self._before
        exact = commit.number == number + 1
        for position in commit.inputs:
            if position.last_offset <= self._reached.get(position.topic, -1):
                continue
            self._reached[position.topic] = position.last_offset
            taken = Taken(position, commit.number, exact, commit.rules, commit.prices_offset, prices, offset)
            self._pending.setdefault(position.topic, deque()).append(taken)
        self._before = commit.number, commit.prices_offset

    def _find(self, offset: int, expected: str, found: str) -> None:
        place = self.topic, self._shard, offset
        self._report.find(Finding(POSITIONS, self._ledger, *place, None, expected, found))

    async def rest(self) -> None:
        """Find last records that were taken and are not in the log."""
        while not self._ended:
            await self._read()
        for topic, pending in self._pending.items():
            for one in pending:
                told = f"commit {one.number}: the last record taken of {topic}, at {one.position.last_offset}"
                self._find(one.offset, f"{told}, in the log", "no such record")
            pending.clear()
