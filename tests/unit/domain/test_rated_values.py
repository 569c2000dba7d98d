"""What was rated is a value: equal when all fields are, and shown with all of them."""

import pytest
from msgspec.structs import replace
from tests.support.domain import World, tokens

from drawdown.domain.rated import Charge, Overage, Value


def rated() -> tuple[Charge, Overage]:
    world = World()
    world.activate("p", "0.5")
    charge, overage = world.use(tokens(1_000_000))
    assert charge is not None
    assert overage is not None
    return charge, overage


def test_the_same_usage_rates_to_equal_values() -> None:
    charge, overage = rated()
    again, overage_again = rated()
    assert (charge, overage) == (again, overage_again)
    assert len({charge, again, overage, overage_again}) == 2
    assert charge.lines[0] != overage.lines[0]
    world = World()
    world.activate("p", "0.5")
    assert world.use(replace(tokens(1_000_000), id="other"))[1] != overage


def test_all_fields_are_shown() -> None:
    charge, overage = rated()
    assert repr(overage).startswith("Overage(Usage(")
    assert repr(charge.lines[0]) in repr(charge)


def test_a_value_says_its_fields() -> None:
    with pytest.raises(NotImplementedError):
        Value().fields()
