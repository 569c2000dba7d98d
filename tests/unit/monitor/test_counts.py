"""Counting many values at once comes to the same as one by one."""

import random

from tests.conftest import SEED

from drawdown.engine.counts import AGE_BOUNDS_MS, Spread


def test_a_bound_belongs_to_its_bucket() -> None:
    spread = Spread((10, 20))
    for value in (0, 10, 11, 20, 21):
        spread.add(value)
    assert (spread.counts, spread.total, spread.number) == ([2, 2, 1], 62, 5)


def test_all_at_once_is_as_one_by_one() -> None:
    dice = random.Random(SEED)
    for _ in range(200):
        values = [dice.choice((0, 49, 50, 51, 30_000, 30_001, 10**9)) for _ in range(dice.randrange(9))]
        values += [dice.randrange(4_000_000) for _ in range(dice.randrange(50))]
        together, single = Spread(AGE_BOUNDS_MS), Spread(AGE_BOUNDS_MS)
        together.add_all(values)
        for value in values:
            single.add(value)
        assert (together.counts, together.total) == (single.counts, single.total), values
