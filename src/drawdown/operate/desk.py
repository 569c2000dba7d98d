"""An operator's desk: sends to the ledgers' inputs, knows when they are taken, and reads what they led to."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from redis.asyncio import Redis

from drawdown.adapters.clock import SystemClock
from drawdown.adapters.kafka.browsing import Browser, Place
from drawdown.adapters.kafka.log import KafkaLog
from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.adapters.redis.cache import RedisCache
from drawdown.domain.limits import BROWSE_FETCH_BYTES, REDIS_TIMEOUT_MS, SENDS_AT_ONCE_MAX
from drawdown.engine.commit import CommitRecord
from drawdown.engine.records import Record
from drawdown.errors import UserError
from drawdown.settings import Settings
from drawdown.topics import (
    ACCOUNT_EVENTS,
    API_KEYS,
    CHARGES,
    CODE_COMMANDS,
    CREDIT_CHARGING,
    DEAD_LETTERS,
    PLAN_COMMANDS,
    PRICES,
    USAGE,
    WALLET_COMMANDS,
)

LEDGERS = {"plans": (PLAN_COMMANDS, *USAGE), "wallet": (WALLET_COMMANDS, CREDIT_CHARGING), "codes": (CODE_COMMANDS,)}
OUTPUTS = (CHARGES, CREDIT_CHARGING, ACCOUNT_EVENTS, DEAD_LETTERS)
_POLL_SECONDS = 0.1
_SEND_SECONDS = 30


class Position(msgspec.Struct, frozen=True):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


class Output(msgspec.Struct, frozen=True):
    """An output: where it stands, and what it says. position: of the input that led to it."""

    topic: str
    partition: int
    offset: int
    appended: int
    position: Position
    said: dict[str, Any]


class Desk:
    """Connections of one command, opened when they are first needed."""

    def __init__(self, settings: Settings, fetch_bytes: int = BROWSE_FETCH_BYTES) -> None:
        """Connect to nothing yet. fetch_bytes: of a partition, which its reader takes apart at once."""
        self.settings = settings
        self._fetch_bytes = fetch_bytes
        self.clock = SystemClock()
        self.shard_of = shard_of(settings.shards)
        self.shards = range(settings.shards)
        self.ledgers = tuple(name for name in LEDGERS if name == "plans" or settings.wallet)
        self._ends = contextlib.AsyncExitStack()
        self._browser: Browser | None = None
        self._producer: AIOKafkaProducer | None = None
        self._redis: Redis | None = None
        self._logs: dict[str, KafkaLog] = {}
        self._caches: dict[str, RedisCache] = {}

    async def __aenter__(self) -> Self:
        """Give the desk."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of what was connected."""
        await self._ends.aclose()

    async def browser(self) -> Browser:
        """Give the reader of topics. Raise UserError when no broker answers."""
        if self._browser is None:
            browser = Browser(self.settings.kafka, self.settings.prefix, self._fetch_bytes)
            self._browser = await self._ends.enter_async_context(browser)
        return self._browser

    def log(self, ledger: str) -> KafkaLog:
        """Give a ledger's own topics."""
        if ledger not in self._logs:
            self._logs[ledger] = KafkaLog(self.settings.kafka, ledger, self.settings.prefix)
            self._ends.push_async_callback(self._logs[ledger].stop)
        return self._logs[ledger]

    def cache(self, ledger: str) -> RedisCache:
        """Give a ledger's Redis, to look up and nothing else."""
        if ledger not in self._caches:
            self._caches[ledger] = RedisCache(self.redis(), ledger, self.settings.prefix)
        return self._caches[ledger]

    def redis(self) -> Redis:
        """Give the client of the Redis that all ledgers use."""
        if self._redis is None:
            seconds = REDIS_TIMEOUT_MS / 1000
            self._redis = Redis.from_url(
                self.settings.redis.get_secret_value(), socket_timeout=seconds, socket_connect_timeout=seconds
            )
            self._ends.push_async_callback(self._redis.aclose)
        return self._redis

    async def newest_commit(self, ledger: str, shard: int) -> CommitRecord | None:
        """Give the shard's newest commit record."""
        found = await self.log(ledger).newest_commit(shard)
        return None if found is None else found[0]

    async def send(self, topic: str, account: str, value: bytes) -> Position:
        """Append a record to its account's shard; give where it stands. Raise UserError."""
        key = account.encode()
        return await self._send(topic, self.shard_of(key), key, value)

    async def publish_book(self, name: str, value: bytes) -> Position:
        """Append a price book. Raise UserError."""
        return await self._send(PRICES, 0, name.encode(), value)

    async def publish_key(self, prefix: str, value: bytes) -> Position:
        """Append what is kept of an API key. Raise UserError."""
        return await self._send(API_KEYS, 0, prefix.encode(), value)

    async def send_all(self, topic: str, records: Sequence[tuple[str, bytes]]) -> list[Position]:
        """Append records (account, value), many at once; give the newest position of each shard. Raise UserError."""
        keyed = [(account.encode(), value) for account, value in records]
        newest: dict[int, Position] = {}
        for first in range(0, len(keyed), SENDS_AT_ONCE_MAX):
            some = keyed[first : first + SENDS_AT_ONCE_MAX]
            for sent in await self._send_some(topic, [(self.shard_of(key), key, value) for key, value in some]):
                newest[sent.partition] = sent
        return list(newest.values())

    async def _send(self, topic: str, partition: int, key: bytes, value: bytes) -> Position:
        (sent,) = await self._send_some(topic, [(partition, key, value)])
        return sent

    async def _send_some(self, topic: str, records: Sequence[tuple[int, bytes, bytes]]) -> list[Position]:
        """Append records (partition, key, value); give where each stands, in order."""
        partitions = {partition for partition, _, _ in records}
        await (await self.browser()).spans((topic, one) for one in partitions)  # says what is wrong with the topic
        name = self.settings.prefix + topic
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                producer = await self._started()
                waiting = [await producer.send(name, value, key=key, partition=at) for at, key, value in records]
                sent = await asyncio.gather(*waiting)
        except (KafkaError, TimeoutError, OSError) as error:
            raise UserError(f"{topic} cannot be written: {type(error).__name__} {error}; try again") from error
        return [Position(topic, one.partition, one.offset) for one in sent]

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka, acks="all", enable_idempotence=True)
            self._ends.push_async_callback(_stop, producer)
            await producer.start()
            self._producer = producer
        return self._producer

    async def taken(self, position: Position, seconds: float) -> bool:
        """Wait until the ledger has committed the input at this position; False if it has not in time."""
        ledger = next(name for name, topics in LEDGERS.items() if position.topic in topics)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    commit = await self.newest_commit(ledger, position.partition)
                    for taken in commit.inputs if commit else ():
                        if taken.topic == position.topic and taken.next_offset > position.offset:
                            return True
                    await asyncio.sleep(_POLL_SECONDS)
        return False

    async def ends(self, shards: Iterable[int]) -> dict[Place, int]:
        """Give the ends of the outputs of some shards: where to look for what comes next."""
        browser = await self.browser()
        spans = await browser.spans((topic, shard) for shard in set(shards) for topic in OUTPUTS)
        return {place: end for place, (_, end) in spans.items()}

    async def outputs_since(self, starts: dict[Place, int]) -> dict[Position, list[Output]]:
        """Give what was put out from these offsets on, by the position of the input that led to it."""
        browser = await self.browser()
        spans = await browser.spans(starts)
        found: dict[Position, list[Output]] = defaultdict(list)
        async for output in self.outputs({place: (starts[place], end) for place, (_, end) in spans.items()}):
            found[output.position].append(output)
        return found

    async def outputs(self, spans: dict[Place, tuple[int, int]]) -> AsyncIterator[Output]:
        """Give the outputs of these spans."""
        async for record in (await self.browser()).read(spans):
            output = output_of(record)
            if output is not None:
                yield output


async def _stop(producer: AIOKafkaProducer) -> None:
    """Disconnect; what a broker that hangs has not acknowledged by then was told as an error already."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SEND_SECONDS):
            await producer.stop()


def output_of(record: Record) -> Output | None:
    """Read an output; None for a record that only carries the watermark."""
    place = record.topic, record.partition, record.offset, record.timestamp
    if record.topic == DEAD_LETTERS:
        headers = {name: content.decode("utf-8", "replace") for name, content in record.headers}
        position = Position(headers["topic"], int(headers["partition"]), int(headers["offset"]))
        return Output(*place, position, {"reason": headers["reason"], "detail": headers["detail"]})
    if not record.value:
        return None
    said = msgspec.json.decode(record.value)
    return Output(*place, msgspec.convert(said["position"], Position), said)
