"""Instants are read and written exactly, whichever way is the quick one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawdown.domain.errors import Reject
from drawdown.wire.instants import _parse, format_instant, parse_instant

FIRST, LAST = 946_684_800_000, 7_258_118_399_999  # the years 2000 to 2199
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(FIRST, LAST))
def test_what_is_written_is_read_again(instant: int) -> None:
    text = format_instant(instant)
    moment = EPOCH + timedelta(milliseconds=instant)
    assert text == f"{moment:%Y-%m-%dT%H:%M:%S}.{instant % 1000:03d}Z"
    assert parse_instant(text) == instant == _parse(text, "time")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T10:15:60.000Z",
        "2026-11-23T10:60:00.000Z",
        "2026-02-29T10:15:00.000Z",
        "1999-12-31T23:59:59.999Z",
        "2200-01-01T00:00:00.000Z",
        "2026-11-23T10:15:0x.000Z",
        "2026-11-23T10:15:00.0x0Z",
        "2026-11-23T10:15:00.\u0661\u0661\u0661Z",
        "2026-11-23T10:15: 1.000Z",
        "2026-11-23X10:15:00.000Z",
    ],
)
def test_a_refusal_shows_the_whole_text(text: str) -> None:
    with pytest.raises(Reject) as refused:
        parse_instant(text, "from")
    assert text in refused.value.detail
    assert refused.value.detail.startswith("from ")
    with pytest.raises(Reject) as slowly:
        _parse(text, "from")
    assert refused.value.detail == slowly.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23 10:15:07.250Z",
        "2026-11-23t10:15:07.250Z",
        "2026-11-23T10:15:07.25Z",
        "2026-11-23T10:15:07.25000Z",
        "2026-11-23T11:15:07.250+01:00",
    ],
)
def test_other_forms_of_the_same_instant(text: str) -> None:
    assert parse_instant(text) == parse_instant("2026-11-23T10:15:07.250Z")
