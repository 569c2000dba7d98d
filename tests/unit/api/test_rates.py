"""How often a caller may ask."""

from drawdown.api.rates import Rates
from drawdown.domain.limits import API_CALLERS_KEPT_MAX


def test_a_burst_is_let_through_and_then_the_rate() -> None:
    rates = Rates(per_second=10, burst=3)
    assert [rates.wait_ms("a", 0) for _ in range(5)] == [0, 0, 0, 100, 100]
    assert rates.wait_ms("a", 99) == 1
    assert rates.wait_ms("a", 100) == 0
    assert rates.wait_ms("a", 100) == 100


def test_callers_have_a_bucket_each_and_it_is_never_fuller_than_full() -> None:
    rates = Rates(per_second=10, burst=2)
    assert [rates.wait_ms("a", 0) for _ in range(3)] == [0, 0, 100]
    assert rates.wait_ms("b", 0) == 0
    assert [rates.wait_ms("a", 10**9) for _ in range(3)] == [0, 0, 100]


def test_a_clock_that_goes_back_gives_nothing() -> None:
    rates = Rates(per_second=10, burst=1)
    assert rates.wait_ms("a", 1_000) == 0
    assert rates.wait_ms("a", 0) == 100


def test_the_longest_unseen_callers_are_forgotten() -> None:
    rates = Rates(per_second=1, burst=1)
    for number in range(API_CALLERS_KEPT_MAX + 1):
        rates.wait_ms(str(number), 0)
    assert len(rates._held) == API_CALLERS_KEPT_MAX
    assert "0" not in rates._held
