"""What stays flat in a soak, and how it is judged: medians of its second quarter against those of its last."""

import statistics
from collections.abc import Sequence

import msgspec


class Series(msgspec.Struct):
    """A measure over time. grows_percent, grows: by how much the later median may be above the earlier one."""

    name: str
    unit: str
    grows_percent: int
    grows: int
    points: list[tuple[int, int]] = msgspec.field(default_factory=list)  # seconds since the beginning, value


class Judged(msgspec.Struct, frozen=True):
    """What came of a series. earlier, later: medians of the second and the last quarter of its time."""

    name: str
    unit: str
    earlier: int
    later: int
    most: int
    allowed: int
    flat: bool


def judge(series: Series) -> Judged:
    """Compare the quarters of a series; one with too few samples to say is not flat."""
    values = [value for _, value in series.points]
    earlier, later = quarters(series.points)
    allowed = earlier + max(earlier * series.grows_percent // 100, series.grows)
    flat = len(values) >= 8 and later <= allowed
    return Judged(series.name, series.unit, earlier, later, max(values, default=0), allowed, flat)


def quarters(points: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Give the medians of the second and of the last quarter of the time."""
    if not points:
        return 0, 0
    begin, end = points[0][0], points[-1][0]
    length = max(end - begin, 1)
    second = [value for at, value in points if length <= 4 * (at - begin) < 2 * length]
    last = [value for at, value in points if 4 * (at - begin) >= 3 * length]
    return int(statistics.median(second or [0])), int(statistics.median(last or [0]))
