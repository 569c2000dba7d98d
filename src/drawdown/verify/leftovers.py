"""Inputs that no output and no dead letter accounts for: duplicates, timers that came too early, records of others."""

from collections import Counter
from collections.abc import Callable

from drawdown.domain.errors import Reject
from drawdown.engine.commit import CommitRecord
from drawdown.engine.errors import Halt
from drawdown.engine.ledger import Input, Ledger
from drawdown.engine.records import Record
from drawdown.engine.shard import is_tick
from drawdown.verify.model import COMPLETENESS, DUPLICATES, Report
from drawdown.verify.reading import Window
from drawdown.verify.replay import Replay, digest


class Leftovers:
    """Judges what is left of one shard's inputs."""

    def __init__(
        self, ledger: Ledger, shard: int, replay: Replay, report: Report, shard_of: Callable[[bytes], int]
    ) -> None:
        """Judge by what a replay knows. shard_of: the partition that a key belongs to."""
        self.forwarded: Counter[tuple[str, int, bytes]] = Counter()  # topic, partition, digest
        self._ledger = ledger
        self._shard = shard
        self._replay = replay
        self._report = report
        self._shard_of = shard_of

    def judge(self, window: Window, before: int, *, last: bool) -> None:
        """Judge the records below an offset. last: what is not explained now never will be."""
        for offset in [offset for offset in window.open if offset < before]:
            record = window.open[offset]
            if self._explained(record, last=last):
                del window.open[offset]

    def _explained(self, record: Record, *, last: bool) -> bool:
        if record.topic in self._ledger.watermark_from and is_tick(record):
            return True
        owner = self._shard if record.key is None else self._shard_of(record.key)
        if owner != self._shard:
            self._count("forwarded")
            self.forwarded[record.topic, owner, digest(record.key, record.value)] += 1
            return True
        try:
            item = self._ledger.decode(record)
        except Reject as reject:
            if last:
                self._missing(record, "", f"it is no message ({reject.code}), and has no dead letter")
            return last
        if item.key in self._replay.lost:
            return True
        return self._known(record, item, last=last) or self._idle(record, item, last=last)

    def _known(self, record: Record, item: Input, *, last: bool) -> bool:
        content = self._replay.ids.content(item.identity)
        if content is None:
            return False
        if content == item.content:
            self._count("duplicates")
            return True
        if last:
            place = record.topic, record.partition
            detail = "its id was accepted with other content, and it has no dead letter"
            self._report.find(DUPLICATES, self._ledger.name, place, record.offset, item.key, detail)
        return last

    def _idle(self, record: Record, item: Input, *, last: bool) -> bool:
        """Say whether an input changes nothing, or wait until all that could explain it is read."""
        if not last:
            return False
        try:
            dropped = self._ledger.decide(self._replay.states.get(item.key), item).drop
        except (Reject, Halt, LookupError):
            dropped = False
        if dropped:
            self._count("without effect")
        else:
            self._missing(record, item.key, "it was taken, and has no outcome")
        return True

    def _missing(self, record: Record, account: str, detail: str) -> None:
        place = record.topic, record.partition
        self._report.find(COMPLETENESS, self._ledger.name, place, record.offset, account, detail)

    def _count(self, what: str) -> None:
        self._report.counts[f"{self._ledger.name} {what}"] += 1


def taken_to(commit: CommitRecord | None, topic: str) -> int:
    """Say before which offset a commit record tells an input as taken."""
    return next((one.next_offset for one in commit.inputs if one.topic == topic), 0) if commit else 0
