"""A worker's own clock decides nothing: hours ahead or behind, ids are kept as long, and timers come in time."""

import json
from collections.abc import AsyncIterator

import pytest
from tests.simulation.ledgers.faults import Faults
from tests.simulation.ledgers.world import World
from tests.support.messages import activate_plan, command, inference, open_account, structured

from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant

ACCOUNT = "acc-1"
HOUR_MS = 3_600_000


@pytest.fixture(params=[-3 * HOUR_MS, 3 * HOUR_MS], ids=["behind", "ahead"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    faults = Faults(1)
    faults.on = False
    made = World(faults)
    made.new_node()
    made.nodes[0].clock.skew_ms = request.param
    publish(made, command(open_account(ACCOUNT)))
    await made.pass_time(20_000)
    yield made
    await made.stop()


def publish(world: World, record: Record) -> None:
    shard = world.shard_of(record.key or b"")
    world.broker.append(record.topic, shard, record.key, record.value, headers=record.headers)


def said(world: World, topic: str) -> list[dict[str, object]]:
    shard = world.shard_of(ACCOUNT.encode())
    return [json.loads(entry.value) for entry in world.broker.committed(topic, shard) if entry.value]


async def test_a_copy_is_known_as_long_as_it_could_be_accepted(world: World) -> None:
    event = structured(inference(world.clock.now_ms(), ident="once", account=ACCOUNT, input_tokens=9))
    for _ in range(5):
        publish(world, event)
        await world.pass_time(12_000)
        world.caches["plans"].wipe(world.shard_of(ACCOUNT.encode()))  # what is rebuilt goes by the watermark as well
    assert len(said(world, "credit-charging")) == 1


async def test_a_plan_ends_when_the_brokers_clock_says_so(world: World) -> None:
    end = world.clock.now_ms() + 30_000
    start = format_instant(world.clock.now_ms())
    publish(world, command(activate_plan("p", ACCOUNT, start=start, end=format_instant(end), grace_seconds=0)))
    await world.pass_time(25_000)
    assert "plan_expired" not in [one["kind"] for one in said(world, "account-events")]
    await world.pass_time(30_000)
    assert "plan_expired" in [one["kind"] for one in said(world, "account-events")]
