"""A tenth of the scenarios through a worker on a real Kafka and Redis, with the same expectations as in the domain."""

from pathlib import Path

import pytest

from drawdown.demo.staged import staged
from drawdown.local.stack import LocalStack
from drawdown.scenario.run import load

FOLDER = Path(__file__).parents[1] / "scenarios"
CHOSEN = (
    "grace",
    "fine-tuning-silent-job",
    "split-at-price-change",
    "same-id",
    "credit-order",
    "voucher-forfeited",
    "tiers-plan-runs-out",
    "tiers-pause",
)


@pytest.mark.parametrize("name", CHOSEN)
async def test_a_scenario_comes_out_on_the_stack_as_in_the_domain(stack: LocalStack, name: str) -> None:
    report = await staged(stack, load(str(FOLDER / f"{name}.yaml")))
    assert [(step.line, step.differences) for step in report.differing] == []
