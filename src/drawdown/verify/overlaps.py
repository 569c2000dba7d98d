"""Intervals of one resource that overlap under different ids: they are charged, and told (design section 3)."""

from collections import OrderedDict

from drawdown.domain.commands import Replayed
from drawdown.domain.limits import VERIFY_RESOURCES_MAX
from drawdown.domain.model import Usage
from drawdown.engine.input import Input
from drawdown.verify.report import OVERLAP, Note, Report
from drawdown.wire.instants import format_instant

Resource = tuple[str, str, str]  # account, service, resource


class Overlaps:
    """Compares each interval with the latest one of its resource; of an older one nothing is told."""

    def __init__(self, ledger: str, report: Report) -> None:
        """Know no interval."""
        self._ledger = ledger
        self._report = report
        self._latest: OrderedDict[Resource, Usage] = OrderedDict()

    def see(self, item: Input) -> None:
        """Take up the interval of an applied usage."""
        body = item.body.usage if isinstance(item.body, Replayed) else item.body
        if not isinstance(body, Usage) or body.start is None or body.start == body.time:
            return
        resource = body.account, body.service, body.resource
        latest = self._latest.get(resource)
        if latest is not None and latest.start is not None and body.start < latest.time and latest.start < body.time:
            start, end = max(body.start, latest.start), min(body.time, latest.time)
            told = (
                f"{body.service} {body.resource} of account {body.account}: events {latest.id} and {body.id} both bill"
                f" {format_instant(start)} to {format_instant(end)}"
            )
            record = item.record
            self._report.counts["overlaps"] += 1
            if self._report.account in {None, body.account}:
                told = f"offset {record.offset}: {told}"
                self._report.note(Note(OVERLAP, self._ledger, record.topic, record.partition, told))
        if latest is None or body.time >= latest.time:
            self._latest[resource] = body
            self._latest.move_to_end(resource)
        if len(self._latest) > VERIFY_RESOURCES_MAX:
            self._latest.popitem(last=False)
