"""How long charges stop when one of two workers is killed: of its shards, beyond the session time, and of the others.

python -m bench.killed [--seconds N] [--rate N] [--rounds N]
"""

import argparse
import asyncio
import itertools
import logging
import re
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.cases import ACCOUNTS, SHARDS, USUAL, a_stage
from bench.latency import Watch, send
from bench.loads import calls, opened
from drawdown.adapters.clock import SystemClock
from drawdown.demo.books import books
from drawdown.local.child import Child
from drawdown.local.stack import LocalStack

OUTPUT = Path("build/bench/killed.json")
_OPENED = re.compile(r"shard opened.*ledger=plans.* shard=(\d+)")
_LET_GO_SECONDS = 30
_NS, _MS = 10**9, 10**6


class Stops(msgspec.Struct, frozen=True):
    """The longest time without a charge after the kill, ms. its: of the killed worker's shards, session time taken off.

    shards: how many were its. missing: events without a charge at the end.
    """

    session: int
    its: int
    others: int
    shards: int
    missing: int


async def measure(stack: LocalStack, rate: int, seconds: int) -> Stops:
    """Kill the second worker after a third of the time."""
    async with a_stage(stack) as stage:
        await stage.publish(books())
        await stage.publish(opened(range(ACCOUNTS), SystemClock().now_ms(), plans=1))
        stage.start_worker()
        await stage.all_taken()
        second = stage.start_worker()
        async with asyncio.timeout(_LET_GO_SECONDS):
            while not owned(second):  # noqa: ASYNC110  its log tells nobody when it grows
                await asyncio.sleep(0.1)
        watch = Watch(rate * seconds)
        made = list(calls(range(rate * seconds), SystemClock().now_ms(), USUAL))
        reading = asyncio.create_task(watch.run(stage))
        killing = asyncio.create_task(_kill(second, seconds / 3))
        await send(stage, watch, made, rate)
        killed_at = await killing
        async with asyncio.timeout(_LET_GO_SECONDS):
            await watch.done.wait()
        reading.cancel()
        its = owned(second)
        session = stage.settings.session_timeout_ms
        stops = {shard: longest(times, killed_at) // _MS for shard, times in watch.arrivals.items()}
        return Stops(
            session=session,
            its=max(stops[shard] for shard in its) - session,
            others=max(stop for shard, stop in stops.items() if shard not in its),
            shards=len(its),
            missing=watch.read.count(0),
        )


async def _kill(worker: Child, after: float) -> int:
    await asyncio.sleep(after)
    worker.kill()
    return time.monotonic_ns()


def owned(worker: Child) -> set[int]:
    """Give the shards that a worker has opened."""
    return {int(shard) for shard in _OPENED.findall(worker.log.read_text())}


def longest(times: Sequence[int], since: int) -> int:
    """Give the longest time between two arrivals, of which the later one is after `since`."""
    return max((later - earlier for earlier, later in itertools.pairwise(times) if later > since), default=0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with LocalStack() as stack:
        found = [asyncio.run(measure(stack, told.rate, told.seconds)) for _ in range(told.rounds)]
    print(
        f"{SHARDS} shards, {told.rate} events a second\n\n| its shards, beyond the session, ms | the others, ms | its |"
    )
    print("|---" * 3 + "|")
    for one in found:
        print(f"| {one.its} | {one.others} | {one.shards} of {SHARDS} |")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


if __name__ == "__main__":
    main()
