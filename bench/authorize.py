"""How long `authorize` takes at a steady rate, from the instant at which each request was due; see README.md.

python -m bench.authorize [--seconds N] [--rates N …]
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence

from bench.cases import ACCOUNTS, a_stage
from bench.loads import account, opened
from bench.timing import cpu_ns
from drawdown.adapters.clock import SystemClock
from drawdown.demo.books import books
from drawdown.local.child import free_port
from drawdown.local.stack import LocalStack
from drawdown.operate.desk import Desk
from drawdown.operate.keys import create

CONNECTIONS = 32
WARM_UP_SECONDS = 2  # what is asked first does not count
_NS, _US = 10**9, 10**3
_BODY = json.dumps({"service": "inference", "dimensions": {"model": "Qwen3-32B"}, "hourly_cost": "2.50"}).encode()


def request(number: int, key: str) -> bytes:
    """Write a request."""
    head = (
        f"POST /v1/accounts/{account(number % ACCOUNTS)}/authorize HTTP/1.1\r\nHost: bench\r\n"
        f"Authorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n"
    )
    return head.encode() + _BODY


async def ask(port: int, key: str, due: "asyncio.Queue[tuple[int, int]]", took: list[int]) -> None:
    """Answer for one connection: take what is due next, ask, and note the time since it was due, ns."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        number, at = await due.get()
        if number < 0:
            break
        writer.write(request(number, key))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the API answered {head[:200]!r}")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        took[number] = time.monotonic_ns() - at
    writer.close()


async def steady(port: int, key: str, rate: int, seconds: int) -> list[int]:
    """Ask at a rate for some seconds; give how long each took, ns, without the first."""
    due: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
    count = rate * (seconds + WARM_UP_SECONDS)
    took = [0] * count
    asking = [asyncio.create_task(ask(port, key, due, took)) for _ in range(CONNECTIONS)]
    began = time.monotonic_ns()
    for number in range(count):
        at = began + number * _NS // rate
        wait = at - time.monotonic_ns()
        if wait > 0:
            await asyncio.sleep(wait / _NS)
        due.put_nowait((number, at))
    for _ in asking:
        due.put_nowait((-1, 0))
    await asyncio.gather(*asking)
    return took[rate * WARM_UP_SECONDS :]


async def run(stack: LocalStack, rates: Sequence[int], seconds: int) -> None:
    """Time one API process beside an idle worker."""
    async with a_stage(stack) as stage:
        await stage.publish(books())
        await stage.publish(opened(range(ACCOUNTS), SystemClock().now_ms(), plans=1))
        stage.start_worker()
        await stage.all_taken()
        async with Desk(stage.settings) as desk:
            _, key = await create(desk, "bench", "read-only", None, 1)
        port = free_port()
        api = stage.start_worker(("-m", "drawdown", "api"), api_port=port, log_level="WARNING")
        while b"200 OK" not in await _first(port):  # noqa: ASYNC110  another process is polled
            await asyncio.sleep(0.1)
        for rate in rates:
            before, began = cpu_ns(api.pid), time.monotonic_ns()
            took = sorted(await steady(port, key, rate, seconds))
            busy = (cpu_ns(api.pid) - before) * 100 // (time.monotonic_ns() - began)
            parts = [took[len(took) * part // 1_000] // _US for part in (500, 990, 999)]
            told = ", ".join(
                f"{name} {us / 1_000:.1f} ms" for name, us in zip(("p50", "p99", "p99.9"), parts, strict=True)
            )
            print(
                f"{rate} a second: {told}, most {took[-1] / 10**6:.1f} ms; the API took {busy} % of a core", flush=True
            )


async def _first(port: int) -> bytes:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return b""
    writer.write(b"GET /ready HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 500])
    told = parser.parse_args()
    with LocalStack() as stack:
        asyncio.run(run(stack, told.rates, told.seconds))


if __name__ == "__main__":
    main()
