"""Row 16: a dead-letter topic that refuses. Nothing is lost, and a replay of what it took later is known again."""

import msgspec
from tests.chaos import topics
from tests.chaos.checks import proved
from tests.chaos.ground import Ground, load, said, until_rated, until_said, until_sent
from tests.chaos.report import Told
from tests.support.commands import drawdown, letters
from tests.support.load import HOUR, call, now_ms

from drawdown.demo.stage import Stage
from drawdown.topics import DEAD_LETTERS
from drawdown.traces.events import Outgoing

LATE, BROKEN = 900_000, 900_001


def late() -> Outgoing:
    """Give a call that is refused for its age, and may be replayed."""
    return call(LATE, now_ms() - 7 * HOUR)


def broken() -> Outgoing:
    good = call(BROKEN, now_ms())
    return msgspec.structs.replace(
        good, value=(good.value or b"").replace(b'"input_tokens":900', b'"input_tokens":"x"')
    )


async def replayed_once(stage: Stage, told: Told) -> None:
    """Replay the late call twice: it counts once."""
    name = next(one.name for one in await letters(stage) if one.reason == "too_late")
    done = await drawdown(stage, "dead-letters", "replay", name, "--json")
    assert (done.code, done.json[0]["outcome"]) == (0, "applied"), done
    await stage.publish([call(LATE, now_ms())])  # and its publisher sends it again, other content: in time
    again = await drawdown(stage, "dead-letters", "replay", name)
    assert "has an outcome already" in again.err, again
    told.checked("a replay counts once; again it is told its outcome")


async def test_dead_letters_too_small_for_a_letter(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        await topics.configure(stage, DEAD_LETTERS, max_message_bytes="100")
        async with load(stage) as running:
            await until_sent(running, 100)
            await stage.publish([late(), broken()])
            await until_said(worker, "shard in doubt", "dead-letters", times=3)
            doubts = said(worker, "shard in doubt", "dead-letters")
            await topics.configure(stage, DEAD_LETTERS, max_message_bytes="1048588")
            await until_rated(stage, 200)
        told.fired("max.message.bytes=100", f"the worker named the topic {doubts} times", doubts)
        await stage.all_taken()
        assert sorted(one.reason for one in await letters(stage)) == ["too_late", "wrong_type"]
        told.checked("both letters there once it was mended")
        await replayed_once(stage, told)
        await proved(told, stage, running.sent + 1)


async def test_dead_letters_deleted(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        await topics.delete(stage, DEAD_LETTERS)
        async with load(stage) as running:
            await stage.publish([late(), broken()])
            await until_said(worker, "shard in doubt", "dead-letters", seconds=90)
            doubts = said(worker, "shard in doubt", "dead-letters")
            await topics.create(stage, DEAD_LETTERS)
            await until_rated(stage, 200)
        told.fired("the topic is gone", f"the worker named the topic {doubts} times", doubts)
        await stage.all_taken(seconds=120)
        assert sorted(one.reason for one in await letters(stage)) == ["too_late", "wrong_type"]
        told.checked("both letters there once it was made again")
        await proved(told, stage, running.sent)
