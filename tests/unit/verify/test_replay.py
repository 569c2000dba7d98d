"""A clean run has no finding; neither has one whose commit records are compacted away."""

import pytest
from tests.support.engine import CHANGELOG, LEDGER, SHARDS, A, B, World, a_world, owner_of
from tests.support.verifying import MemorySource

from drawdown.verify import Report, verify


async def verified(world: World) -> Report:
    source = MemorySource(world.broker, {"tally": world.cache}, world.clock, owner_of, SHARDS)
    return await verify(source, [LEDGER], books=False)


async def a_run(world: World) -> None:
    """Take commands, usage on both topics, a duplicate, a conflict, bad bytes, a refused and a misplaced record."""
    await world.start()
    for number in range(5):
        world.add(A, f"a{number}", number)
        world.add(B, f"b{number}", number, "adds-late")
    world.set(A, "set", 7, due=world.clock.now_ms() + 60_000)
    await world.settled()
    world.add(A, "a1", 1, "adds-late")
    world.add(A, "a2", 99)
    world.add(B, "b9", -1)
    world.add(B, "elsewhere", 3, to=owner_of(A.encode()))
    world.publish(A, id="no number")
    await world.settled()
    await world.pass_time(200_000)
    await world.settled()


@pytest.mark.parametrize("compacted", [False, True])
async def test_a_clean_run_has_no_finding(compacted: bool) -> None:
    async with a_world() as world:
        await a_run(world)
        for shard in range(SHARDS if compacted else 0):
            world.broker.compact(CHANGELOG, shard)
        report = await verified(world)
    assert [str(finding) for finding in report.findings] == []
    assert report.counts["applied"] == report.counts["ids"] == report.counts["outputs"] >= 12
    assert report.counts["dead letters"] == 3
    assert report.counts["crossings"] == 1


async def test_a_log_without_commits_is_clean() -> None:
    async with a_world() as world:
        report = await verified(world)
    assert report.clean


async def test_what_waits_is_a_note() -> None:
    async with a_world() as world:
        await a_run(world)
        await world.workers[0].stop()
        world.add(A, "late")
        report = await verified(world)
    assert report.clean
    assert [note.kind for note in report.notes] == ["liveness"]
