"""The worker against a stock Faust agent, on one stack, in turns; see README.md."""

import asyncio
import logging
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import msgspec

from drawdown.adapters.clock import SystemClock
from drawdown.adapters.kafka.reading import topic_ends
from drawdown.demo import credit
from drawdown.demo.books import books
from drawdown.demo.scenario import accounts
from drawdown.demo.stage import Stage
from drawdown.local.child import Child
from drawdown.local.stack import LocalStack
from drawdown.settings import load_settings
from drawdown.topics import CHARGES, CREDIT_CHARGING
from drawdown.traces.events import Outgoing, event, outgoing

OUTPUT = Path("build/bench/summary.json")
ACCOUNTS, ROUNDS = 200, 3
STOCK_EVENTS, WORKER_EVENTS = 8_000, 120_000
_NS = 10**9
_LIMIT_SECONDS = 180


def calls(count: int, now: int) -> list[Outgoing]:
    """Give inference calls over all accounts."""
    made = []
    for number in range(count):
        account = f"acc-{number % ACCOUNTS:04d}"
        data: dict[str, object] = {"endpoint": "e", "model": "Qwen3-32B", "input_tokens": 900, "output_tokens": 70}
        made.append(outgoing("inference", event("inference", "/bench", f"b-{number}", account, now, data), now))
    return made


async def timed(stage: Stage, worker: Child, topics: Sequence[str], count: int) -> Fraction:
    """Give events per second from 10 % to 90 % of the outputs."""
    marks: list[tuple[int, int]] = []
    async with asyncio.timeout(_LIMIT_SECONDS), topic_ends(stage.settings.kafka, stage.settings.prefix, topics) as ends:
        first = await ends()
        while True:
            done, at = await ends() - first, time.monotonic_ns()
            if not worker.alive:
                raise SystemExit(f"the process under test ended:\n{worker.tail(2_000)}")
            if done >= count // 10 and not marks:
                marks.append((done, at))
            if done >= count * 9 // 10:
                marks.append((done, at))
                break
            await asyncio.sleep(0.02)
    (done, began), (end, ended) = marks[0], marks[-1]
    return Fraction((end - done) * _NS, ended - began)


async def stock(stack: LocalStack) -> Fraction:
    """Time the stock agent."""
    settings = load_settings(kafka=stack.addresses.kafka, redis=stack.addresses.redis, prefix=_prefix())
    async with Stage(stack.addresses, settings) as stage:
        await stage.publish(calls(STOCK_EVENTS, SystemClock().now_ms()))
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "BENCH_KAFKA": stack.addresses.kafka,
                "BENCH_REDIS": stack.addresses.redis,
                "BENCH_PREFIX": settings.prefix,
                "BENCH_FOLDER": folder,
            }
            script = str(Path(__file__).with_name("stock_agent.py"))
            child = Child([sys.executable, script], Path(folder) / "log", environment)
            try:
                return await timed(stage, child, [CHARGES], STOCK_EVENTS)
            finally:
                child.kill()


async def worker(stack: LocalStack) -> Fraction:
    """Time a Drawdown worker that does what the stock agent does: rate and draw from plans."""
    settings = load_settings(kafka=stack.addresses.kafka, redis=stack.addresses.redis, prefix=_prefix(), wallet=False)
    now = SystemClock().now_ms()
    async with Stage(stack.addresses, settings) as stage:
        await stage.publish(books())
        await stage.publish(accounts(ACCOUNTS, now))
        started = stage.start_worker()
        await stage.all_taken()
        started.stop()
        await stage.publish(calls(WORKER_EVENTS, now))
        return await timed(stage, stage.start_worker(), [CHARGES, CREDIT_CHARGING], WORKER_EVENTS)


async def both_ledgers(stack: LocalStack) -> Fraction:
    """Time a worker with the wallet: from 10 % to 90 % of the events taken, and all overage drawn by then."""
    settings = load_settings(kafka=stack.addresses.kafka, redis=stack.addresses.redis, prefix=_prefix())
    now = SystemClock().now_ms()
    async with Stage(stack.addresses, settings) as stage:
        await stage.publish(books())
        await stage.publish([*accounts(ACCOUNTS, now), *credit.before(ACCOUNTS, now)])
        started = stage.start_worker()
        await stage.all_taken()
        started.stop()
        await stage.publish(calls(WORKER_EVENTS, now))
        stage.start_worker()
        marks: list[tuple[int, int]] = []
        async with asyncio.timeout(_LIMIT_SECONDS):
            while (waiting := await stage.waiting()) > WORKER_EVENTS // 10:
                if waiting <= WORKER_EVENTS * 9 // 10:
                    marks.append((waiting, time.monotonic_ns()))
                stage.check_alive()
                await asyncio.sleep(0.2)
        (most, began), (least, ended) = marks[0], (waiting, time.monotonic_ns())
        return Fraction((most - least) * _NS, ended - began)


def _prefix() -> str:
    return f"bench-{secrets.token_hex(3)}."


def main() -> None:
    """Run both in turns and print the ratio."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    rates: dict[str, list[Fraction]] = {"stock": [], "worker": [], "with wallet": []}
    with LocalStack() as stack:
        print(f"Kafka and Redis are up ({stack.origin}); {os.cpu_count()} cores shared with both")
        for number in range(ROUNDS):
            rates["stock"].append(asyncio.run(stock(stack)))
            rates["worker"].append(asyncio.run(worker(stack)))
            rates["with wallet"].append(asyncio.run(both_ledgers(stack)))
            told = {name: int(found[-1]) for name, found in rates.items()}
            print(
                f"round {number + 1}: stock Faust agent {told['stock']} events/s, worker {told['worker']} events/s,"
                f" with the wallet {told['with wallet']} events/s"
            )
    medians = {name: statistics.median(found) for name, found in rates.items()}
    ratio = medians["worker"] / medians["stock"]
    whole = medians["with wallet"] / medians["stock"]
    print(
        f"medians: {int(medians['stock'])}, {int(medians['worker'])} and {int(medians['with wallet'])} events/s:"
        f" {int(ratio * 10) / 10} times, and {int(whole * 10) / 10} times with the wallet"
    )
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    summary = {
        "rounds": ROUNDS,
        "events": {"stock": STOCK_EVENTS, "worker": WORKER_EVENTS},
        "events_per_second": {name: [int(rate) for rate in found] for name, found in rates.items()},
        "medians": {name: int(rate) for name, rate in medians.items()},
        "ratio_tenths": int(ratio * 10),
    }
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(summary)) + b"\n")


if __name__ == "__main__":
    main()
