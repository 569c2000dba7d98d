"""A tenth of the scenarios through a worker on a real Kafka and Redis, with the same expectations as in the domain."""

import asyncio
from pathlib import Path

from drawdown.demo.staged import staged
from drawdown.local.stack import LocalStack
from drawdown.scenario.run import load

FOLDER = Path(__file__).parents[1] / "scenarios"
CHOSEN = (
    "cancel-at-cycle-end",
    "credit-order",
    "end-is-near",
    "fine-tuning-silent-job",
    "grace",
    "instalment-overdue",
    "offer-lapses",
    "pause-ends-by-itself",
    "postpaid",
    "price-change-announced",
    "price-change-of-the-past-refused",
    "renewal-automatic",
    "renewal-when-it-runs-out",
    "same-id",
    "split-at-price-change",
    "tiers-pause",
    "tiers-plan-runs-out",
    "upgrade-at-cycle-end",
    "voucher-codes",
    "voucher-forfeited",
)


def test_a_tenth_of_the_scenarios_is_chosen() -> None:
    assert len(list(FOLDER.rglob("*.yaml"))) <= 10 * len(CHOSEN)


async def test_they_come_out_on_the_stack_as_in_the_domain(stack: LocalStack) -> None:
    together = asyncio.Semaphore(4)  # they mostly wait for timers

    async def differing(name: str) -> list[tuple[int, list[str]]]:
        async with together:
            report = await staged(stack, load(str(FOLDER / f"{name}.yaml")))
        return [(step.line, step.differences) for step in report.differing]

    found = await asyncio.gather(*(differing(name) for name in CHOSEN))
    assert {name: steps for name, steps in zip(CHOSEN, found, strict=True) if steps} == {}
