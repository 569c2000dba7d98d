"""A verification goes on from where an earlier one ended, and finds what went wrong since."""

from pathlib import Path

import pytest
from tests.support.engine import SHARDS, account, owner_of
from tests.support.messages import SECOND
from tests.support.two_ledgers import LEDGERS, POLICY, World, a_world
from tests.support.verified import MemoryReader, MemorySource
from tests.support.wallet_messages import record, top_up

from drawdown.engine.commit import COMMIT_KEY
from drawdown.errors import BadInput
from drawdown.topics import CHARGES
from drawdown.verify.checkpoint import ShardPoint, load, save
from drawdown.verify.model import Report
from drawdown.verify.run import Verification

A, B = account(0), account(1)
Points = dict[tuple[str, int], ShardPoint]


async def verified(world: World, points: Points | None = None) -> tuple[Report, Points]:
    caches = {name: MemoryReader(cache) for name, cache in world.caches.items()}
    run = Verification(MemorySource(world.broker), LEDGERS, owner_of, POLICY, caches, points, now_ms=world.clock.now_ms)
    report = await run.run(range(SHARDS))
    return report, {(point.ledger, point.shard): point for point in run.points}


async def use(world: World, first: int, count: int) -> None:
    for number in range(first, first + count):
        world.use((A, B)[number % 2], f"call-{number}", world.now - SECOND)
        await world.pass_time(SECOND)


async def begun(world: World) -> None:
    await world.start()
    for name in (A, B):
        world.open(name)
        world.append(record(top_up(f"t-{name}", name, amount="30")))
    await use(world, 0, 6)


async def test_a_later_run_replays_only_what_is_new_and_knows_the_ids_from_before() -> None:
    async with a_world() as world:
        await begun(world)
        whole, points = await verified(world)
        assert whole.findings == []
        world.use(A, "call-4", world.now - 2 * SECOND)  # another content under an id from before
        await use(world, 6, 4)
        report, _ = await verified(world, points)
        assert report.findings == []
        assert report.counts["plans replayed"] == 4
        assert report.counts["plans dead letters"] == 1


async def test_it_finds_what_went_wrong_since() -> None:
    async with a_world() as world:
        await begun(world)
        _, points = await verified(world)
        await use(world, 6, 4)
        world.broker._at(CHARGES, 0).entries.pop()
        while world.broker._at(CHARGES, 0).entries[-1].marker:
            world.broker._at(CHARGES, 0).entries.pop()
        world.broker._at(CHARGES, 0).entries.pop()
        report, _ = await verified(world, points)
        assert {one.account for one in report.findings} == {A}


async def test_a_checkpoint_of_another_log_is_refused() -> None:
    async with a_world() as world:
        await begun(world)
        _, points = await verified(world)
    async with a_world() as other:
        await other.start()
        other.open(A)
        await other.pass_time(SECOND)
        assert all(entry.key != COMMIT_KEY for entry in other.read("changelog.codes"))
        with pytest.raises(BadInput, match="of another log, or this one has lost data"):
            await verified(other, points)


async def test_it_is_kept_in_a_file_for_these_topics_and_rules(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    assert load(file, "", LEDGERS) == {}
    async with a_world() as world:
        await begun(world)
        _, points = await verified(world)
    save(file, "", LEDGERS, list(points.values()))
    assert load(file, "", LEDGERS) == points
    with pytest.raises(BadInput, match="of version 1 and prefix ''"):
        load(file, "other.", LEDGERS)
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match="is no checkpoint"):
        load(file, "", LEDGERS)
