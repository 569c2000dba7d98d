"""Read a CSV trace: calls of an endpoint, or runs of containers and jobs. Rows that are no usage are counted."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import msgspec

from drawdown.domain.catalogue import INFERENCE
from drawdown.errors import UserError
from drawdown.traces.columns import Columns, Service, matching, needed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = 1_000
_HOUR = 3_600_000


class Row(msgspec.Struct, frozen=True):
    """A call (start None) or a run, times in ms as the trace has them. gpus: thousandths."""

    start: int | None
    end: int
    counts: dict[str, int] = {}
    name: str = ""
    gpus: int = 0
    gpu_model: str = ""


class Trace(msgspec.Struct):
    """A whole trace in order of time. unusable: reason → rows that are no usage."""

    rows: list[Row]
    unusable: Counter[str]

    @property
    def first(self) -> int:
        """Give the earliest instant, ms."""
        return min(row.end if row.start is None else row.start for row in self.rows)

    @property
    def last(self) -> int:
        """Give the latest instant, ms."""
        return max(row.end for row in self.rows)


def busiest(trace: Trace, length: int) -> Trace:
    """Give the runs of the `length` ms that end with the trace's busiest hour, cut to them."""
    hours = Counter(
        hour for row in trace.rows if row.start is not None for hour in range(row.start // _HOUR, row.end // _HOUR + 1)
    )
    end = (max(hours, key=lambda hour: (hours[hour], -hour)) + 1) * _HOUR
    rows = [
        msgspec.structs.replace(row, start=max(row.start, end - length), end=min(row.end, end))
        for row in trace.rows
        if row.start is not None and row.start < end and row.end > end - length
    ]
    return Trace(rows, trace.unusable)


def read_trace(path: Path, service: Service, columns: Columns | None = None, limit: int = 0) -> Trace:
    """Read a file, plain or gzip. limit: at most so many usable rows, 0 for all. Raise UserError."""
    trace = Trace([], Counter())
    try:
        with _opened(path) as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or ())
            columns = columns or matching(header, service)
            missing = [name for name in needed(columns, service) if name not in header]
            if missing:
                raise UserError(f"{path} has no column {', '.join(missing)}; it has {', '.join(header)}")
            for row in _rows(reader, service, columns, trace.unusable):
                trace.rows.append(row)
                if limit and len(trace.rows) >= limit:
                    break
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    if not trace.rows:
        raise UserError(f"{path} holds no row that is usage of {service}")
    trace.rows.sort(key=lambda row: row.end if row.start is None else row.start)
    return trace


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _rows(reader: "csv.DictReader[str]", service: Service, columns: Columns, unusable: Counter[str]) -> Iterator[Row]:
    for entry in reader:
        try:
            row = _call(entry, columns) if service == INFERENCE else _run(entry, columns)
        except ValueError:
            unusable["unreadable"] += 1
            continue
        if row is None:
            unusable["never scheduled"] += 1
        elif row.start is not None and row.end <= row.start:
            unusable["ends when it starts, or before"] += 1
        else:
            yield row


def _call(entry: dict[str, str], columns: Columns) -> Row:
    counts = {field: int(entry[column]) for field, column in columns.counts.items()}
    return Row(None, _instant(entry[columns.time], seconds=columns.seconds), counts)


def _run(entry: dict[str, str], columns: Columns) -> Row | None:
    if not entry[columns.start] or not entry[columns.end]:
        return None
    gpus = int(entry[columns.gpus]) * _MS if columns.gpus else _MS
    if gpus == _MS and columns.gpu_share:
        gpus = int(entry[columns.gpu_share])
    return Row(
        _instant(entry[columns.start], seconds=columns.seconds),
        _instant(entry[columns.end], seconds=columns.seconds),
        name=entry.get(columns.name, ""),
        gpus=gpus,
        gpu_model=entry.get(columns.gpu_model, "").partition("|")[0],
    )


def _instant(text: str, *, seconds: bool) -> int:
    """Read an instant to the millisecond, finer digits cut off."""
    if seconds:
        whole, _, fraction = text.partition(".")
        return int(whole) * _MS + int((fraction + "000")[:3])
    whole, _, fraction = text.strip().removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(whole)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1) + int((fraction + "000")[:3])
