"""A series that grows is told from one that does not; what is drawn is well-formed."""

from xml.etree import ElementTree as ET

import pytest
from tests.soak.flat import Series, judge, quarters
from tests.soak.plot import svg


def series(*values: int, percent: int = 10, grows: int = 0) -> Series:
    return Series("s", "MiB", percent, grows, [(10 * place, value) for place, value in enumerate(values)])


def test_the_second_quarter_is_compared_with_the_last() -> None:
    assert quarters([(at, at) for at in range(100)]) == (37, 87)
    assert quarters([]) == (0, 0)


@pytest.mark.parametrize(
    ("values", "flat"),
    [
        ([90, 95, *[100] * 10], True),  # warming up
        ([100] * 6 + [110] * 6, True),
        ([100] * 6 + [111] * 6, False),
        ([100] * 9 + [500] + [100] * 6, True),  # a peak is no growth
        (list(range(100, 124, 2)), False),
        ([100] * 7, False),  # too few to say
    ],
)
def test_growth_is_seen(values: list[int], flat: bool) -> None:
    assert judge(series(*values)).flat is flat


def test_what_is_near_nothing_may_move() -> None:
    assert judge(series(*[0] * 8, *[40] * 8, percent=100, grows=40)).flat
    assert not judge(series(*[0] * 8, *[41] * 8, percent=100, grows=40)).flat


def test_the_plot_is_well_formed() -> None:
    drawn = [(one, judge(one)) for one in (series(*range(20)), series())]
    root = ET.fromstring(svg(drawn, [(50, "a worker <joins>")]))
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 2
