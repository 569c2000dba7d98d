"""The demonstration from beginning to end."""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Iterator
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from drawdown.adapters.clock import SystemClock
from drawdown.demo import broken, counted, credit, lives, scenario
from drawdown.demo.books import books
from drawdown.demo.reconcile import ask_counts, differences
from drawdown.demo.stage import Stage
from drawdown.demo.summary import Summary, judge
from drawdown.domain.catalogue import GPU_CONTAINER, INFERENCE
from drawdown.errors import UserError
from drawdown.local.child import free_port
from drawdown.local.stack import LocalStack
from drawdown.oracle.audit import Audit
from drawdown.settings import Settings, load_settings
from drawdown.traces.events import Outgoing, events_of
from drawdown.traces.rows import busiest, read_trace

TRACE = "azure_llm_inference_conv_2023.csv.gz"
_CHUNK = 500
_NS = 10**9


class Options(msgspec.Struct, frozen=True):
    """How to run. events: at most so many of the trace, 0 for all. kill: SIGKILL and an empty Redis in the middle.

    containers: a trace of container runs, whose busiest hours take the place of the generated GPU Container usage.
    """

    seed: int = 1
    accounts: int = 200
    events: int = 0
    kill: bool = False
    containers: Path | None = None


def trace_path() -> Path:
    """Find the trace: in the checkout, or beside the installed package."""
    checkout = Path(str(files("drawdown"))).parents[1] / "examples" / "traces" / TRACE
    if checkout.is_file():
        return checkout
    raise UserError(f"the trace {checkout} is missing: run the demonstration from a checkout")


@contextlib.contextmanager
def stack_of(console: Console) -> Iterator[LocalStack]:
    """Start a stack and say so."""
    began = time.monotonic_ns()
    with LocalStack() as stack:
        console.print(f"Kafka and Redis are up ({stack.origin}, {_tenths(time.monotonic_ns() - began)} s)")
        yield stack


def demo_settings(stack: LocalStack) -> Settings:
    """Give the settings of this run: topics and keys of its own, on a stack that others may use."""
    return load_settings(
        kafka=stack.addresses.kafka,
        redis=stack.addresses.redis,
        prefix=f"demo-{secrets.token_hex(3)}.",
        metrics_port=free_port(),
    )


async def run(
    stack: LocalStack, options: Options, console: Console, settings: Settings | None = None
) -> tuple[Summary, Audit]:
    """Run it on a stack; give the numbers and what the check found. settings: made for this run if none are given."""
    now = SystemClock().now_ms()
    dice = random.Random(options.seed)  # noqa: S311  a simulation's draw
    usage = _usage(options, dice, now)
    commands = [
        *scenario.accounts(options.accounts, now),
        *broken.preparation(now),
        *credit.before(options.accounts, now),
        *credit.codes(now),
        *lives.sold(now),
    ]
    async with Stage(stack.addresses, settings or demo_settings(stack)) as stage:
        await stage.publish(books())
        await stage.publish(commands)
        console.print(
            f"Published 4 price books and {len(commands)} commands (accounts, plans, credit); the worker starts"
        )
        stage.start_worker()
        await stage.all_taken()
        await stage.publish(credit.redemptions(now))
        began = time.monotonic_ns()
        others = [
            *broken.late(now),
            *broken.misplaced(stage.settings.shards, now),
            *broken.broken(now),
            *lives.usage(now),
            *counted.usage(now),
        ]
        with progress_of(console) as progress:
            task = progress.add_task("rating usage", total=len(usage) + len(others))
            await _rate(stage, usage, others, options, progress, task)
        took = Fraction(time.monotonic_ns() - began, _NS)
        await stage.publish([*credit.after(options.accounts, now), *broken.repaired(now)])  # some are in debt by now
        await stage.all_taken()
        await stage.settled()
        console.print("Reading every topic back and checking with the oracle …")
        summary, found = await judge(stage, took)
        if not options.kill:
            await _compare_metrics(summary, stage.settings.metrics_port)
    summary.killed = options.kill
    return summary, found


def _usage(options: Options, dice: random.Random, now: int) -> list[Outgoing]:
    """Give the trace and the generated usage in order of time, disturbed."""
    trace = read_trace(trace_path(), INFERENCE, limit=options.events)
    names = [scenario.account_name(number) for number in range(options.accounts)]
    calls = events_of(trace, INFERENCE, names, options.seed, lambda at: at + now - trace.last)
    usage = [*calls, *scenario.jobs(options.accounts, dice, now)]
    if options.containers is None:
        usage += scenario.containers(options.accounts, dice, now)
    else:
        runs = busiest(read_trace(options.containers, GPU_CONTAINER), scenario.HOURS_OF_CONTAINERS * scenario.HOUR)
        usage += events_of(runs, GPU_CONTAINER, names, options.seed, lambda at: at + now - runs.last)
    usage.sort(key=lambda one: one.time)
    return scenario.disturbed(usage, dice)


async def _rate(
    stage: Stage, usage: list[Outgoing], others: list[Outgoing], options: Options, progress: Progress, task: object
) -> None:
    """Publish and watch until all is taken; with `kill`, end the worker and empty Redis on the way."""
    total = len(usage) + len(others)

    def told(waiting: int) -> None:
        progress.update(task, completed=total - min(waiting, total))  # type: ignore[arg-type]

    if options.kill:
        async with asyncio.TaskGroup() as together:
            together.create_task(stage.publish(usage))
            await stage.until_written(len(usage) // 4)
            await kill_and_flush(stage, progress.console)
    else:
        await stage.publish(usage)
    await stage.publish(others)
    await stage.all_taken(told)


async def _compare_metrics(summary: Summary, port: int) -> None:
    differing = differences(summary, await ask_counts(port))
    summary.metrics_agree = not differing
    summary.findings += differing
    summary.conserved = not summary.findings


async def kill_and_flush(stage: Stage, console: Console) -> None:
    """SIGKILL the worker, empty this run's Redis keys, start a worker again."""
    for worker in stage.workers:
        worker.kill()
    written = await stage.written()
    deleted = await stage.flush()
    console.print(f"SIGKILL to the worker after {written} outputs; {deleted} Redis keys deleted; a new worker starts")
    stage.start_worker()


def progress_of(console: Console) -> Progress:
    """Give a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=False)


def _tenths(nanoseconds: int) -> str:
    return f"{nanoseconds // _NS}.{nanoseconds % _NS * 10 // _NS}"
