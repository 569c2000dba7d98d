"""Row 11: every event is bad. The worker stops, the topic is intact, and all is rated once the cause is mended."""

from tests.chaos.checks import proved
from tests.chaos.ground import Ground, ended, said
from tests.chaos.report import Told
from tests.support.commands import drawdown
from tests.support.load import call, now_ms

from drawdown.demo.scenario import command

FEW, EVENTS, ACCOUNT = 300, 6_000, "acc-nobody"


async def test_every_event_bad(land: Ground, told: Told) -> None:
    async with land.working() as (stage, worker):
        end = now_ms()
        usage = [call(number, end, account=ACCOUNT) for number in range(EVENTS)]
        await stage.publish(usage[:FEW])
        await stage.all_taken()  # too few to judge by: they are letters now
        await stage.publish(usage[FEW:])
        code = await ended(worker)
        assert code == 1, worker.tail(2_000)
        assert said(worker, "inputs were refused", "unknown_account")
        left = await stage.waiting()
        log = await stage.read()
        letters = len(log["dead-letters"])
        assert len(log["usage.inference"]) == EVENTS
        assert FEW <= letters < EVENTS
        assert letters + left >= EVENTS
        told.fired("6,000 events of an account nobody opened", f"exit code {code}; {letters} letters, {left} not taken")
        told.checked("the topic holds every event; none vanished")
        await stage.publish([command(ACCOUNT, "open-late", "open_account", end, currency="USD", time_zone="UTC")])
        land.start_worker(stage)
        await stage.all_taken()
        again = await drawdown(stage, "dead-letters", "replay", "--account", ACCOUNT, "--yes", "--json")
        assert again.code == 0, again.err
        told.checked(f"account opened: the rest was rated, {letters} letters replayed")
        await proved(told, stage, EVENTS)
