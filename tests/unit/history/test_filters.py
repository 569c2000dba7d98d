"""Periods are of whole hours."""

import pytest
from tests.support.told import HOUR, T0

from drawdown.errors import BadInput
from drawdown.history.filters import Period, period_of


def test_a_period_is_of_whole_hours() -> None:
    assert period_of(T0, T0 + HOUR) == Period(T0, T0 + HOUR)


@pytest.mark.parametrize(("start", "end"), [(T0, T0), (T0 + HOUR, T0)])
def test_a_period_that_does_not_begin_before_it_ends_is_refused(start: int, end: int) -> None:
    with pytest.raises(BadInput, match="begins before it ends"):
        period_of(start, end)


@pytest.mark.parametrize(("start", "end"), [(T0 + 1, T0 + HOUR), (T0, T0 + HOUR + 1), (T0 - 1, T0 + 1)])
def test_a_period_that_cuts_an_hour_is_refused(start: int, end: int) -> None:
    with pytest.raises(BadInput, match="whole hour"):
        period_of(start, end)
