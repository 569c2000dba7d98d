"""Row 1: SIGKILL at every step of the cycle, and lost replies with and without it.

tests/integration/test_killed_at_each_point.py compares the bytes of more points; here the replies are lost on the wire.
"""

from importlib.resources import files

import pytest
from tests.chaos.checks import proved
from tests.chaos.ground import Ground, ended, load, until_rated
from tests.chaos.proxy import END_TXN, Proxy, Trap, redis_script
from tests.chaos.report import Told

LOOK_UP = redis_script(files("drawdown.adapters.redis").joinpath("look_up.lua").read_text())
WRITE = redis_script(files("drawdown.adapters.redis").joinpath("write.lua").read_text())
IN_WORKER = (
    "before the look-up",
    "after the look-up",
    "inside the transaction, after a send",
    "before the transaction's commit",
    "after the transaction's commit",
    "after the apply",
)
ON_THE_WIRE = {"look-up": LOOK_UP, "commit": END_TXN, "apply": WRITE}


def trap(land: Ground, step: str, *, cut: bool = False) -> tuple[Trap, Proxy]:
    """Lose the answer to a step's request."""
    proxy = land.to_kafka if step == "commit" else land.to_redis
    return proxy.lose_answer(ON_THE_WIRE[step], cut=cut, skip=2), proxy


@pytest.mark.parametrize("point", IN_WORKER)
async def test_killed(land: Ground, told: Told, point: str) -> None:
    async with land.stage() as stage:
        crashing = land.start_worker(stage, ("-m", "tests.support.crashing_worker", point))
        async with load(stage) as running:
            code = await ended(crashing)
            land.start_worker(stage)
            await until_rated(stage, 100)
        assert code == -9
        told.fired(f"SIGKILL {point}", f"exit code {code}")
        await proved(told, stage, running.sent)


@pytest.mark.parametrize("step", ON_THE_WIRE)
async def test_killed_with_the_reply_lost(land: Ground, told: Told, step: str) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            sprung, proxy = trap(land, step)
            await sprung.swallowed.wait()
            worker.kill()
            land.start_worker(stage)
            await until_rated(stage, 100)
        lost = proxy.counts["swallowed down"]
        told.fired(f"the {step}'s reply lost, then SIGKILL", f"swallowed {lost} chunks; {worker.returncode}", lost)
        await proved(told, stage, running.sent)


@pytest.mark.parametrize("step", ON_THE_WIRE)
async def test_reply_lost_and_the_connection_cut(land: Ground, told: Told, step: str) -> None:
    async with land.working() as (stage, worker):
        async with load(stage) as running:
            for _ in range(3):
                sprung, proxy = trap(land, step, cut=True)
                await sprung.swallowed.wait()
                await until_rated(stage, 50)
        lost = proxy.counts["swallowed down"]
        told.fired(f"the {step}'s reply lost, the worker lives", f"the proxy swallowed {lost} replies", lost)
        assert worker.alive, worker.tail(3_000)
        await proved(told, stage, running.sent)
