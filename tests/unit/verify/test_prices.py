"""Books are read when their workers read them: usage from before a first version stays refused in the replay."""

import pytest
from tests.support.engine import SHARDS, owner_of
from tests.support.messages import SECOND
from tests.support.odd_messages import BOOKS
from tests.support.two_ledgers import POLICY, Lane, World, a_world
from tests.support.verifying import MemorySource

from drawdown.domain.prices import Prices
from drawdown.engine.memory.broker import Partition
from drawdown.ledgers.plans import PlansLedger
from drawdown.topics import PRICES
from drawdown.verify import Report, verify
from drawdown.wire.price_book import decode_book

ACC = "acc-0"


def publish(world: World, prices: Prices, ledger: PlansLedger, value: bytes) -> None:
    """Append a book, and let the worker read it at once."""
    offset = world.broker.append(PRICES, 0, b"book", value)
    prices.add(decode_book(value), world.now)
    ledger.read_prices_to(offset + 1)


async def a_run(world: World) -> PlansLedger:
    world.broker._topics[PRICES] = [Partition()]
    prices = Prices()
    ledger = PlansLedger(prices, POLICY)
    lane = Lane(world, ledger)
    world.lanes.append(lane)
    await lane.runtime.on_assigned(frozenset(range(SHARDS)))
    world.open(ACC)
    await world.pass_time(SECOND)
    world.use(ACC, "before", world.now)
    await world.pass_time(SECOND)
    publish(world, prices, ledger, BOOKS[0])
    world.use(ACC, "after", world.now)
    await world.pass_time(SECOND)
    publish(world, prices, ledger, BOOKS[1])
    world.use(ACC, "later", world.now)
    await world.pass_time(10 * SECOND)
    return ledger


async def verified(world: World, ledger: PlansLedger) -> Report:
    return await verify(MemorySource(world.broker, world.caches, world.clock, owner_of, SHARDS), [ledger])


@pytest.mark.parametrize("compacted", [False, True])
async def test_a_first_version_does_not_price_what_was_refused_before(compacted: bool) -> None:
    async with a_world() as world:
        ledger = await a_run(world)
        for shard in range(SHARDS if compacted else 0):
            world.broker.compact("changelog.plans", shard)
        report = await verified(world, ledger)
    assert [str(finding) for finding in report.findings] == []
    assert (report.counts["applied"], report.counts["dead letters"]) == (3, 1)


async def test_a_book_that_is_lost_is_missed() -> None:
    async with a_world() as world:
        ledger = await a_run(world)
        world.broker._topics[PRICES] = [Partition()]
        report = await verified(world, ledger)
    assert {one.invariant for one in report.findings} >= {"completeness", "equivalence"}
