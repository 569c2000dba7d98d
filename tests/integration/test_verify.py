"""`drawdown verify` on a real stack after a worker was killed under load and Redis emptied; then with a key edited."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

from tests.support.load import calls, flush, now_ms, stage_on, started

from drawdown.demo.stage import Stage
from drawdown.local.stack import LocalStack

EVENTS = 1_200


def verify(stage: Stage, stack: LocalStack, *options: str) -> subprocess.CompletedProcess[str]:
    told = stage.settings.model_dump(mode="json") | {"redis": stack.addresses.redis}
    environment = {f"DRAWDOWN_{name.upper()}": str(value) for name, value in told.items()}
    command = [sys.executable, "-m", "drawdown", "verify", "--json", *options]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60
    )


async def test_a_killed_worker_leaves_nothing_wrong_and_an_edited_balance_is_found(
    stack: LocalStack, prefix: str
) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        await stage.publish(calls(0, EVENTS, now_ms()))
        stage.workers[0].kill()
        await flush(stage)
        await started(stage)
        for worker in stage.workers:
            worker.stop()
        clean = await asyncio.to_thread(verify, stage, stack)
        assert (clean.returncode, clean.stderr.count("Traceback")) == (0, 0), clean.stdout + clean.stderr
        report = json.loads(clean.stdout)
        assert (report["clean"], report["findings"]) == (True, [])
        assert report["counts"]["applied"] >= EVENTS

        key = f"{prefix}{{plans:0}}:states"
        redis: Any = stage.redis
        name, sealed = next(iter((await redis.hgetall(key)).items()))
        await redis.hset(key, name, sealed[:-1] + bytes([sealed[-1] ^ 1]))
        edited = await asyncio.to_thread(verify, stage, stack, "--ledger", "plans", "--account", name.decode())
        assert edited.returncode == 1, edited.stdout + edited.stderr
        (finding,) = json.loads(edited.stdout)["findings"]
        assert (finding["invariant"], finding["account"]) == ("cache", name.decode())
