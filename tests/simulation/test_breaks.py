"""Deliberate breaks of the engine: the simulation catches each of BREAKS, and names the invariants that it violates."""

from collections.abc import Callable

import pytest
from tests.simulation.ledgers.breaks import BREAKS
from tests.simulation.ledgers.run import simulate
from tests.support.invariants import CHECKERS

SEEDS_MAX = 40


def test_each_invariant_is_named_for_some_break() -> None:
    assert set().union(*(invariants for _, invariants in BREAKS)) == set(CHECKERS)


@pytest.mark.parametrize(("broken", "invariants"), BREAKS, ids=[broken.__name__ for broken, _ in BREAKS])
async def test_a_break_is_caught_by_name(
    broken: Callable[[pytest.MonkeyPatch], None], invariants: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    named: set[str] = set()
    for seed in range(SEEDS_MAX):
        made = await simulate(seed)
        named |= {finding.split(":")[0] for finding in made.findings}
        if invariants <= named:
            return
    pytest.fail(f"named were {sorted(named)}, not {sorted(invariants - named)}")
