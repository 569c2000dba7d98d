"""What test_feeding drives: a group of members with their transports, in memory and as Faust apps on a real Kafka."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from drawdown.adapters.faust.feed import Feed
from drawdown.adapters.faust.transport import FetchSchema, batches_of
from drawdown.adapters.kafka.admin import Admin
from drawdown.engine.counts import Counts
from drawdown.engine.errors import Halt
from drawdown.engine.memory.broker import MemoryBroker
from drawdown.engine.memory.clock import MemoryClock, let_others_run
from drawdown.engine.memory.group import Member as Grouped
from drawdown.engine.memory.group import MemoryGroup
from drawdown.engine.memory.transport import MemoryTransport
from drawdown.engine.ports import Transport
from drawdown.engine.records import Batch, OutRecord, Record
from drawdown.local.stack import LocalStack
from drawdown.settings import load_settings
from drawdown.topics import CLOCK, LOG_APPEND_TIME, TopicSpec
from drawdown.worker import App

SHARDS = 2
INPUTS = ("tally-commands", "adds")
OTHERS = ("other-commands", "others")  # of a second lane
START = dict.fromkeys(INPUTS, 0)
QUIET_SECONDS = 0.4
PATIENCE_SECONDS = 20
SLEEP_SECONDS = 2.5  # past the session


class Member:
    """A member of the group in place of the engine: it records what it is told and what is delivered."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.counts = Counts()
        self.owned: frozenset[int] = frozenset()
        self.told: list[tuple[str, frozenset[int]]] = []
        self.batches: list[Batch] = []
        self.failures: list[BaseException] = []
        self.proofs: list[bool] = []  # what an offset commit answered while the shards were revoked
        self.flowing: list[bool] = []  # whether batches still flowed then
        self.flows: Callable[[], bool] = lambda: True

    async def on_assigned(self, shards: frozenset[int]) -> None:
        self.owned = shards
        self.told.append(("assigned", shards))

    async def on_revoked(self, shards: frozenset[int]) -> None:
        self.flowing.append(self.flows())
        self.owned = frozenset()
        self.told.append(("revoked", shards))
        for shard in shards:
            self.transport.park(shard)
            self.proofs.append(await self.transport.commit_offsets(shard, START))

    def fail(self, error: BaseException) -> None:
        self.failures.append(error)

    async def stop(self) -> None: ...

    async def record(self, batches: Any) -> None:
        try:
            async for batch in batches:
                self.batches.append(batch)
        except Halt as halt:  # as the runtime does with what its batches raise
            self.fail(halt)

    def records(self, shard: int, epoch: int) -> list[Record]:
        """Give what came of a shard under an epoch, after checking that the positions follow each other."""
        found: list[Record] = []
        reached: dict[str, int] = {}
        for batch in self.batches:
            if (batch.shard, batch.epoch) != (shard, epoch):
                continue
            for topic, start in batch.starts.items():
                assert start == reached.get(topic, start), f"{topic} from {start} after {reached[topic]}"
                assert batch.next_offsets[topic] > start
            assert all(
                batch.starts[r.topic] <= r.offset < batch.next_offsets[r.topic] and r.partition == shard
                for r in batch.records
            )
            reached |= batch.next_offsets
            found += batch.records
        return found

    def values(self, shard: int, epoch: int) -> list[bytes | None]:
        return [record.value for record in self.records(shard, epoch)]

    def position(self, shard: int, topic: str = "adds") -> int:
        """Give where the newest batch of a shard ended."""
        return next((b.next_offsets[topic] for b in reversed(self.batches) if topic in b.next_offsets), 0)


class Transaction(Protocol):
    async def end(self, *, committed: bool) -> None: ...


class Group(Protocol):
    """A group over some topics, and a publisher."""

    async def join(self) -> Member: ...
    async def leave(self, member: Member) -> None: ...
    async def publish(self, shard: int, *values: bytes, topic: str = "adds") -> None: ...
    async def begin(self, shard: int, *values: bytes) -> Transaction: ...
    async def committed(self, shard: int) -> dict[str, int]: ...
    async def fall_asleep(self, member: Member) -> None: ...
    async def until(self, done: Callable[[], bool]) -> None: ...
    async def quiet(self) -> None: ...


class MemoryTransaction:
    def __init__(self, broker: MemoryBroker, shard: int, values: Sequence[bytes]) -> None:
        self._end: tuple[int, str, int]
        self._broker = broker
        epoch = broker.fence("other")
        number = broker.begin("other", epoch)
        records = [OutRecord("adds", shard, b"k", value) for value in values]
        broker.append_to(number, "other", epoch, records)
        self._end = number, "other", epoch

    async def end(self, *, committed: bool) -> None:
        self._broker.end(*self._end, committed=committed)


class MemorySide:
    def __init__(self) -> None:
        self.broker = MemoryBroker(MemoryClock(), dict.fromkeys(INPUTS, SHARDS))
        self.group = MemoryGroup(SHARDS)
        self._grouped: dict[Member, Grouped] = {}
        self._readings: list[asyncio.Task[None]] = []

    async def join(self) -> Member:
        transport = MemoryTransport(self.broker, INPUTS)
        member = Member(transport)
        self._readings.append(asyncio.create_task(member.record(transport.batches())))
        self._grouped[member] = await self.group.join(transport, member)
        return member

    async def leave(self, member: Member) -> None:
        await self.group.leave(self._grouped.pop(member))

    async def publish(self, shard: int, *values: bytes, topic: str = "adds") -> None:
        for value in values:
            self.broker.append(topic, shard, b"k", value)

    async def begin(self, shard: int, *values: bytes) -> Transaction:
        return MemoryTransaction(self.broker, shard, values)

    async def committed(self, shard: int) -> dict[str, int]:
        found: dict[str, int] = {}
        for grouped in self._grouped.values():
            found |= grouped.transport.committed.get(shard, {})
        return found

    async def fall_asleep(self, member: Member) -> None:
        await self.group.lose(self._grouped[member])

    async def until(self, done: Callable[[], bool]) -> None:
        await let_others_run(200)
        assert done()

    async def quiet(self) -> None:
        await let_others_run(200)

    async def stop(self) -> None:
        for reading in self._readings:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading


class KafkaTransaction:
    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def end(self, *, committed: bool) -> None:
        await (self._producer.commit_transaction() if committed else self._producer.abort_transaction())
        await self._producer.stop()


class FaustSide:
    def __init__(self, stack: LocalStack, prefix: str) -> None:
        self.settings = load_settings(
            kafka=stack.addresses.kafka,
            redis=stack.addresses.redis,
            prefix=prefix,
            shards=SHARDS,
            session_timeout_ms=1_500,
            heartbeat_ms=200,
            rebalance_timeout_ms=1_500,
        )
        self._apps: dict[Member, App] = {}
        self._plain: AIOKafkaProducer

    async def start(self) -> None:
        stamped = TopicSpec(CLOCK, 1, {"message.timestamp.type": LOG_APPEND_TIME})
        async with Admin(self.settings.kafka, self.settings.prefix) as admin:
            await admin.create([*(TopicSpec(name, SHARDS, {}) for name in (*INPUTS, *OTHERS)), stamped])
        self._plain = AIOKafkaProducer(bootstrap_servers=self.settings.kafka, linger_ms=0)
        await self._plain.start()

    async def join(self) -> Member:
        (member,) = await self.join_lanes(INPUTS)
        return member

    async def join_lanes(self, *inputs: Sequence[str]) -> list[Member]:
        """Give one app's members, a lane each; the first one stands for the app."""
        changed = asyncio.Event()
        feeds = [Feed(topics, self.settings.prefix, changed) for topics in inputs]
        members = [Member(feed) for feed in feeds]
        lanes = tuple(
            SimpleNamespace(feed=feed, runtime=member, ledger=SimpleNamespace(name=feed.topics[0]))
            for feed, member in zip(feeds, members, strict=True)
        )
        parts: Any = SimpleNamespace(lanes=lanes, release=members[0].stop, prices=None, redis=None)
        app = App(self.settings, parts)
        for feed, member in zip(feeds, members, strict=True):
            topics = app.topic(*feed.topics, schema=FetchSchema(), acks=False)
            app.agent(topics, name=feed.topics[0])(_recording(member))
        self._apps[members[0]] = app
        consumer: Any = app.consumer  # its declared type lacks what is looked at
        for member in members:
            member.flows = lambda: bool(consumer.flow_active)
        await app.start()
        await self.until(lambda: all(member.told for member in members))
        await asyncio.sleep(0.1)  # the answer to a join reaches the thread a little later than the callback
        return members

    async def leave(self, member: Member) -> None:
        await self._apps.pop(member).stop()

    async def publish(self, shard: int, *values: bytes, topic: str = "adds") -> None:
        for value in values:
            await self._plain.send_and_wait(self.settings.prefix + topic, value, key=b"k", partition=shard)

    async def begin(self, shard: int, *values: bytes) -> Transaction:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka, transactional_id=f"{self.settings.prefix}other", linger_ms=0
        )
        await producer.start()
        await producer.begin_transaction()
        sent = [await producer.send(f"{self.settings.prefix}adds", value, b"k", shard) for value in values]
        await asyncio.gather(*sent)
        return KafkaTransaction(producer)

    async def committed(self, shard: int) -> dict[str, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka)
        await admin.start()
        try:
            found = await admin.list_consumer_group_offsets(f"{self.settings.prefix}drawdown")
        finally:
            await admin.close()
        cut = len(self.settings.prefix)
        return {at.topic[cut:]: held.offset for at, held in found.items() if at.partition == shard}

    async def fall_asleep(self, member: Member) -> None:
        """Stop the member's consumer thread until its session has passed and the group has forgotten it."""
        consumer: Any = self._apps[member].consumer
        consumer._thread.thread_loop.call_soon_threadsafe(time.sleep, SLEEP_SECONDS)
        await asyncio.sleep(0.1)

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not done():
                await asyncio.sleep(0.02)

    async def quiet(self) -> None:
        await asyncio.sleep(QUIET_SECONDS)

    async def stop(self) -> None:
        for app in self._apps.values():
            await app.stop()
        await self._plain.stop()


def _recording(member: Member) -> Callable[[Any], Awaitable[None]]:
    """Give the agent that hands a member what the driver fetched."""

    async def record(fetches: Any) -> None:
        await member.record(batches_of(fetches))

    return record


@contextlib.asynccontextmanager
async def a_group(servers: LocalStack | None, prefix: str) -> AsyncIterator[Group]:
    if servers is None:
        memory = MemorySide()
        yield memory
        await memory.stop()
        return
    real = FaustSide(servers, prefix)
    await real.start()
    try:
        yield real
    finally:
        await real.stop()
