"""Accounts, plans and usage for tests on the real stack, and the check at their end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Protocol

from drawdown.adapters.clock import SystemClock
from drawdown.demo.books import books, name_of
from drawdown.demo.scenario import command
from drawdown.demo.stage import Stage
from drawdown.demo.summary import Summary, judge
from drawdown.local.stack import Addresses
from drawdown.settings import load_settings
from drawdown.traces.events import Outgoing, event, outgoing
from drawdown.wire.instants import format_instant

HOUR = 3_600_000


class Running(Protocol):
    """A Kafka and a Redis that run."""

    @property
    def addresses(self) -> Addresses: ...


ACCOUNTS = [f"acc-{number}" for number in range(40)]


def now_ms() -> int:
    return SystemClock().now_ms()


def preparation(at: int) -> list[Outgoing]:
    """Open accounts, every other one with a plan that runs out under load."""
    made = list(books())
    for number, account in enumerate(ACCOUNTS):
        made.append(command(account, f"open-{account}", "open_account", at, currency="USD", time_zone="UTC"))
        if number % 2:
            made.append(
                command(
                    account,
                    f"activate-{account}",
                    "activate_plan",
                    at,
                    plan=f"{account}-plan",
                    currency="USD",
                    book=name_of("plan", "USD"),
                    book_version=1,
                    amount="0.01",
                    start=format_instant(at - HOUR),
                )
            )
    return made


def call(number: int, end: int, *, tokens: int = 900, account: str | None = None) -> Outgoing:
    """Give an inference call of one of the accounts."""
    data: dict[str, object] = {"endpoint": "e", "model": "Qwen3-32B", "input_tokens": tokens, "output_tokens": 70}
    subject = account or ACCOUNTS[number % len(ACCOUNTS)]
    return outgoing("inference", event("inference", "/load", f"call-{number}", subject, end, data), end)


def calls(first: int, count: int, end: int) -> list[Outgoing]:
    """Give calls with the numbers from `first` on, a millisecond apart, the last at `end`."""
    return [call(number, end - (first + count - 1 - number)) for number in range(first, first + count)]


@contextlib.asynccontextmanager
async def stage_on(stack: Running, prefix: str, at: int = 0, **settings: object) -> AsyncIterator[Stage]:
    """Give a stage with quick sessions, accounts and plans published; at: their time, ms, on CreateTime stages."""
    told: dict[str, object] = {
        "shards": 4,
        "session_timeout_ms": 3_000,
        "heartbeat_ms": 300,
        "rebalance_timeout_ms": 3_000,
        **settings,
    }
    made = load_settings(kafka=stack.addresses.kafka, redis=stack.addresses.redis, prefix=prefix, **told)
    async with Stage(stack.addresses, made) as stage:
        await stage.publish(preparation(at or now_ms() - 2_000))
        yield stage


async def started(stage: Stage) -> None:
    """Start a worker and wait until the accounts are open."""
    stage.start_worker()
    await stage.all_taken(seconds=60)


async def flush(stage: Stage) -> int:
    """Delete the stage's keys, as a FLUSHALL would; wait for some if a rebuild has just begun."""
    async with asyncio.timeout(30):
        while not (deleted := await stage.flush()):
            await asyncio.sleep(0.01)
    return deleted


async def conserved(stage: Stage, events: int) -> Summary:
    """Wait until all is taken; check everything, by the oracle and as verify does: so many ids, each rated once."""
    await stage.all_taken(seconds=120)
    await stage.settled()
    summary, _ = await judge(stage, Fraction(1))
    assert not summary.findings, summary.findings
    assert summary.rated == events, f"{summary.rated} of {events} ids were rated"
    return summary
