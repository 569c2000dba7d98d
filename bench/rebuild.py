"""How fast a shard is rebuilt, by hand and by its owner, and how much memory that takes; see README.md.

python -m bench.rebuild [--accounts N] [--ids N] [--shards N] [--owner]
"""

import argparse
import asyncio
import logging
import resource
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec
from redis import Redis

from drawdown.adapters.clock import SystemClock
from drawdown.adapters.kafka.admin import Admin
from drawdown.adapters.kafka.log import KafkaLog
from drawdown.adapters.redis.cache import RedisCache
from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.changelog import encode_known_ids, encode_state_write
from drawdown.engine.commit import COMMIT_KEY, GENESIS_CHAIN, CommitRecord, encode_commit
from drawdown.engine.counts import Counts
from drawdown.engine.ports import KnownId, StateWrite
from drawdown.engine.rebuild import Rebuild
from drawdown.engine.records import OutRecord
from drawdown.engine.recovery import Recovery
from drawdown.local.stack import LocalStack
from drawdown.topics import plan_topics

OUTPUT = Path("build/bench/rebuild.json")
LEDGER = "plans"
STATE_BYTES = 1_000  # of an account with two plans and some counters, about
A_COMMIT = 500  # accounts, and ids in proportion, of one synthetic transaction
_MB = 1024 * 1024


def commits(shard: int, accounts: int, ids: int, now: int) -> Iterator[list[OutRecord]]:
    """Give the transactions of a shard: every account once, its share of ids, the commit record last."""
    numbers = -(-accounts // A_COMMIT)
    for number in range(1, numbers + 1):
        first = (number - 1) * A_COMMIT
        last = min(first + A_COMMIT, accounts)
        records = []
        for index in range(first, last):
            write = StateWrite(f"account-{shard}-{index:08d}", number, secrets.token_bytes(STATE_BYTES), now + index)
            records.append(OutRecord(f"changelog.{LEDGER}", shard, *encode_state_write(write)))
        for begin in range(ids * (number - 1) // numbers, ids * number // numbers, 2_000):
            count = min(2_000, ids * number // numbers - begin)
            known = [
                KnownId(secrets.token_bytes(16), secrets.token_bytes(8), now + (1 + n % 3) * ID_BUCKET_MS)
                for n in range(count)
            ]
            records.append(OutRecord(f"known-ids.{LEDGER}", shard, None, encode_known_ids(number, known)))
        chain = number.to_bytes(16, "big")
        commit = CommitRecord(number, GENESIS_CHAIN, chain, (), 1, 0, now - 60_000)
        records.append(OutRecord(f"changelog.{LEDGER}", shard, COMMIT_KEY, encode_commit(commit)))
        yield records


async def fill(kafka: str, prefix: str, options: argparse.Namespace) -> None:
    """Make the topics and write the synthetic shards."""
    async with Admin(kafka, prefix) as admin:
        await admin.create([spec for spec in plan_topics(options.shards) if spec.name.endswith(f".{LEDGER}")])
    log, now = KafkaLog(kafka, LEDGER, prefix), SystemClock().now_ms()
    for shard in range(options.shards):
        producer = await log.fence(shard)
        for records in commits(shard, options.accounts // options.shards, options.ids // options.shards, now):
            await producer.commit(records)
        await producer.close()
    await log.stop()


async def rebuild(kafka: str, redis_url: str, prefix: str, shards: int, *, owner: bool) -> int:
    """Rebuild every shard, one after the other; give how many ns it took."""
    from redis.asyncio import Redis as Client  # noqa: PLC0415

    log = KafkaLog(kafka, LEDGER, prefix)
    async with Client.from_url(redis_url) as redis:
        cache = RedisCache(redis, LEDGER, prefix)
        by_hand, by_owner = Rebuild(log, cache), Recovery(log, cache, (), Counts(), lambda: 0)
        began = time.monotonic_ns()
        for shard in range(shards):
            if owner:
                recovered = await by_owner.recover(shard, rebuild=True)
                await recovered.log.close()
            else:
                await by_hand.run(shard)
        took = time.monotonic_ns() - began
    await log.stop()
    return took


def child(kafka: str, redis_url: str, prefix: str, shards: int, *, owner: bool) -> None:
    """Rebuild in this process and print time and memory."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = asyncio.run(rebuild(kafka, redis_url, prefix, shards, owner=owner))
    after = resource.getrusage(resource.RUSAGE_SELF)
    told = {"ns": took, "rss_before_kib": before, "rss_peak_kib": after.ru_maxrss}
    told["processor_ms"] = int((after.ru_utime + after.ru_stime) * 1000)
    sys.stdout.write(msgspec.json.encode(told).decode())


class RedisPeak:
    """The most memory that Redis used while this was open."""

    def __init__(self, url: str) -> None:
        """Look at a Redis every 50 ms."""
        self.bytes = 0
        self._redis = Redis.from_url(url)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            self.bytes = max(self.bytes, int(self._redis.info("memory")["used_memory"]))


def measured(name: str, stack: LocalStack, prefix: str, options: argparse.Namespace) -> dict[str, int]:
    """Rebuild in a process of its own, and tell of it."""
    kafka, url = stack.addresses.kafka, stack.addresses.redis
    command = [sys.executable, __file__, "--child", kafka, url, prefix, "--shards", str(options.shards)]
    with RedisPeak(url) as peak:
        ran = subprocess.run(
            [*command, *(["--owner"] if name == "owner" else [])], check=True, capture_output=True, timeout=3_600
        )
    told: dict[str, int] = msgspec.json.decode(ran.stdout)
    entries = options.accounts + options.ids
    told |= {"entries_per_second": entries * 10**9 // told["ns"], "redis_peak_mib": peak.bytes // _MB}
    print(
        f"{name}: {told['ns'] / 10**9:.1f} s, {told['entries_per_second']} states and ids/s, process"
        f" {told['rss_before_kib'] // 1024} → {told['rss_peak_kib'] // 1024} MiB at its peak,"
        f" processor {told['processor_ms'] / 1000:.1f} s, Redis {told['redis_peak_mib']} MiB at its peak"
    )
    return told


def main() -> None:
    """Fill, rebuild by hand into an empty Redis, by hand again, and as an owner does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=12)
    parser.add_argument("--owner", action="store_true")
    parser.add_argument("--child", nargs=3, metavar=("KAFKA", "REDIS", "PREFIX"))
    options = parser.parse_args()
    if options.child:
        kafka, redis_url, prefix = options.child
        child(kafka, redis_url, prefix, options.shards, owner=options.owner)
        return
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    prefix = f"bench-{secrets.token_hex(3)}."
    with LocalStack() as stack:
        began = time.monotonic_ns()
        asyncio.run(fill(stack.addresses.kafka, prefix, options))
        print(
            f"{options.accounts} states of {STATE_BYTES} bytes and {options.ids} ids on {options.shards} shards,"
            f" written in {(time.monotonic_ns() - began) / 10**9:.0f} s"
        )
        told = {name: measured(name, stack, prefix, options) for name in ("into an empty Redis", "by hand", "owner")}
        with Redis.from_url(stack.addresses.redis) as redis:
            print(f"Redis holds {int(redis.info('memory')['used_memory']) // _MB} MiB at the end")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode({"options": vars(options), "runs": told})) + b"\n")


if __name__ == "__main__":
    main()
