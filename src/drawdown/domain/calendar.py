"""Months in an account's time zone, as instants."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from drawdown.domain.errors import Reject

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
MONTHS_A_YEAR: Final = 12
_HOUR_MS: Final = 3_600_000
_DAYS_AFTER_ANY_28TH: Final = 4


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Find an IANA time zone in the pinned database, never the machine's; raise Reject(invalid_value)."""
    if name not in _zone_names():
        raise Reject("invalid_value", f"time zone {name[:64]!r} is not in the IANA database")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text().split())


def to_local(instant: int, time_zone: str) -> datetime:
    """Give the local date and time of an instant (ms)."""
    return (_EPOCH + instant * _MILLISECOND).astimezone(zone(time_zone))


def to_instant(moment: datetime) -> int:
    """Give the instant (ms) of an aware date and time, finer digits cut off."""
    return (moment - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=65_536)
def add_months(instant: int, months: int, time_zone: str) -> int:
    """Give the instant `months` later at the same local time of day, the day clamped at the month's end."""
    local = to_local(instant, time_zone)
    month = local.year * MONTHS_A_YEAR + local.month - 1 + months
    year, month = divmod(month, MONTHS_A_YEAR)
    day = min(local.day, _days_in_month(year, month + 1))
    moved = local.replace(year=year, month=month + 1, day=day, fold=0)
    return to_instant(moved)


def month_starts_between(start: int, end: int, time_zone: str) -> list[int]:
    """List the calendar-month starts of the zone strictly inside (start, end), both ms."""
    found = []
    at = _month_start_after_hour(start // _HOUR_MS, time_zone)
    while at < end:
        if at > start:
            found.append(at)
        at = _next_month_start(at, time_zone)
    return found


def cycle_starts_between(anchor: int, start: int, end: int, time_zone: str) -> list[int]:
    """List the instants k months after `anchor` (k >= 1) strictly inside (start, end), all ms."""
    months = _months_until_hour(anchor, start // _HOUR_MS, time_zone)
    found = []
    at = add_months(anchor, months, time_zone)
    while at < end:
        if at > start:
            found.append(at)
        months += 1
        at = add_months(anchor, months, time_zone)
    return found


def month_number(instant: int, time_zone: str) -> int:
    """Count the calendar months of the zone that were over by an instant, since the year 0."""
    local = to_local(instant, time_zone)
    number = local.year * MONTHS_A_YEAR + local.month  # one too many; and a clock set back may repeat a midnight
    while _month_start(number, time_zone) > instant:
        number -= 1
    return number


def month_end(number: int, time_zone: str) -> int:
    """Give the instant at which the month of that number is over."""
    return _month_start(number + 1, time_zone)


@lru_cache(maxsize=8_192)
def _month_start_after_hour(hour: int, time_zone: str) -> int:
    """Give the first month start after an hour's beginning, counted since 1970: hours hold many events."""
    return _next_month_start(hour * _HOUR_MS, time_zone)


@lru_cache(maxsize=65_536)
def _months_until_hour(anchor: int, hour: int, time_zone: str) -> int:
    """Count the months from an anchor's to that of an hour's beginning, at least 1."""
    last, first = to_local(hour * _HOUR_MS, time_zone), to_local(anchor, time_zone)
    return max((last.year - first.year) * MONTHS_A_YEAR + last.month - first.month, 1)


def _next_month_start(instant: int, time_zone: str) -> int:
    """Give the first calendar-month start after `instant`."""
    local = to_local(instant, time_zone)
    return _month_start((local.year * MONTHS_A_YEAR) + local.month, time_zone)


@lru_cache(maxsize=8192)
def _month_start(month: int, time_zone: str) -> int:
    year, index = divmod(month, MONTHS_A_YEAR)
    return to_instant(datetime(year, index + 1, 1, tzinfo=zone(time_zone)))


def _days_in_month(year: int, month: int) -> int:
    last = datetime(year, month, 28, tzinfo=UTC) + timedelta(days=_DAYS_AFTER_ANY_28TH)
    return (last - timedelta(days=last.day)).day
