"""The service and the oracle, which share no code, agree on worlds that neither was written for."""

from hypothesis import given
from tests.support.examples import examples
from tests.support.random_worlds import World, worlds
from tests.support.raters import applied_all, differences


@examples(150)
@given(worlds())
def test_service_and_oracle_agree_on_every_outcome(world: World) -> None:
    assert differences(applied_all(world.books, world.records)) == []
