"""What the history costs beside the worker that wrote the charges, and its lag at a steady rate; see README.md.

python -m bench.history [--rounds N] [--events N] [--rate N] [--seconds N]
"""

import argparse
import asyncio
import contextlib
import logging
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from pydantic import SecretStr
from sqlalchemy import select
from tests.support.databases import KINDS, database

from bench import timing
from bench.cases import ACCOUNTS, USUAL, a_stage
from bench.latency import TICK_SECONDS
from bench.loads import calls, opened
from bench.timing import cpu_ns
from drawdown.adapters.clock import SystemClock
from drawdown.adapters.kafka.browsing import Browser
from drawdown.demo.books import books
from drawdown.demo.stage import Stage
from drawdown.history.database import check_migrated, open_database
from drawdown.history.projector import TOPICS
from drawdown.history.tables import progress
from drawdown.local.child import Child, free_port
from drawdown.local.stack import LocalStack
from drawdown.topics import CHARGES

OUTPUT = Path("build/bench/history.json")
HISTORY = ("-m", "drawdown", "history")
WARM_UP_SECONDS = 3
_POLL_SECONDS, _LIMIT_SECONDS = 0.02, 300
_NS, _MS, _US = 10**9, 10**6, 10**3
Ends = dict[tuple[str, int], int]


class Backlog(msgspec.Struct, frozen=True):
    """Microseconds of processor time an event, of the worker and then of the projectors that read what it wrote."""

    worker: float
    projector: dict[str, float]
    seconds: dict[str, float]


class Steady(msgspec.Struct, frozen=True):
    """At a steady rate: ms from when a charge could be read to its place in the database; percent of a core."""

    kind: str
    rate: int
    p50: int
    p99: int
    most: int
    worker: int
    projector: int


class Passed(NamedTuple):
    """How far a partition of charges was at an instant, ns."""

    at_ns: int
    offset: int


async def ends_of(stage: Stage) -> Ends:
    """Give the ends of what the history reads."""
    async with Browser(stage.settings.kafka, stage.settings.prefix) as browser:
        spans = await browser.spans((topic, shard) for topic in TOPICS for shard in range(stage.settings.shards))
    return {place: end for place, (_, end) in spans.items()}


class Position:
    """Asks a database how far it has read."""

    def __init__(self, address: SecretStr) -> None:
        """Connect to nothing yet."""
        self._engine = open_database(address, writing=False)
        self._made = False

    def read(self) -> Ends:
        """Give the positions; nothing before there are tables."""
        if not self._made:
            try:
                check_migrated(self._engine)
            except Exception:  # noqa: BLE001  it is being made
                return {}
            self._made = True
        with self._engine.begin() as connection:
            rows = connection.execute(select(progress.c.topic, progress.c.partition, progress.c.next_offset))
            return {(row.topic, row.partition): row.next_offset for row in rows}

    def close(self) -> None:
        """Let go."""
        self._engine.dispose()


async def until(position: Position, ends: Ends, child: Child) -> None:
    """Wait until a projector has read so far."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        while True:
            at = await asyncio.to_thread(position.read)
            if all(at.get(place, 0) >= end for place, end in ends.items()):
                return
            if not child.alive:
                raise SystemExit(f"the projector ended:\n{child.tail()}")
            await asyncio.sleep(_POLL_SECONDS)


@contextlib.asynccontextmanager
async def prepared(stack: LocalStack) -> AsyncIterator[Stage]:
    """Give a stage whose accounts are open."""
    async with a_stage(stack) as stage:
        await stage.publish(books())
        await stage.publish(opened(range(ACCOUNTS), SystemClock().now_ms(), plans=1))
        first = stage.start_worker()
        await stage.all_taken()
        first.stop()
        yield stage


async def backlog(stack: LocalStack, events: int, addresses: dict[str, SecretStr]) -> Backlog:
    """Have a worker write charges, then have a projector bring them into each database; each works alone."""
    async with prepared(stack) as stage:
        began = await ends_of(stage)
        projectors = {
            kind: stage.start_worker(HISTORY, history=one.get_secret_value()) for kind, one in addresses.items()
        }
        for kind, child in projectors.items():  # accounts and events are in before anything is measured
            position = Position(addresses[kind])
            await until(position, began, child)
            position.close()
            stage.pause(child)
        await stage.publish(calls(range(events), SystemClock().now_ms(), USUAL))
        worker = stage.start_worker()
        timed = await timing.backlog(worker, (stage.settings.kafka, stage.settings.prefix, [CHARGES]), events, {})
        worker.stop()
        ends = await ends_of(stage)
        cost, took = {}, {}
        for kind, child in projectors.items():
            position = Position(addresses[kind])
            before, began_ns = cpu_ns(child.pid), time.monotonic_ns()
            stage.resume(child)
            await until(position, ends, child)
            cost[kind] = (cpu_ns(child.pid) - before) / events / _US
            took[kind] = (time.monotonic_ns() - began_ns) / _NS
            position.close()
            child.stop()
        return Backlog(timed.cpu_ns["worker"] / _US, cost, took)


async def steady(stack: LocalStack, rate: int, seconds: int, kind: str, address: SecretStr) -> Steady:
    """Run worker and projector together at a steady rate."""
    async with prepared(stack) as stage:
        began = await ends_of(stage)
        worker = stage.start_worker()
        projector = stage.start_worker(HISTORY, history=address.get_secret_value(), metrics_port=free_port())
        position = Position(address)
        await until(position, began, projector)
        await stage.all_taken()
        made = list(calls(range(rate * seconds), SystemClock().now_ms(), USUAL))
        readable: dict[int, list[Passed]] = {shard: [] for shard in range(stage.settings.shards)}
        written: dict[int, list[Passed]] = {shard: [] for shard in range(stage.settings.shards)}
        watching = [asyncio.create_task(_ends(stage, readable)), asyncio.create_task(_read(position, written))]
        busy = {child: cpu_ns(child.pid) for child in (worker, projector)}
        began_ns = time.monotonic_ns()
        await _send(stage, made, rate)
        took = time.monotonic_ns() - began_ns
        busy = {child: (cpu_ns(child.pid) - used) * 100 // took for child, used in busy.items()}
        await stage.all_taken()
        await until(position, await ends_of(stage), projector)
        await asyncio.sleep(1)
        for task in watching:
            task.cancel()
        position.close()
        lags = sorted(_lags(readable, written, began_ns + WARM_UP_SECONDS * _NS))
        half, most = (lags[len(lags) * part // 100] // _MS for part in (50, 99))
        return Steady(kind, rate, half, most, lags[-1] // _MS, busy[worker], busy[projector])


async def _send(stage: Stage, made: list, rate: int) -> None:  # type: ignore[type-arg]
    done, began = 0, time.monotonic_ns()
    async with stage.publisher() as publisher:
        while done < len(made):
            due = min((time.monotonic_ns() - began) * rate // _NS, len(made))
            await publisher.send(made[done:due])
            done = due
            await asyncio.sleep(TICK_SECONDS)


async def _ends(stage: Stage, seen: dict[int, list[Passed]]) -> None:
    """Note how far charges can be read, for ever: what a fetch would give, to the millisecond."""
    async with Browser(stage.settings.kafka, stage.settings.prefix) as browser:
        while True:
            spans = await browser.spans((CHARGES, shard) for shard in seen)
            _note(seen, {place: end for place, (_, end) in spans.items()})
            await asyncio.sleep(_POLL_SECONDS)


async def _read(position: Position, seen: dict[int, list[Passed]]) -> None:
    while True:
        _note(seen, await asyncio.to_thread(position.read))
        await asyncio.sleep(_POLL_SECONDS)


def _note(seen: dict[int, list[Passed]], ends: Ends) -> None:
    now = time.monotonic_ns()
    for shard, passed in seen.items():
        end = ends.get((CHARGES, shard), 0)
        if not passed or passed[-1].offset != end:
            passed.append(Passed(now, end))


def _lags(readable: dict[int, list[Passed]], written: dict[int, list[Passed]], since_ns: int) -> Iterator[int]:
    """Give, for each time that charges could be read, how long it was until they were in the database, ns."""
    for shard, ends in readable.items():
        for seen in ends:
            if seen.at_ns < since_ns:
                continue
            done = next((one.at_ns for one in written[shard] if one.offset >= seen.offset), None)
            if done is not None:
                yield max(done - seen.at_ns, 0)


def report(rounds: list[Backlog], found: list[Steady]) -> str:
    """Give the figures as Markdown."""
    lines = ["| µs of processor time | by round | median |", "|---|---|---|"]
    rows = {"worker, an event": [one.worker for one in rounds]}
    rows |= {f"projector, a charge, {kind}": [one.projector[kind] for one in rounds] for kind in KINDS}
    rows |= {f"ratio, {kind}": [one.projector[kind] / one.worker for one in rounds] for kind in KINDS}
    for name, values in rows.items():
        digits = 2 if name.startswith("ratio") else 1
        shown = " · ".join(f"{value:.{digits}f}" for value in values)
        lines.append(f"| {name} | {shown} | {statistics.median(values):.{digits}f} |")
    lines += [
        "",
        "| database | events/s | lag p50, ms | p99 | longest | worker, % of a core | projector |",
        "|---" * 7 + "|",
    ]
    lines += [f"| {s.kind} | {s.rate:,} | {s.p50} | {s.p99} | {s.most} | {s.worker} | {s.projector} |" for s in found]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=20)
    told = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    rounds, found = [], []
    with LocalStack() as stack:
        for _ in range(told.rounds):
            with databases() as addresses:
                rounds.append(asyncio.run(backlog(stack, told.events, addresses)))
                print(rounds[-1], flush=True)
        for kind in KINDS if told.seconds else ():
            with databases() as addresses:
                found.append(asyncio.run(steady(stack, told.rate, told.seconds, kind, addresses[kind])))
                print(found[-1], flush=True)
    print(report(rounds, found))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode({"backlog": rounds, "steady": found})) + b"\n")


@contextlib.contextmanager
def databases() -> Iterator[dict[str, SecretStr]]:
    """Give an empty database of each kind."""
    with contextlib.ExitStack() as kept:
        folder = Path(kept.enter_context(tempfile.TemporaryDirectory()))
        yield {kind: kept.enter_context(database(kind, folder)) for kind in KINDS}


if __name__ == "__main__":
    main()
