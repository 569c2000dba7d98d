"""RFC 3339 and instants (ms since 1970 UTC), exactly; finer digits are cut off."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from drawdown.domain.errors import Reject

_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:([Zz])|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_YEAR_MIN, _YEAR_MAX = 2000, 2199
_MINUTE_MS = 60_000


@lru_cache(maxsize=8_192)
def parse_instant(text: str, field: str = "time") -> int:
    """Read an RFC 3339 date and time with its offset; raise Reject(invalid_value)."""
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
    moment = _EPOCH + instant * _MILLISECOND
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{instant % 1000:03d}Z"
