"""Puts a worker's parts together, after checking that Kafka and Redis are as the engine needs them."""

import asyncio
import contextlib
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from drawdown.adapters.clock import SystemClock
from drawdown.adapters.faust.feed import Feed
from drawdown.adapters.kafka.admin import Admin
from drawdown.adapters.kafka.log import KafkaLog
from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.adapters.kafka.prices import PriceFeed
from drawdown.adapters.redis.cache import RedisCache
from drawdown.adapters.redis.packing import packed
from drawdown.domain.limits import REDIS_TIMEOUT_MS
from drawdown.domain.prices import Prices
from drawdown.engine.ledger import Ledger
from drawdown.engine.ports import Clock
from drawdown.engine.runtime import Runtime
from drawdown.errors import UserError
from drawdown.ledgers.codes import CodesLedger
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.settings import Settings
from drawdown.topics import CREATE_TIME

_POLICY = "noeviction"
_OLDEST_REDIS = 7


@dataclass(frozen=True)
class Lane:
    """A ledger on this worker, with what feeds it and where it writes."""

    ledger: Ledger
    runtime: Runtime
    feed: Feed
    log: KafkaLog


@dataclass(frozen=True)
class Parts:
    """A worker's parts; `release` lets go of all of them."""

    lanes: tuple[Lane, ...]
    prices: PriceFeed
    redis: Redis

    async def release(self) -> None:
        """Close connections; the runtime's shards were let go before."""
        await self.prices.stop()
        for lane in self.lanes:
            await lane.log.stop()
        await self.redis.aclose()


async def assemble(settings: Settings) -> Parts:
    """Check, connect, read the prices. Raise UserError saying what is wrong and what to do."""
    async with Admin(settings.kafka, settings.prefix) as admin:
        findings = await admin.check(settings.topics)
    if findings:
        raise UserError("\n".join(findings))
    async with contextlib.AsyncExitStack() as undo:
        seconds = REDIS_TIMEOUT_MS / 1000
        redis = packed(
            Redis.from_url(settings.redis.get_secret_value(), socket_timeout=seconds, socket_connect_timeout=seconds)
        )
        undo.push_async_callback(redis.aclose)
        await check_redis(redis)
        clock = SystemClock()
        books = Prices()
        ledger = PlansLedger(books, settings.policy)
        prices = PriceFeed(settings.kafka, settings.prefix, books, clock, ledger.read_prices_to)
        undo.push_async_callback(prices.stop)
        await prices.start()
        changed = asyncio.Event()
        ledgers: list[Ledger] = [ledger]
        if settings.wallet:
            ledgers += [WalletLedger(settings.policy), CodesLedger()]
        lanes = tuple(_lane(settings, one, redis, clock, changed) for one in ledgers)
        undo.pop_all()
    return Parts(lanes, prices, redis)


def _lane(settings: Settings, ledger: Ledger, redis: Redis, clock: Clock, changed: asyncio.Event) -> Lane:
    log = KafkaLog(settings.kafka, ledger.name, settings.prefix)
    feed = Feed((ledger.command_topic, *ledger.usage_topics), settings.prefix, changed)
    runtime = Runtime(
        ledger=ledger,
        cache=RedisCache(redis, ledger.name, settings.prefix),
        log=log,
        transport=feed,
        clock=clock,
        shard_of=shard_of(settings.shards),
        spacing_ms=settings.spacing_ms,
        log_clock=settings.timestamp_type == CREATE_TIME,
    )
    return Lane(ledger, runtime, feed, log)


async def check_redis(redis: Redis) -> None:
    """Raise UserError unless Redis answers, is new enough and never evicts: an evicted id would be charged twice."""
    try:
        server = await redis.info("server")
        memory = await redis.info("memory")
    except (RedisError, OSError) as error:
        raise UserError(f"Redis does not answer (setting redis, DRAWDOWN_REDIS): {error}") from error
    version = str(server["redis_version"])
    if int(version.partition(".")[0]) < _OLDEST_REDIS:
        raise UserError(f"Redis is {version}; {_OLDEST_REDIS}.0 or newer is needed")
    policy = memory["maxmemory_policy"]
    if policy != _POLICY:
        raise UserError(
            f"Redis has maxmemory-policy {policy}: it would evict balances and event ids when memory is short."
            f" Set `maxmemory-policy {_POLICY}` in its configuration and start the worker again"
        )
