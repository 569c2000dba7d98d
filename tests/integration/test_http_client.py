"""The example with a client generated from the OpenAPI document buys a plan and reads its history."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.api import Api, served
from tests.support.load import stage_on, started

from drawdown.local.stack import LocalStack

ROOT = Path(__file__).parents[2]
VENV, CLIENT = ROOT / ".venv-client", ROOT / "build" / "client"


def made() -> None:
    """Generate the client; the first time, get the generator."""
    command = ["bash", str(ROOT / "tools" / "make_client.sh"), str(VENV), str(CLIENT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def run(api: Api, key: str, account: str) -> subprocess.CompletedProcess[str]:
    example = [str(VENV / "bin" / "python"), str(ROOT / "examples" / "http_client.py"), api.address, key, account]
    environment = os.environ | {"PYTHONPATH": str(CLIENT)}
    return subprocess.run(example, capture_output=True, text=True, check=False, timeout=120, env=environment)


@asynccontextmanager
async def running(stack: LocalStack, prefix: str, folder: Path) -> AsyncIterator[Api]:
    history = f"sqlite:///{folder}/history.db"
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        stage.start_worker(("-m", "drawdown", "history"), history=history)
        async with served(stage, history=history) as api:
            yield api


async def test_it_buys_a_plan_and_reads_its_history(stack: LocalStack, prefix: str, tmp_path: Path) -> None:
    await asyncio.to_thread(made)
    async with running(stack, prefix, tmp_path) as api:
        client = await api.client("operator")
        key = client.headers["Authorization"].removeprefix("Bearer ")
        done = await asyncio.to_thread(run, api, key, "buyer")
        assert done.returncode == 0, done.stdout + done.stderr
        bought, *entries = done.stdout.splitlines()
        assert bought.startswith("plan team of buyer: Active, 120.000000000 of 120.000000000 left until ")
        assert [line.split("  ")[1:] for line in entries] == [["plan team", "120.000000000 USD", "plan team is active"]]
        done = await asyncio.to_thread(run, api, "dd_aaaaaaaa_" + "a" * 43, "buyer")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("401: no live API key")
