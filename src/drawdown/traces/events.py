"""Rows of a trace as usage events: spread over accounts by a seeded, skewed draw, long runs cut into slices."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

import msgspec

from drawdown.domain.catalogue import FINE_TUNING, INFERENCE
from drawdown.traces.columns import Service
from drawdown.traces.rows import Row, Trace
from drawdown.wire.instants import format_instant

SLICE_MS = 15 * 60_000
GPU_MODELS = ("H100", "H200", "A30")
INFERENCE_MODELS = ("Qwen3-32B", "Llama-3.3-70B", "DeepSeek-V3")
_encode = msgspec.json.Encoder().encode


class Outgoing(msgspec.Struct, frozen=True):
    """A record to publish. time: the end of the usage it tells, ms. partition: only where a key is to be misplaced."""

    topic: str
    key: bytes | None
    value: bytes
    time: int
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


class Draw:
    """Draws accounts, the first ones oftenest: the n-th with weight 1/n (Zipf)."""

    def __init__(self, accounts: Sequence[str], dice: random.Random) -> None:
        """Draw from `accounts` by `dice`."""
        self._accounts = accounts
        self._weights = list(accumulate(1 / rank for rank in range(1, len(accounts) + 1)))
        self._dice = dice

    def one(self) -> str:
        """Draw an account."""
        return self._dice.choices(self._accounts, cum_weights=self._weights)[0]


def event(
    service: Service, source: str, ident: str, account: str, end: int, data: dict[str, object]
) -> dict[str, object]:
    """Give a usage event, a CloudEvent in structured mode."""
    return {
        "specversion": "1.0",
        "id": ident,
        "source": source,
        "type": f"ai.drawdown.usage.{service}.v1",
        "subject": account,
        "time": format_instant(end),
        "data": data,
    }


def outgoing(service: Service, message: dict[str, object], end: int) -> Outgoing:
    """Give the record of a usage event."""
    return Outgoing(f"usage.{service}", str(message["subject"]).encode(), _encode(message), end)


When = Callable[[int], int]


def events_of(trace: Trace, service: Service, accounts: Sequence[str], seed: int, when: When) -> Iterator[Outgoing]:
    """Give the events of a trace in order of time. when: from the trace's instants to those of the events, ms."""
    dice = random.Random(seed)  # noqa: S311  a simulation's draw
    draw = Draw(accounts, dice)
    if service == INFERENCE:
        for number, row in enumerate(trace.rows):
            yield _call(row, number, draw, dice, when)
        return
    slices = [
        made for number, row in enumerate(trace.rows) for made in _slices(row, number, service, draw.one(), dice, when)
    ]
    slices.sort(key=lambda made: made.time)
    yield from slices


def _call(row: Row, number: int, draw: Draw, dice: random.Random, when: When) -> Outgoing:
    model = dice.choice(INFERENCE_MODELS)
    account, end = draw.one(), when(row.end)
    data: dict[str, object] = {"endpoint": f"{account}-{model}", "model": model, **row.counts}
    return outgoing("inference", event("inference", "/trace", f"call-{number}", account, end, data), end)


def _slices(
    row: Row, number: int, service: Service, account: str, dice: random.Random, when: When
) -> Iterator[Outgoing]:
    """Cut a run into events of 15 minutes, as the platform charges."""
    name = row.name or f"run-{number}"
    model = row.gpu_model or dice.choice(GPU_MODELS)
    for at in range(row.start or 0, row.end, SLICE_MS):
        until = min(at + SLICE_MS, row.end)
        end = when(until)
        data: dict[str, object] = {
            "gpu_model": model,
            "gpu_count": f"{row.gpus // 1000}.{row.gpus % 1000:03d}",
            "from": format_instant(end - (until - at)),
            "to": format_instant(end),
        }
        if service == FINE_TUNING:
            data |= {"job": name, "model": "Llama-3.1-8B", "final": until == row.end}
        else:
            data |= {"container": name, "state": "running", "storage_gb": 0}
        yield outgoing(service, event(service, "/trace", f"{name}-{until}", account, end, data), end)
