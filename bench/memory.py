"""What Redis and a worker hold of an account, and of an id that is known; see README.md.

python -m bench.memory [--accounts N] [--ids N]
"""

import argparse
import asyncio
import gc
import secrets
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec
from redis.asyncio import Redis

from bench.cases import SHARDS
from bench.loads import account, calls, in_turn, opened
from drawdown.adapters.redis.cache import RedisCache
from drawdown.demo.books import books
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.engine.ports import KnownId, StateWrite
from drawdown.engine.records import Record
from drawdown.ledgers.plans import PlansLedger
from drawdown.local.stack import LocalStack
from drawdown.wire.price_book import decode_book

OUTPUT = Path("build/bench/memory.json")
CHUNK = 5_000
HOUR_MS, NOW = 3_600_000, 1_800_000_000_000
_WINDOW_HOURS = 8
T = TypeVar("T")


def a_state(ledger: PlansLedger) -> bytes:
    """Give the state of an account with one plan from which a call has drawn."""
    state: object | None = None
    said = [*opened(range(1), NOW, plans=1), *calls(range(1), NOW, in_turn(range(1)))]
    for offset, one in enumerate(said):
        state = ledger.decide(state, ledger.decode(Record(one.topic, 0, offset, NOW, one.key, one.value))).state
    return ledger.encode_state(state)


def chunks(made: Iterator[T]) -> Iterator[Sequence[T]]:
    """Give them by so many."""
    while chunk := list(islice(made, CHUNK)):
        yield chunk


async def used(redis: Redis) -> int:
    """Give the bytes that Redis holds."""
    return int((await redis.info("memory"))["used_memory"])


async def in_redis(address: str, state: bytes, accounts: int, ids: int) -> tuple[int, int]:
    """Load states, then ids, spread over the shards; give the bytes of one of each."""
    redis = Redis.from_url(address)
    cache = RedisCache(redis, "plans", f"memory-{secrets.token_hex(3)}.")
    tokens = [await cache.begin_rebuild(shard) for shard in range(SHARDS)]
    before = await used(redis)
    writes = (StateWrite(account(number), 1, state, NOW + number) for number in range(accounts))
    for number, states in enumerate(chunks(writes)):
        await cache.load(number % SHARDS, tokens[number % SHARDS], states, ())
    between = await used(redis)
    known = (
        KnownId(secrets.token_bytes(16), secrets.token_bytes(8), NOW + number % _WINDOW_HOURS * HOUR_MS)
        for number in range(ids)
    )
    for number, members in enumerate(chunks(known)):
        await cache.load(number % SHARDS, tokens[number % SHARDS], (), members)
    after = await used(redis)
    await redis.aclose()
    return (between - before) // accounts, (after - between) // ids


def resident() -> int:
    """Give the bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096


def in_a_worker(ledger: PlansLedger, state: bytes, accounts: int) -> int:
    """Decode and hold states as a worker caches them; give the bytes of one."""
    gc.collect()
    before = resident()
    held = {account(number): ledger.decode_state(state) for number in range(accounts)}
    taken = resident() - before
    return taken // len(held)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=200_000)
    parser.add_argument("--ids", type=int, default=2_000_000)
    told = parser.parse_args()
    prices = Prices()
    for one in books():
        prices.add(decode_book(one.value), 0)
    ledger = PlansLedger(prices, Policy.default())
    state = a_state(ledger)
    cached = in_a_worker(ledger, state, told.accounts)
    with LocalStack() as stack:
        of_account, of_id = asyncio.run(in_redis(stack.addresses.redis, state, told.accounts, told.ids))
    found = {"state": len(state), "Redis, an account": of_account, "Redis, an id": of_id, "worker, an account": cached}
    for name, many in found.items():
        print(f"{name}: {many} bytes")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


if __name__ == "__main__":
    main()
