"""What a verification reads and what it finds."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from drawdown.domain.limits import FINDINGS_MAX
from drawdown.engine.commit import Cursor
from drawdown.engine.records import Record

Place = tuple[str, int]  # topic without prefix, partition
Span = tuple[int, int]  # from an offset, before another

COMPLETENESS = "completeness"
UNIQUENESS = "uniqueness"
ORDER = "order"
BYTES = "equal bytes"
EQUIVALENCE = "equivalence"
POSITIONS = "positions"
CONSERVATION = "conservation"
OVERSELL = "no oversell"
ISOLATION = "isolation"
DUPLICATES = "duplicates"
CACHE = "cache"
CHAIN = "chain"
INVARIANTS = (
    COMPLETENESS, UNIQUENESS, ORDER, BYTES, EQUIVALENCE, POSITIONS, CONSERVATION, OVERSELL, ISOLATION, DUPLICATES,
    CACHE, CHAIN,
)  # fmt: skip


class Source(Protocol):
    """Where the log is read. Records are committed ones, in order within a place."""

    async def spans(self, places: Iterable[Place]) -> dict[Place, Span]:
        """Give the earliest offset held and the read-committed end of each place."""
        ...

    def read(self, spans: Mapping[Place, Span]) -> AsyncIterator[Record]:
        """Give the records of each span."""
        ...


class CacheReader(Protocol):
    """One ledger's Redis, read as it lies there; every value by shard."""

    async def cursor(self, shard: int) -> Cursor:
        """Read the cursor."""
        ...

    def states(self, shard: int) -> AsyncIterator[tuple[str, int, bytes]]:
        """Give account, commit number and state bytes of every state. A broken one has the number -1."""
        ...

    def ids(self, shard: int) -> AsyncIterator[tuple[int, bytes, bytes]]:
        """Give bucket, identity and value of every remembered id."""
        ...

    def due(self, shard: int) -> AsyncIterator[tuple[str, int]]:
        """Give account and instant (ms) of every timer that is due some time."""
        ...


class Finding(msgspec.Struct, frozen=True):
    """Something that must hold and does not. invariant: one of INVARIANTS; offset: -1 where there is none."""

    invariant: str
    ledger: str
    topic: str
    partition: int
    offset: int
    account: str
    detail: str


@dataclass
class Report:
    """What was found and how much was looked at. notes: what could not be proved, and why."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def find(self, invariant: str, ledger: str, at: Place, offset: int, account: str, detail: str) -> None:
        """Keep a finding; past FINDINGS_MAX they are only counted."""
        self.counts["findings"] += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(invariant, ledger, *at, offset, account, detail))

    def note(self, text: str) -> None:
        """Keep what cannot be proved, once."""
        if text not in self.notes:
            self.notes.append(text)
