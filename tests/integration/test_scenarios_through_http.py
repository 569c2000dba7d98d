"""Scenarios whose commands are requests to the API: plans' lives, payments, credit; on a real Kafka and Redis."""

import asyncio
import functools
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest
from tests.support.scenario_api import ScenarioDesk
from tests.support.scenario_http import lived, routed

from drawdown.adapters.clock import SystemClock
from drawdown.api import context
from drawdown.local.stack import LocalStack
from drawdown.scenario.run import Plan, load

FOLDER = Path(__file__).parents[1] / "scenarios"
NOT_HERE = {
    "increment-per-event": "a worker rounds by its own catalogue",
    "tiers-cycle-on-leap-day": "it goes on until 2028, and Kafka refuses records from the future",
}


@functools.cache
def plans() -> list[Plan]:
    """Give the scenarios of which some step has a route."""
    read = [load(str(file)) for file in sorted(FOLDER.glob("*.yaml"))]
    return [plan for plan in read if any(routed(moment) for moment in plan.moments)]


def stages() -> list[list[Plan]]:
    """Give the scenarios that can share a worker and its prices.

    Alone are those that publish a price book, and those with voucher codes, which lie on shards of their own.
    """
    found: dict[bytes, list[Plan]] = defaultdict(list)
    for plan in plans():
        if Path(plan.document.name).stem not in NOT_HERE:
            steps = [moment.step for moment in plan.moments]
            alone = any(step.price_book or "code" in (step.command or {}) for step in steps)
            prices = None if plan.scenario.standard_prices else plan.scenario.prices
            found[msgspec.json.encode([prices, plan.document.name if alone else None])].append(plan)
    return list(found.values())


def test_those_that_are_not_here_could_not_be() -> None:
    now = SystemClock().now_ms()
    named = {Path(plan.document.name).stem: plan for plan in plans()}
    cannot = [name for name, plan in named.items() if plan.increments or plan.moments[-1].at > now]
    assert set(cannot) == NOT_HERE.keys()


async def test_they_come_out_through_http_as_in_the_domain(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "Desk", ScenarioDesk)
    found = await asyncio.gather(*(lived(stack, some) for some in stages()))
    assert {name: steps for differing, _ in found for name, steps in differing.items()} == {}
    assert sum(requests for _, requests in found) > 700  # so that they do not go round the API unseen
