"""Ends date what was appended between two askings."""

from drawdown.adapters.monitor.lag import Ends


def test_nothing_is_known_before_the_first_asking() -> None:
    assert Ends().beyond(5) == (0, None)


def test_what_was_appended_is_as_old_as_the_first_end_beyond_it() -> None:
    ends = Ends()
    for end, now in ((10, 1_000), (10, 2_000), (15, 3_000), (22, 4_000)):
        ends.saw(end, now)
    assert ends.beyond(10) == (12, 3_000)
    assert ends.beyond(15) == (7, 4_000)
    assert ends.beyond(22) == (0, None)


def test_a_taker_that_is_further_than_the_last_asking_has_no_lag() -> None:
    ends = Ends()
    ends.saw(10, 1_000)
    assert ends.beyond(30) == (0, None)
    ends.saw(31, 2_000)
    assert ends.beyond(30) == (1, 2_000)


def test_a_shard_that_stands_still_keeps_its_oldest_date_however_long() -> None:
    ends = Ends()
    ends.saw(10, 0)
    for number in range(1, 10_000):
        ends.saw(10 + number, number * 5_000)
    waiting, since = ends.beyond(9)
    assert waiting == 10_000
    assert since == 0
    assert len(ends._seen) <= 720
