"""What a verification found: findings with their evidence, and notes on what could not be proved."""

from collections import Counter
from typing import Final

import msgspec

from drawdown.domain.limits import VERIFY_FINDINGS_MAX, VERIFY_FINDINGS_PER_ACCOUNT

CONSERVATION, COMPLETENESS, UNIQUENESS, NO_OVERSELL = "conservation", "completeness", "uniqueness", "no_oversell"
ORDER, POSITIONS, DUPLICATES, CHAIN, CACHE = "order", "positions", "duplicates", "chain", "cache"
EQUIVALENCE, ISOLATION, BYTES = "equivalence", "isolation", "bytes"
INVARIANTS: Final = (
    CONSERVATION, COMPLETENESS, UNIQUENESS, NO_OVERSELL, ORDER, POSITIONS, DUPLICATES, CHAIN, CACHE, EQUIVALENCE,
    ISOLATION, BYTES,
)  # fmt: skip
LIVENESS, UNPROVED, OVERLAP, SKIPPED = "liveness", "unproved", "overlap", "skipped"  # kinds of notes: nothing is wrong

_SHOWN_MAX = 400


class Finding(msgspec.Struct, frozen=True):
    """An invariant that does not hold. topic, partition, offset: where to look; offset None: of no single record."""

    invariant: str
    ledger: str
    topic: str
    partition: int
    offset: int | None
    account: str | None
    expected: str
    found: str

    def __str__(self) -> str:
        """Say it in one line."""
        of = f", account {self.account}" if self.account else ""
        at = "" if self.offset is None else f" offset {self.offset}"
        where = f"{self.topic}/{self.partition}{at}"
        return f"{self.invariant}: {where} ({self.ledger}{of}): expected {self.expected}; found {self.found}"


class Note(msgspec.Struct, frozen=True):
    """Something to know that is no corruption. kind: liveness, unproved, overlap or skipped."""

    kind: str
    ledger: str
    topic: str
    partition: int
    text: str


class Report(msgspec.Struct):
    """The outcome of a verification. untold: findings past the limits, by invariant. account: of this one only."""

    account: str | None = None
    findings: list[Finding] = []
    notes: list[Note] = []
    counts: Counter[str] = msgspec.field(default_factory=Counter)
    untold: Counter[str] = msgspec.field(default_factory=Counter)
    by_account: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings and not self.untold

    def find(self, finding: Finding) -> None:
        """Take up a finding, unless it is of another account than the one asked for."""
        if self.account is not None and finding.account not in {None, self.account}:
            return
        if finding.account is not None:
            self.by_account[finding.account] += 1
        many = self.by_account[finding.account or ""] > VERIFY_FINDINGS_PER_ACCOUNT
        if many or len(self.findings) >= VERIFY_FINDINGS_MAX:
            self.untold[finding.invariant] += 1
        else:
            self.findings.append(finding)

    def merge(self, other: "Report") -> None:
        """Take up all of another report."""
        for finding in other.findings:
            self.find(finding)
        self.notes += other.notes
        self.counts += other.counts
        self.untold += other.untold

    def note(self, note: Note) -> None:
        """Take up a note."""
        if len(self.notes) < VERIFY_FINDINGS_MAX:
            self.notes.append(note)


def shown(value: bytes | None) -> str:
    """Give bytes as people can read them, cut off after a while."""
    if value is None:
        return "nothing"
    text = value.decode("utf-8", "backslashreplace")
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}… ({len(value)} bytes)"


def parted(expected: bytes | None, found: bytes | None) -> tuple[str, str]:
    """Show two byte strings from a little before where they part."""
    one, other = expected or b"", found or b""
    at = next(
        (i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(map(len, (one, other)))
    )
    start = max(0, at - _SHOWN_MAX // 4)
    lead = "…" if start else ""
    return lead + shown(one[start : at + _SHOWN_MAX // 2]), lead + shown(other[start : at + _SHOWN_MAX // 2])
