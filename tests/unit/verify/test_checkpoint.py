"""A verification goes on from what an earlier one wrote, and refuses what another log wrote."""

from pathlib import Path

import pytest
from tests.support.engine import LEDGER, SHARDS, A, B, World, a_world, owner_of
from tests.support.verifying import MemorySource

from drawdown.errors import BadInput
from drawdown.verify import Report, verify


async def verified(world: World, file: Path) -> Report:
    source = MemorySource(world.broker, {"tally": world.cache}, world.clock, owner_of, SHARDS)
    return await verify(source, [LEDGER], books=False, checkpoint=file)


async def some(world: World, name: str, count: int = 5) -> None:
    for number in range(count):
        world.add(A, f"{name}{number}")
        world.add(B, f"{name}-other{number}", topic="adds-late")
    world.publish(A, id=f"{name} without a number")
    await world.settled()


async def test_only_what_is_new_is_replayed(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    async with a_world() as world:
        await world.start()
        await some(world, "first")
        first = await verified(world, file)
        await some(world, "second")
        world.add(A, "first1", topic="adds-late")  # a duplicate of one from before
        world.add(A, "first2", 99)  # and a conflict
        await world.settled()
        second = await verified(world, file)
        third = await verified(world, file)
    assert (first.findings, second.findings, third.findings) == ([], [], [])
    assert (first.counts["applied"], second.counts["applied"], third.counts["applied"]) == (10, 10, 0)
    assert (second.counts["duplicates"], second.counts["dead letters"]) == (1, 2)
    assert {note.kind for note in second.notes} == {"skipped"}


async def test_retention_may_pass_what_was_verified(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    async with a_world() as world:
        await world.start()
        await some(world, "first")
        assert (await verified(world, file)).clean
        await some(world, "second")
        world.broker.delete_before("adds", owner_of(A.encode()), 3)
        world.broker.delete_before("adds-late", owner_of(B.encode()), 3)
        report = await verified(world, file)
        without = await verified(world, tmp_path / "another")
    assert report.clean
    assert report.counts["applied"] == 10
    assert "unproved" not in {note.kind for note in report.notes}
    assert (without.clean, without.counts["applied"]) == (True, 0)
    assert "unproved" in {note.kind for note in without.notes}


async def test_a_checkpoint_of_another_log_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    async with a_world() as world:
        await world.start()
        await some(world, "one")
        await verified(world, file)
    before = file.read_bytes()
    async with a_world() as world:
        await world.start()
        await some(world, "another")
        with pytest.raises(BadInput, match="another log"):
            await verified(world, file)
    assert file.read_bytes() == before


async def test_what_was_wrong_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    async with a_world() as world:
        await world.start()
        await some(world, "first")
        entries = world.broker._topics["totals"][owner_of(A.encode())].entries
        entries.remove(next(entry for entry in entries if not entry.marker))
        assert not (await verified(world, file)).clean
        assert not (await verified(world, file)).clean


async def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("buy milk")
    async with a_world() as world:
        with pytest.raises(BadInput, match="no checkpoint"):
            await verified(world, file)
    assert file.read_text() == "buy milk"
