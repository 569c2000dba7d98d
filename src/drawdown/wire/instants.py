"""RFC 3339 and instants (ms since 1970 UTC), exactly; finer digits are cut off."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from drawdown.domain.errors import Reject

_FORM: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:([Zz])|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_YEAR_MIN, _YEAR_MAX = 2000, 2199
_MINUTE_MS: Final = 60_000
_SECOND_MS: Final = 1_000
_MINUTE: Final = timedelta(minutes=1)
_USUAL_LENGTH: Final = len("2026-11-23T10:15:00.123Z")
_MINUTE_LENGTH: Final = len("2026-11-23T10:15:")
_NONE: Final = -1
_MILLIS: Final = tuple([f".{millisecond:03d}Z" for millisecond in range(1_000)])
_SECONDS: Final = tuple([f"{second:02d}" for second in range(60)])


@lru_cache(maxsize=8_192)
def parse_instant(text: str, field: str = "time") -> int:
    """Read an RFC 3339 date and time with its offset; raise Reject(invalid_value)."""
    if len(text) == _USUAL_LENGTH and text[19] == "." and text[23] == "Z" and text.isascii():
        seconds, millis = text[17:19], text[20:23]
        if seconds.isdigit() and seconds < "60" and millis.isdigit():
            minute = _parse_minute(text[:_MINUTE_LENGTH])
            if minute != _NONE:
                return minute + int(seconds) * _SECOND_MS + int(millis)
    return _parse(text, field)


@lru_cache(maxsize=8_192)
def _parse_minute(text: str) -> int:
    """Read up to the seconds, which thousands of events share; _NONE for what is none."""
    try:
        return _parse(f"{text}00Z", "time")
    except Reject:
        return _NONE


def _parse(text: str, field: str) -> int:
    match = _FORM.fullmatch(text)
    if match is None:
        form = "2026-11-23T10:15:00.123Z"
        raise Reject("invalid_value", f"{field} is an RFC 3339 date and time such as {form}, not {text[:40]!r}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise Reject("invalid_value", f"{field} {text[:40]!r} is no date and time: {error}") from error
    if not _YEAR_MIN <= year <= _YEAR_MAX:
        raise Reject("invalid_value", f"{field} {text[:40]!r} lies outside the years {_YEAR_MIN} to {_YEAR_MAX}")
    instant = (whole - _EPOCH) // _MILLISECOND + int((match[7] or "").ljust(3, "0")[:3])
    if match[9]:
        offset = (int(match[10]) * 60 + int(match[11])) * _MINUTE_MS
        instant += -offset if match[9] == "+" else offset
    return instant


def optional_instant(text: str | None, field: str) -> int | None:
    """Read one that may be left out."""
    return None if text is None else parse_instant(text, field)


@lru_cache(maxsize=8_192)
def format_instant(instant: int) -> str:
    """Write an instant as RFC 3339 in UTC with milliseconds."""
    rest = instant % _MINUTE_MS
    return _format_minute(instant // _MINUTE_MS) + _SECONDS[rest // _SECOND_MS] + _MILLIS[rest % _SECOND_MS]


@lru_cache(maxsize=8_192)
def _format_minute(minute: int) -> str:
    """Write up to the seconds. minute: since 1970."""
    return f"{_EPOCH + minute * _MINUTE:%Y-%m-%dT%H:%M:}"
