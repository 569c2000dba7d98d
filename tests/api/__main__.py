"""The API held to its own document by schemathesis, on a real stack. `make test-api`."""

import argparse
import asyncio
import contextlib
import logging
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec
from tests.api.ground import ACCOUNT, prepared
from tests.support.api import Api, served
from tests.support.load import stage_on, started

from drawdown.local.stack import LocalStack
from drawdown.operate.keys import SCOPES, Scope

CONFIG = Path(__file__).parent / "schemathesis.toml"
SECONDS = 210  # of all runs together; what they do before and after it comes on top
_OTHERS_PERCENT = 8  # of that time each key but the operator's gets
Told = Mapping[str, Mapping[str, int]]


async def run(api: Api, scope: Scope, seconds: int, seed: int, more: list[str]) -> tuple[int, Told]:
    """Run schemathesis with a key of a scope; give how it ended, and what was answered how often."""
    print(f"\n--- a key of scope {scope}, {seconds} s, seed {seed}", flush=True)
    client = await api.client(scope, ACCOUNT if scope == "account" else None)
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers.json"
        environment = {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "SCHEMATHESIS_HOOKS": "tests.api.checks",
            "DRAWDOWN_TEST_KEY": client.headers["Authorization"].removeprefix("Bearer "),
            "DRAWDOWN_TEST_ANSWERS": str(answers),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
            *(f"{api.address}/v1/openapi.json", "--seed", str(seed), "--max-time", str(seconds), *more),
            env=os.environ | environment,
        )
        code = await process.wait()
        return code, msgspec.json.decode(answers.read_bytes()) if answers.exists() else {}


def tell(told: Told) -> list[str]:
    """Print what was answered; give the operations that never succeeded, for which what is prepared may not suffice."""
    width = max(map(len, told), default=0)
    for name, answers in told.items():
        print(f"  {name:{width}}  {', '.join(f'{count} of {answer}' for answer, count in answers.items())}")
    return [name for name, answers in told.items() if not any(one.startswith(("2", "403")) for one in answers)]


@contextlib.asynccontextmanager
async def prepared_api(stack: LocalStack) -> AsyncIterator[Api]:
    """Start the API, a worker and the history on a stack, and have something to ask for."""
    with tempfile.TemporaryDirectory() as folder:
        history = f"sqlite:///{folder}/history.db"
        async with stage_on(stack, f"t{secrets.token_hex(5)}.", history=history) as stage, served(stage) as api:
            await started(stage)
            stage.start_worker(("-m", "drawdown", "history"))
            await prepared(stage, api)
            yield api
            assert all(one.alive for one in stage.workers), [one.tail(2_000) for one in stage.workers]


async def main(stack: LocalStack, seconds: int, seed: int, more: list[str]) -> list[str]:
    """Run schemathesis with keys of every scope; give what was found."""
    found = []
    other = seconds * _OTHERS_PERCENT // 100
    async with prepared_api(stack) as api:
        for scope in SCOPES:
            time_for = seconds - (len(SCOPES) - 1) * other if scope == "operator" else other
            phases = [] if scope == "operator" else ["--phases", "fuzzing,stateful"]
            code, told = await run(api, scope, time_for, seed, phases + more)
            never = tell(told)
            if scope == "operator":  # the others have too little time for that
                print(f"without success: {', '.join(never) or 'none'}", flush=True)
            found += [f"a key of scope {scope}: see above"] if code else []
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.api", description="Options not listed go to schemathesis.")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    known, others = parser.parse_known_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    began = time.monotonic()
    with LocalStack() as running:
        findings = asyncio.run(main(running, known.seconds, known.seed, others))
    print(f"\nseed {known.seed}, {int(time.monotonic() - began)} s: {'; '.join(findings) or 'clean'}")
    sys.exit(bool(findings))
