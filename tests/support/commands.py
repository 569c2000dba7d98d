"""The command line on a stage: run as an operator would, in a process of its own."""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

from tests.support.document import environment_of

from drawdown.demo.stage import Stage
from drawdown.operate.desk import Desk
from drawdown.operate.letters import Filters, Letter, find


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


async def drawdown(stage: Stage, *arguments: str, stdin: bytes = b"", seconds: int = 120, **settings: object) -> Done:
    """Run a command with the stage's settings, some of them changed; at most so many seconds."""
    hidden = {name: getattr(stage.settings, name).get_secret_value() for name in ("redis", "history")}
    told = stage.settings.model_dump(mode="json") | hidden | settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "drawdown", *arguments),
        env=environment_of(told),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(seconds):
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def letters(stage: Stage, **filters: str) -> list[Letter]:
    """List the stage's dead letters."""
    async with Desk(stage.settings) as desk:
        return (await find(desk, Filters(**filters), 1_000))[0]  # type: ignore[arg-type]
