"""A release verifies what earlier ones decided by the rules that they had, where it knows them."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.engine import CHANGELOG, LEDGER, SHARDS, A, B, World, a_world, owner_of
from tests.support.inputs import changed
from tests.support.tally import Tally
from tests.support.verifying import MemorySource

from drawdown.domain.errors import Reject
from drawdown.engine.input import Input
from drawdown.engine.ledger import Ledger
from drawdown.engine.outcome import Outcome
from drawdown.engine.records import Record
from drawdown.errors import BadInput
from drawdown.verify import Report, verify


class Later(Tally):
    """The next release: what is added counts double, 13 is refused, and the number 0 is refused while it is read."""

    rules = 2

    def __init__(self, *known: Tally) -> None:
        self._known = known

    def by_rules(self) -> Mapping[int, Tally]:
        return {one.rules: one for one in (*self._known, self)}

    def decode(self, record: Record) -> Input:
        item = super().decode(record)
        assert isinstance(item.body, dict)
        if item.body.get("add") == 0:
            raise Reject("unknown_meter", "add is 0")
        return item

    def decide(self, state: object | None, item: Input) -> Outcome:
        assert isinstance(item.body, dict)
        if item.body.get("add") == 13:
            raise Reject("amount_too_large", "add is 13")
        twice = {**item.body, "add": item.body["add"] * 2} if "add" in item.body else item.body
        return super().decide(state, changed(item, body=twice))


NEWER, FORGETFUL = Later(LEDGER), Later()


async def verified(world: World, ledger: Ledger, checkpoint: Path | None = None) -> Report:
    source = MemorySource(world.broker, {"tally": world.cache}, world.clock, owner_of, SHARDS)
    return await verify(source, [ledger], books=False, checkpoint=checkpoint)


async def some(world: World, name: str) -> None:
    """Take usage on both topics, a command, duplicates, conflicts, and what one release refuses."""
    for number in range(15):
        world.add(A, f"{name}-a{number}", number)
        world.add(B, f"{name}-b{number}", number, "adds-late")
    world.set(B, f"{name}-set", 7)
    await world.settled()
    world.add(A, f"{name}-a4", 4, "adds-late")
    world.add(A, f"{name}-a5", 6)
    world.publish(B, id="no number")
    await world.settled()


async def rolled(world: World) -> None:
    """Have a release work, then the next, the first again, and the next to the end."""
    for turn, ledger in enumerate((LEDGER, NEWER, LEDGER, NEWER)):
        worker = await world.start(world.worker(ledger=ledger))
        await some(world, f"turn{turn}")
        await worker.stop()


@pytest.mark.parametrize("compacted", [False, True])
async def test_each_input_is_replayed_by_the_rules_that_decided_it(compacted: bool) -> None:
    async with a_world() as world:
        await rolled(world)
        for shard in range(SHARDS if compacted else 0):
            world.broker.compact(CHANGELOG, shard)
        report = await verified(world, NEWER)
    assert [str(finding) for finding in report.findings] == []
    assert (report.counts["applied"], report.counts["dead letters"]) == (4 * 31 - 2 * 4, 4 * 2 + 2 * 4)
    assert report.notes == []


async def test_what_no_known_rules_explain_is_found() -> None:
    async with a_world() as world:
        await rolled(world)
        held = world.broker._topics["totals"][owner_of(A.encode())].entries
        entry = next(entry for entry in held if b"turn2-a9" in (entry.value or b""))
        held[held.index(entry)] = replace(entry, value=(entry.value or b"").replace(b"-a9", b"-a8"))
        report = await verified(world, NEWER)
    assert {(finding.invariant, finding.offset) for finding in report.findings} == {("bytes", entry.offset)}


async def test_by_rules_that_are_not_known_nothing_is_replayed_and_nothing_found() -> None:
    async with a_world() as world:
        await rolled(world)
        reports = [await verified(world, one) for one in (FORGETFUL, LEDGER)]
    for report, theirs, known in zip(reports, (1, 2), (2, 1), strict=True):
        assert report.findings == []
        assert report.counts["applied"] == 0
        assert [note.kind for note in report.notes] == ["unproved"] * SHARDS
        assert f"commits by rules {theirs}, and this release knows {known}:" in report.notes[0].text


async def test_a_release_goes_on_from_the_checkpoint_of_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    async with a_world() as world:
        worker = await world.start(world.worker(ledger=LEDGER))
        await some(world, "before")
        assert (await verified(world, LEDGER, file)).clean
        await worker.stop()
        await world.start(world.worker(ledger=NEWER))
        await some(world, "after")
        with pytest.raises(BadInput, match="by rules 1, and this release knows 2"):
            await verified(world, FORGETFUL, file)
        report = await verified(world, NEWER, file)
        again = await verified(world, NEWER, file)
    assert (report.findings, report.counts["applied"]) == ([], 31 - 4)
    assert again.counts["applied"] == 0
