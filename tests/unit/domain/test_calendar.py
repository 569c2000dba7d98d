"""Months and cycles in an account's time zone: clamped at month ends, at the same local time over changes of clocks."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawdown.domain.calendar import add_months, cycle_starts_between, month_starts_between, to_instant, to_local, zone
from drawdown.domain.errors import Reject

DAY = 86_400_000
ZONES = ("UTC", "Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago")
instants = st.integers(to_instant(datetime(2000, 1, 1, tzinfo=UTC)), to_instant(datetime(2199, 1, 1, tzinfo=UTC)))


def at(text: str) -> int:
    return to_instant(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31T10:00:00+00:00", 1, "2026-02-28T10:00:00+00:00"),
        ("2026-01-31T10:00:00+00:00", 2, "2026-03-31T10:00:00+00:00"),
        ("2028-01-31T10:00:00+00:00", 1, "2028-02-29T10:00:00+00:00"),
        ("2026-11-30T10:00:00+00:00", 3, "2027-02-28T10:00:00+00:00"),
        ("2026-12-01T10:00:00+00:00", 1, "2027-01-01T10:00:00+00:00"),
        ("2026-05-15T10:00:00+00:00", 12, "2027-05-15T10:00:00+00:00"),
    ],
)
def test_months_are_anchored_to_the_day_and_clamped_at_month_ends(start: str, months: int, end: str) -> None:
    assert add_months(at(start), months, "UTC") == at(end)


def test_a_month_keeps_the_local_time_over_a_change_of_clocks() -> None:
    march, april = at("2026-03-15T12:00:00+01:00"), at("2026-04-15T12:00:00+02:00")
    assert add_months(march, 1, "Europe/Berlin") == april


def test_an_hour_that_clocks_skip_moves_on_and_one_they_repeat_is_its_first() -> None:
    skipped = add_months(at("2026-02-28T02:30:00+01:00"), 1, "Europe/Berlin")
    assert skipped == at("2026-03-28T02:30:00+01:00")
    assert add_months(at("2026-02-15T02:30:00-05:00"), 1, "America/New_York") == at("2026-03-15T02:30:00-04:00")
    assert add_months(at("2026-02-08T02:30:00-05:00"), 1, "America/New_York") == at("2026-03-08T03:30:00-04:00")
    assert add_months(at("2026-10-01T01:30:00-04:00"), 1, "America/New_York") == at("2026-11-01T01:30:00-04:00")


def test_months_begin_at_local_midnight() -> None:
    start = at("2026-01-31T00:00:00+00:00")
    assert month_starts_between(start, start + 2 * DAY, "UTC") == [at("2026-02-01T00:00:00+00:00")]
    hanoi = at("2026-02-01T00:00:00+07:00")
    assert month_starts_between(hanoi - 1, hanoi + 1, "Asia/Ho_Chi_Minh") == [hanoi]
    assert month_starts_between(hanoi, hanoi + DAY, "Asia/Ho_Chi_Minh") == []
    assert month_starts_between(hanoi - DAY, hanoi, "Asia/Ho_Chi_Minh") == []


def test_cycles_begin_each_month_after_the_anchor_and_not_before() -> None:
    anchor = at("2026-01-31T09:00:00+00:00")
    found = cycle_starts_between(anchor, anchor - DAY, anchor + 70 * DAY, "UTC")
    assert found == [at("2026-02-28T09:00:00+00:00"), at("2026-03-31T09:00:00+00:00")]
    assert cycle_starts_between(anchor, anchor - 40 * DAY, anchor - DAY, "UTC") == []
    assert cycle_starts_between(anchor, found[1], found[1] + DAY, "UTC") == []


@given(instants, st.integers(1, 70 * DAY), st.sampled_from(ZONES))
def test_month_starts_are_first_days_ascending_and_inside(start: int, length: int, time_zone: str) -> None:
    found = month_starts_between(start, start + length, time_zone)
    assert found == sorted(set(found))
    for instant in found:
        assert start < instant < start + length
        local = to_local(instant, time_zone)
        assert (local.day, local.hour, local.minute) == (1, 0, 0)


@given(instants, st.integers(0, 3_000 * DAY), st.integers(1, DAY), st.sampled_from(ZONES))
def test_cycle_starts_are_those_that_counting_on_from_the_anchor_gives(
    anchor: int, after: int, length: int, time_zone: str
) -> None:
    start = anchor + after
    counted = (add_months(anchor, months, time_zone) for months in range(1, after // (28 * DAY) + 3))
    assert cycle_starts_between(anchor, start, start + length, time_zone) == [
        instant for instant in counted if start < instant < start + length
    ]


@pytest.mark.parametrize("name", ["", "Nowhere", "../UTC", "/etc/passwd", "America", "UTC\x00", "utc+7"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(Reject, match="invalid_value"):
        zone(name)


def test_a_month_that_begins_in_an_hour_that_clocks_repeat_begins_in_its_first_and_only_once() -> None:
    zone_name = "America/St_Johns"  # on 1 November 2009 its clocks went back from 0:01 to 23:01 of the day before
    begins = at("2009-11-01T00:00:00-02:30")
    assert month_starts_between(begins - DAY, begins + DAY, zone_name) == [begins]
    again = at("2009-10-31T23:10:00-03:30")
    assert again > begins
    assert month_starts_between(again, again + DAY, zone_name) == []
