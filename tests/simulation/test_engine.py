"""Hundreds of short runs of the engine in memory, a fault at every step: at their end the log adds up, and Redis is it.

A failure names its seed; `DRAWDOWN_SEED=n pytest tests/simulation` runs that one again, step by step the same.
"""

import os

import pytest
import structlog
from tests.conftest import SEED
from tests.simulation.conserved import check
from tests.simulation.simulation import Simulation
from tests.support.engine import a_world

from drawdown.engine import runtime

_GIVEN = os.environ.get("DRAWDOWN_SEED")
SEEDS = [int(_GIVEN)] if _GIVEN else [SEED + run for run in range(int(os.environ.get("DRAWDOWN_RUNS", "300")))]


@pytest.mark.parametrize("run", range(len(SEEDS)))
async def test_whatever_fails_every_id_counts_once(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = SEEDS[run]
    # half of the runs: a revocation does not wait for open transactions, so that they are cut off
    monkeypatch.setattr(runtime, "REVOKE_WAIT_SECONDS", 2 if seed % 2 else 0)
    async with a_world() as world:
        simulation = Simulation(world, seed)
        try:
            with structlog.testing.capture_logs() as logs:
                await simulation.run()
            check(world, chain=not simulation.compacted)
        except BaseException as error:
            error.add_note("\n".join(simulation.history))
            error.add_note("\n".join(str(entry) for entry in logs))
            error.add_note(f"run it again with DRAWDOWN_SEED={seed}")
            raise
