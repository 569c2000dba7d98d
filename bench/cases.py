"""What is timed: each case prepares topics and accounts, lets a backlog wait, and starts one process on it."""

import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.loads import PODS, Pick, by_zipf, calls, containers, credited, in_turn, mixed, opened, uniformly
from bench.timing import Timed, backlog
from drawdown.adapters.clock import SystemClock
from drawdown.demo.books import books
from drawdown.demo.stage import Stage
from drawdown.local.child import Child
from drawdown.local.stack import LocalStack
from drawdown.operate.verifying import verified
from drawdown.settings import load_settings
from drawdown.topics import CHARGES, CREDIT_CHARGING
from drawdown.traces.events import Outgoing

SHARDS, ACCOUNTS = 12, 1_000
_OPENING_SECONDS = 900  # at most, for a million accounts
SERVICES = Path(__file__).with_name("services")
WORKER = ("-m", "drawdown", "worker")
Run = Callable[[LocalStack, int], Coroutine[None, None, Timed]]
Usage = Callable[[range, int, Pick], Iterable[Outgoing]]


class Case(NamedTuple):
    """A row of the table. events: of the backlog."""

    name: str
    run: Run
    events: int


@contextlib.asynccontextmanager
async def a_stage(stack: LocalStack, *, wallet: bool = False) -> AsyncIterator[Stage]:
    """Give topics of a case's own."""
    prefix = f"bench-{secrets.token_hex(3)}."
    settings = load_settings(
        kafka=stack.addresses.kafka, redis=stack.addresses.redis, prefix=prefix, wallet=wallet, shards=SHARDS
    )
    async with Stage(stack.addresses, settings) as stage:
        yield stage


def others(stack: LocalStack) -> dict[str, int]:
    """Give the process ids of broker and Redis, where they are ours."""
    found = {"Kafka": stack.kafka, "Redis": stack.redis}
    return {name: process.pid for name, process in found.items() if process is not None}


async def service(stack: LocalStack, events: int, *command: str) -> Timed:
    """Time a service that is none of ours."""
    async with a_stage(stack) as stage:
        await stage.publish(calls(range(events), SystemClock().now_ms(), in_turn(range(ACCOUNTS))))
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {
                "BENCH_KAFKA": stack.addresses.kafka,
                "BENCH_REDIS": stack.addresses.redis,
                "BENCH_PREFIX": stage.settings.prefix,
                "BENCH_SHARDS": str(SHARDS),
                "BENCH_FOLDER": folder,
            }
            child = Child([sys.executable, str(SERVICES / command[0]), *command[1:]], Path(folder) / "log", environment)
            try:
                where = (stage.settings.kafka, stage.settings.prefix, [CHARGES])
                return await backlog(child, where, events, others(stack))
            finally:
                child.kill()


async def drawdown(
    stack: LocalStack,
    events: int,
    pick: Pick,
    *,
    accounts: int = ACCOUNTS,
    plans: int = 1,
    credit: range = range(0),
    command: Sequence[str] = WORKER,
    usage: Usage = calls,
    workers: int = 1,
) -> Timed:
    """Time one worker that owns every shard, then have `drawdown verify` prove the log.

    credit: numbers of accounts that have credit and no plan. usage: what the backlog is of. workers: how many share it.
    """
    now = SystemClock().now_ms()
    async with a_stage(stack, wallet=bool(credit)) as stage:
        await stage.publish(books())
        await stage.publish(opened(range(accounts), now, plans=plans))
        await stage.publish(opened(credit, now, plans=0))
        await stage.publish(credited(credit, now))
        first = stage.start_worker()
        await stage.all_taken(seconds=_OPENING_SECONDS)
        first.stop()
        events = await stage.publish(usage(range(events), now, pick))
        worker = stage.start_worker(command)
        also = {f"worker {number}": stage.start_worker(command).pid for number in range(2, workers + 1)}
        where = (stage.settings.kafka, stage.settings.prefix, [CHARGES, CREDIT_CHARGING])
        found = await backlog(worker, where, events, others(stack) | also)
        await stage.settled()
        for one in stage.workers:
            one.stop()
        report = await verified(stage.settings)
        if not report.clean:
            raise SystemExit(f"drawdown verify found what is wrong: {report.findings[:3]}")
        if report.counts["inputs"] < events:
            raise SystemExit(
                f"drawdown verify replayed {report.counts['inputs']} inputs, fewer than the {events} events"
            )
        return found


def worker(pick: Pick, **more: object) -> Run:
    """Give a case of `drawdown`."""
    return lambda stack, events: drawdown(stack, events, pick, **more)  # type: ignore[arg-type]


def stock(*command: str) -> Run:
    """Give a case of `service`."""
    return lambda stack, events: service(stack, events, *command)


USUAL = in_turn(range(ACCOUNTS))
WITHOUT_PLAN = range(ACCOUNTS, ACCOUNTS + 300)
NAIVE, COVERED, OVERAGE = "naive Faust agent", "covered, 1,000 accounts", "30 % overage, both ledgers"
ECHO = "echo"
CASES = (
    Case(ECHO, stock("echo.py", "plain"), 1_000_000),
    Case("echo in transactions", stock("echo.py", "transactions"), 1_000_000),
    Case(NAIVE, stock("naive.py"), 8_000),
    Case("careful Faust agent", stock("careful.py"), 40_000),
    Case("engine without Faust", worker(USUAL, command=(str(SERVICES / "plain.py"),)), 120_000),
    Case(COVERED, worker(USUAL), 120_000),
    Case(OVERAGE, worker(mixed(USUAL, in_turn(WITHOUT_PLAN), 30), credit=WITHOUT_PLAN), 120_000),
    Case("3 plans an account", worker(USUAL, plans=3), 120_000),
    Case("10 plans an account", worker(USUAL, plans=10), 120_000),
    Case("one account", worker(in_turn(range(1))), 60_000),
    Case("100,000 accounts, in turn", worker(in_turn(range(100_000)), accounts=100_000), 120_000),
    Case("100,000 accounts, Zipf", worker(by_zipf(range(100_000)), accounts=100_000), 120_000),
    *([Case("GPU containers of a trace", worker(USUAL, usage=containers), 120_000)] if PODS.exists() else []),
    Case("two workers", worker(USUAL, workers=2), 120_000),
    Case("takes of at most 10", worker(USUAL, command=(str(SERVICES / "limited.py"), "10")), 20_000),
    Case("takes of at most 100", worker(USUAL, command=(str(SERVICES / "limited.py"), "100")), 60_000),
)
MILLION = range(1_000_000)
# Minutes to open the accounts and more to verify them: these run when they are named.
LARGE = (
    Case("1,000,000 accounts, uniform", worker(uniformly(MILLION), accounts=len(MILLION)), 120_000),
    Case("1,000,000 accounts, Zipf", worker(by_zipf(MILLION), accounts=len(MILLION)), 120_000),
)
