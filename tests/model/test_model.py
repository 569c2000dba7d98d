"""The protocol of section 4 in small worlds, and what each of its rules is for."""

import pytest
from tests.model.cases import CASES, Case
from tests.model.checker import explore
from tests.model.rules import Rule
from tests.model.shard import Shard
from tests.model.worlds import SMALL, World


@pytest.mark.parametrize("world", SMALL, ids=lambda world: world.name)
def test_the_protocol_breaks_nothing_and_always_comes_to_rest(world: World) -> None:
    found = explore(Shard(world))
    assert found.whole
    assert found.violation is None, "\n".join(found.violation.trace)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "+".join(rule.name.lower() for rule in case.rules))
def test_without_the_rule_the_model_finds_the_violation(case: Case) -> None:
    violation = explore(Shard(case.world, frozenset(case.rules))).violation
    if case.found is None:
        assert violation is None
        assert case.why
        return
    assert violation is not None
    assert violation.what.startswith(case.found), violation.trace


@pytest.mark.parametrize("case", CASES, ids=lambda case: "+".join(rule.name.lower() for rule in case.rules))
def test_with_the_rule_that_world_is_clean(case: Case) -> None:
    assert explore(Shard(case.world)).violation is None


def test_every_rule_has_its_case() -> None:
    assert {rule for case in CASES for rule in case.rules} == set(Rule)
