"""What the benchmark publishes: accounts with plans or credit that last, and calls of one size."""

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, islice
from pathlib import Path

from drawdown.demo.books import name_of
from drawdown.demo.scenario import DAY, command
from drawdown.topics import WALLET_COMMANDS
from drawdown.traces.events import Outgoing, event, events_of, outgoing
from drawdown.traces.rows import read_trace
from drawdown.wire.instants import format_instant

MODEL, INPUT_TOKENS, OUTPUT_TOKENS = "Qwen3-32B", 900, 70
PLENTY = "1000000"
PODS = Path(__file__).parents[2] / "shared" / "data" / "alibaba_gpu_pods_2023.csv"
_TRACE_ACCOUNTS, _RECENT = 1_000, 12 * 3_600_000
Pick = Callable[[int], int]


def account(number: int) -> str:
    """Give the n-th account's name."""
    return f"acc-{number:07d}"


def opened(numbers: Iterable[int], now: int, *, plans: int) -> Iterator[Outgoing]:
    """Open accounts, each with so many plans that any call could draw from."""
    start = format_instant(now - 2 * DAY)
    for number in numbers:
        name = account(number)
        yield command(name, f"open-{name}", "open_account", now, currency="USD", time_zone="UTC")
        for plan in range(plans):
            ident = f"{name}-{plan}"
            yield command(
                name, f"activate-{ident}", "activate_plan", now, plan=ident, currency="USD", amount=PLENTY, start=start,
                book=name_of("plan", "USD"), book_version=1, priority=plan, scope="all",
            )  # fmt: skip


def credited(numbers: Iterable[int], now: int) -> Iterator[Outgoing]:
    """Open wallets with credit for all that may come."""
    for number in numbers:
        name = account(number)
        yield command(name, f"w-{name}", "open_account", now, topic=WALLET_COMMANDS, currency="USD", time_zone="UTC")
        yield command(name, f"t-{name}", "top_up", now, topic=WALLET_COMMANDS, reference=name, currency="USD",
            amount=PLENTY,
        )  # fmt: skip


def in_turn(numbers: range) -> Pick:
    """Pick accounts one after the other."""
    return lambda number: numbers[number % len(numbers)]


def uniformly(numbers: range) -> Pick:
    """Pick any account, each as likely as the others."""
    dice = random.Random(1)
    return lambda _: dice.choice(numbers)


def by_zipf(numbers: range) -> Pick:
    """Pick the n-th account with weight 1/n."""
    dice = random.Random(1)
    weights = list(accumulate(1 / rank for rank in range(1, len(numbers) + 1)))
    return lambda _: dice.choices(numbers, cum_weights=weights)[0]


def mixed(usual: Pick, other: Pick, percent: int) -> Pick:
    """Pick by `other` in so many of a hundred, spread evenly."""
    return lambda number: (other if number * percent % 100 < percent else usual)(number)


def containers(numbers: range, now: int, pick: Pick) -> Iterator[Outgoing]:
    """Give slices of a real trace's containers, as many as are wanted and there are; all of the last 12 hours."""
    trace = read_trace(PODS, "gpu-container")
    names = [account(pick(number)) for number in range(_TRACE_ACCOUNTS)]
    return islice(
        events_of(trace, "gpu-container", names, 1, lambda at: now - (trace.last - at) % _RECENT), len(numbers)
    )


def calls(numbers: range, now: int, pick: Pick) -> Iterator[Outgoing]:
    """Give inference calls."""
    for number in numbers:
        data: dict[str, object] = {
            "endpoint": "e", "model": MODEL, "input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS,
        }  # fmt: skip
        yield outgoing("inference", event("inference", "/bench", f"b-{number}", account(pick(number)), now, data), now)
