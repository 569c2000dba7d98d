"""Some seeds in every `make test`; `make simulate` runs thousands."""

import pytest
from tests.simulation.ledgers.run import simulate

SEEDS = range(1, 61)


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_fails_every_invariant_holds(seed: int) -> None:
    run = await simulate(seed)
    assert run.findings == [], "\n".join([*run.history, *run.findings, f"make simulate FIRST={seed} SEEDS=1"])
    assert run.inputs >= 200
    assert sum(run.fired.values()) >= 5


async def test_the_same_seed_is_the_same_run() -> None:
    one, other = await simulate(7), await simulate(7)
    assert one.digest == other.digest
    assert one.history == other.history
    assert (await simulate(8)).digest != one.digest
