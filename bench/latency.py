"""From publication to a charge that can be read, at steady rates, and while a worker joins or leaves; see README.md.

python -m bench.latency [--seconds N] [--rates N …]
"""

import argparse
import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer

from bench.cases import ACCOUNTS, SHARDS, USUAL, a_stage
from bench.loads import calls, opened
from bench.timing import cpu_ns
from drawdown.adapters.clock import SystemClock
from drawdown.demo.books import books
from drawdown.demo.stage import Stage
from drawdown.local.stack import LocalStack
from drawdown.topics import CHARGES
from drawdown.traces.events import Outgoing

OUTPUT = Path("build/bench/latency.json")
TICK_SECONDS = 0.02
WARM_UP_SECONDS = 2  # what is sent first does not count
_ID = re.compile(rb'"id":"b-(\d+)"')
_NS, _MS = 10**9, 10**6
_LAST_SECONDS = 20


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from publication to readable, of one steady rate.

    sent: events a second that really were sent; missing: that came to no charge in time. busy: percent of a core.
    Of all but what the first seconds sent (WARM_UP_SECONDS): caches are cold then, and the broker is not compiled.
    """

    case: str
    rate: int
    sent: int
    p50: int
    p99: int
    p999: int
    most: int
    missing: int
    busy: int


class Watch:
    """Reads charges, and notes when each event's could be read first."""

    def __init__(self, events: int) -> None:
        """Expect so many events."""
        self.sent = [0] * events  # by number, ns
        self.read = [0] * events
        self.done = asyncio.Event()  # all of them
        self.arrivals: dict[int, list[int]] = {}  # by shard: when charges could be read, ns
        self._left = events

    async def run(self, stage: Stage) -> None:
        """Read for ever."""
        settings = stage.settings
        consumer = AIOKafkaConsumer(
            settings.prefix + CHARGES,
            bootstrap_servers=settings.kafka,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,
        )
        async with consumer:
            while True:
                found = await consumer.getmany(timeout_ms=50)
                now = time.monotonic_ns()
                for at, records in found.items():
                    self.arrivals.setdefault(at.partition, []).append(now)
                    for record in records:
                        told = _ID.search(record.value or b"")
                        if told is not None and not self.read[int(told[1])]:
                            self.read[int(told[1])] = now
                            self._left -= 1
                if not self._left:
                    self.done.set()

    def told(self, case: str, rate: int, seconds: int, busy_ns: int) -> Latency:
        """Sum up."""
        first = rate * WARM_UP_SECONDS
        sent, read = self.sent[first:], self.read[first:]
        took = sorted((end - start) // _MS for start, end in zip(sent, read, strict=True) if start and end)
        count = sum(1 for start in sent if start)
        span = max(sent) - min(start for start in sent if start)
        half, most, nearly_all = (took[min(len(took) * part // 1_000, len(took) - 1)] for part in (500, 990, 999))
        return Latency(
            case=case,
            rate=rate,
            sent=count * _NS // max(span, 1),
            p50=half,
            p99=most,
            p999=nearly_all,
            most=took[-1],
            missing=count - len(took),
            busy=busy_ns * 100 // (seconds * _NS),
        )


async def send(stage: Stage, watch: Watch, made: Sequence[Outgoing], rate: int) -> None:
    """Publish at a steady rate; when it cannot be kept up, what is due is sent as soon as it can be."""
    done, total = 0, len(made)
    async with stage.publisher() as publisher:
        began = time.monotonic_ns()
        while done < total:
            due = min((time.monotonic_ns() - began) * rate // _NS, total)
            batch = made[done:due]
            now = time.monotonic_ns()
            watch.sent[done:due] = [now] * len(batch)
            await publisher.send(batch)
            done = due
            await asyncio.sleep(TICK_SECONDS)


async def measure(stack: LocalStack, rate: int, seconds: int, *, joining: bool = False) -> Latency:
    """Run one rate. joining: a second worker joins after a third of the time and leaves (SIGTERM) after two thirds."""
    async with a_stage(stack) as stage:
        now = SystemClock().now_ms()
        await stage.publish(books())
        await stage.publish(opened(range(ACCOUNTS), now, plans=1))
        worker = stage.start_worker()
        await stage.all_taken()
        watch = Watch(rate * seconds)
        made = list(calls(range(rate * seconds), SystemClock().now_ms(), USUAL))  # making costs more than sending
        reading = asyncio.create_task(watch.run(stage))
        try:
            used = cpu_ns(worker.pid)
            coming = asyncio.create_task(_come_and_go(stage, seconds)) if joining else None
            await send(stage, watch, made, rate)
            used = cpu_ns(worker.pid) - used
            if coming is not None:
                await coming
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SECONDS):
                    await watch.done.wait()
        finally:
            reading.cancel()
        return watch.told("a worker joins and leaves" if joining else "steady", rate, seconds, used)


async def _come_and_go(stage: Stage, seconds: int) -> None:
    await asyncio.sleep(seconds / 3)
    second = stage.start_worker()
    await asyncio.sleep(seconds / 3)
    second.stop()


def table(found: Sequence[Latency]) -> str:
    """Give the figures as Markdown."""
    lines = ["| case | events/s wanted | sent | p50, ms | p99 | p99.9 | longest | no charge | worker, % of a core |"]
    lines.append("|---" * 9 + "|")
    lines += [
        f"| {one.case} | {one.rate:,} | {one.sent:,} | {one.p50} | {one.p99} | {one.p999} | {one.most} | {one.missing}"
        f" | {one.busy} |"
        for one in found
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure each rate, then one with a worker that comes and goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rates", type=int, nargs="*", default=[1_000, 5_000, 20_000])
    told = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    found = []
    with LocalStack() as stack:
        print(f"{SHARDS} shards, {ACCOUNTS} accounts, {told.seconds} seconds each", flush=True)
        for rate in told.rates:
            found.append(asyncio.run(measure(stack, rate, told.seconds)))
            print(found[-1], flush=True)
        found.append(asyncio.run(measure(stack, told.rates[0], told.seconds, joining=True)))
    print(f"\n{table(found)}")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


if __name__ == "__main__":
    main()
