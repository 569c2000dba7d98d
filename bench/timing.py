"""How fast a process writes outputs while it works off a backlog, and what processor time that takes by process."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from drawdown.adapters.kafka.reading import topic_ends
from drawdown.local.child import Child

_NS = 10**9
_TICKS = os.sysconf("SC_CLK_TCK")
_POLL_SECONDS, _QUIET_NS, _LIMIT_SECONDS = 0.1, _NS, 300  # asking costs broker and cores that are measured


class Timed(NamedTuple):
    """Input events a second, and ns of processor time an event by process, both from 10 % to 90 % of the outputs."""

    rate: Fraction
    cpu_ns: dict[str, int]


class _Mark(NamedTuple):
    at_ns: int
    done: int
    cpu_ns: dict[str, int]


async def backlog(
    child: Child, where: tuple[str, str, Sequence[str]], events: int, others: Mapping[str, int], tail: int = 2_000
) -> Timed:
    """Watch until nothing is written for a second. where: Kafka, prefix, output topics. others: name → process id."""
    marks: list[_Mark] = []
    processes = {"worker": child.pid, **others}
    async with asyncio.timeout(_LIMIT_SECONDS), topic_ends(*where) as ends:
        first = await ends()
        while not marks or not marks[-1].done or time.monotonic_ns() - _written_at(marks) < _QUIET_NS:
            if not child.alive:
                raise SystemExit(f"the process under test ended:\n{child.tail(tail)}")
            cpu = {name: cpu_ns(pid) for name, pid in processes.items()}
            marks.append(_Mark(time.monotonic_ns(), await ends() - first, cpu))
            await asyncio.sleep(_POLL_SECONDS)
    total = marks[-1].done
    begin = next(mark for mark in marks if mark.done * 10 >= total)
    end = next(mark for mark in marks if mark.done * 10 >= total * 9)
    done = Fraction((end.done - begin.done) * events, total)
    used = {name: int((end.cpu_ns[name] - begin.cpu_ns[name]) / done) for name in processes}
    return Timed(done * _NS / (end.at_ns - begin.at_ns), used)


def _written_at(marks: Sequence[_Mark]) -> int:
    """Say when the newest outputs were seen."""
    return next(mark.at_ns for mark in marks if mark.done == marks[-1].done)


def cpu_ns(pid: int) -> int:
    """Give a process's processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _NS // _TICKS
