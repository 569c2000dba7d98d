"""The service and the oracle, which share no code, agree on worlds that neither was written for."""

from hypothesis import HealthCheck, given, settings
from tests.support.random_worlds import World, worlds
from tests.support.raters import applied_all, differences

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(worlds())
def test_service_and_oracle_agree_on_every_outcome(world: World) -> None:
    assert differences(applied_all(world.books, world.records)) == []
