"""Replay a trace: onto topics that exist, or on a local stack of its own with a worker and the oracle's check."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import msgspec
from rich.console import Console

from drawdown.adapters.clock import SystemClock
from drawdown.demo.books import books, name_of
from drawdown.demo.run import demo_settings, progress_of
from drawdown.demo.scenario import DAY, command
from drawdown.demo.stage import Publisher, Stage
from drawdown.demo.summary import Summary, judge
from drawdown.local.stack import Addresses, LocalStack
from drawdown.oracle.audit import Audit
from drawdown.settings import Settings
from drawdown.topics import CREATE_TIME, LOG_APPEND_TIME
from drawdown.traces.columns import Columns, Service
from drawdown.traces.events import Outgoing, When, events_of
from drawdown.traces.rows import Trace, read_trace
from drawdown.wire.instants import format_instant

_NS, _MS = 10**9, 1_000
_PLANS = (("1000.00", None), ("20.00", None), ("5000.00", 45 * DAY))


class Replay(msgspec.Struct, frozen=True):
    """What to replay. speed: times real time, 0 for as fast as it goes. limit: usable rows, 0 for all."""

    file: Path
    service: Service
    columns: Columns | None = None
    accounts: int = 100
    seed: int = 1
    speed: int = 0
    limit: int = 0

    @property
    def names(self) -> list[str]:
        """Name the accounts that the events are drawn over."""
        return [f"replay-{number:04d}" for number in range(self.accounts)]


def report_rows(trace: Trace, console: Console) -> None:
    """Say what the file holds, and which rows are no usage."""
    console.print(f"{len(trace.rows)} rows are usage over {(trace.last - trace.first) // 60_000} minutes")
    for reason, count in sorted(trace.unusable.items()):
        console.print(f"{count} rows are no usage: {reason}")


async def onto(settings: Settings, replay: Replay, console: Console) -> int:
    """Publish the trace onto the settings' topics, its last event at now; give how many events."""
    trace = read_trace(replay.file, replay.service, replay.columns, replay.limit)
    report_rows(trace, console)
    now = SystemClock().now_ms()
    stage = Stage(Addresses(settings.kafka, settings.redis.get_secret_value()), settings)
    try:
        async with stage.publisher() as publisher:
            return await paced(publisher, trace, replay, now)
    finally:
        await stage.close()


async def paced(publisher: Publisher, trace: Trace, replay: Replay, now: int) -> int:
    """Publish at full speed; or at `speed`, and then each event's usage ends as it is published."""
    if not replay.speed:
        return await publisher.send(_events(trace, replay, lambda at: at + now - trace.last))
    began = time.monotonic_ns()
    count = 0
    for one in _events(trace, replay, lambda at: now + (at - trace.first) // replay.speed):
        wait_ms = one.time - now - (time.monotonic_ns() - began) * _MS // _NS
        if wait_ms > 0:
            await asyncio.sleep(wait_ms / _MS)
        count += await publisher.send([one])
    return count


def _events(trace: Trace, replay: Replay, when: When) -> Iterator[Outgoing]:
    return events_of(trace, replay.service, replay.names, replay.seed, when)


def preparation(replay: Replay, at: int) -> Iterable[Outgoing]:
    """Open the accounts before `at` (ms), three of four with a plan: large, soon used up, or ending after 45 days."""
    for number, name in enumerate(replay.names):
        yield command(name, f"open-{name}", "open_account", at, currency="USD", time_zone="Asia/Ho_Chi_Minh")
        kind = number % (len(_PLANS) + 1)
        if kind == len(_PLANS):
            continue
        amount, length = _PLANS[kind]
        yield command(
            name,
            f"activate-{name}",
            "activate_plan",
            at,
            plan=f"{name}-plan",
            currency="USD",
            book=name_of("plan", "USD"),
            book_version=1,
            amount=amount,
            start=format_instant(at - DAY),
            end=None if length is None else format_instant(at + length),
        )


async def locally(stack: LocalStack, replay: Replay, console: Console) -> tuple[Summary, Audit]:
    """Run everything on a stack; a trace longer than the accept window carries its own clock (CreateTime)."""
    trace = read_trace(replay.file, replay.service, replay.columns, replay.limit)
    report_rows(trace, console)
    now = SystemClock().now_ms()
    settings = demo_settings(stack)
    length = trace.last - trace.first
    clock = CREATE_TIME if length > settings.policy.window_ms(replay.service) else LOG_APPEND_TIME
    settings = settings.model_copy(update={"timestamp_type": clock})
    async with Stage(stack.addresses, settings) as stage:
        await stage.publish(books())
        await stage.publish(preparation(replay, now - length - _MS))
        stage.start_worker()
        await stage.all_taken()
        events = list(_events(trace, replay, lambda at: at + now - trace.last))
        began = time.monotonic_ns()
        with progress_of(console) as progress:
            task = progress.add_task("rating usage", total=len(events))

            def told(waiting: int) -> None:
                progress.update(task, completed=max(len(events) - waiting, 0))

            await stage.publish(events)
            await stage.all_taken(told, seconds=900)
        took = Fraction(time.monotonic_ns() - began, _NS)
        await stage.settled()
        console.print("Reading every topic back and checking with the oracle …")
        return await judge(stage, took)
