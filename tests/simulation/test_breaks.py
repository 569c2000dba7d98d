"""Deliberate breaks of the engine: the simulation catches each of BREAKS, and names the invariants that it violates."""

from collections.abc import Callable

import pytest
from tests.simulation.ledgers.breaks import BREAKS
from tests.simulation.ledgers.run import simulate

SEEDS_MAX = 8
TIMES = 5  # faults strike so much more often than in other runs, so that few runs will do


@pytest.mark.parametrize(("broken", "invariants"), BREAKS, ids=[broken.__name__ for broken, _ in BREAKS])
async def test_a_break_is_caught_by_name(
    broken: Callable[[pytest.MonkeyPatch], None], invariants: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    named: set[str] = set()
    for seed in range(SEEDS_MAX):
        made = await simulate(seed, times=TIMES)
        named |= {finding.split(":")[0] for finding in made.findings}
        if invariants <= named:
            return
    pytest.fail(f"named were {sorted(named)}, not {sorted(invariants - named)}")
