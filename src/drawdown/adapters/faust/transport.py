"""Faust's transport driver `drawdown`: one Faust event a fetch, positions given by the engine.

Registered under Faust's own entry point `faust.transports`. What Faust does for positions, acknowledgements and
back-pressure is switched off here; tests/contract/test_transport.py holds every private name that this relies on.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import aiokafka
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust import Schema
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import Service
from mode.utils.futures import maybe_async

from drawdown.adapters.faust.feed import Feed, Fetched, Wanted, together
from drawdown.domain.limits import FETCH_RECORDS_MAX, FETCH_WAIT_MS
from drawdown.engine.errors import Halt
from drawdown.engine.records import Batch, Record
from drawdown.engine.runtime import Runtime

_MS_PER_SECOND = 1_000
_REBALANCING_WAIT_SECONDS = 0.01
QUIET = logging.getLogger("faust.drawdown")  # Faust logs as the module of the class that it runs


class ConsumerOnLoop(driver.AIOKafkaConsumerThread):
    """What Faust runs in a thread of its own, on the app's event loop; with a consumer made for the engine.

    A take holds the loop up for a tenth of a second at most and heartbeats have seconds, while a second thread costs
    the first one the interpreter's lock at every turn (docs/decisions/0025).
    """

    logger = QUIET
    assigned_generation: int | None = None
    wait_for_shutdown = False

    def __init__(self, consumer: driver.Consumer, **kwargs: Any) -> None:
        """Share the app's loop."""
        super().__init__(consumer, thread_loop=consumer.loop, **kwargs)

    async def maybe_start(self) -> bool:
        """Start as any service of Faust's does: without a thread."""
        return await Service.maybe_start(self)

    async def start(self) -> None:
        """Start as any service of Faust's does: without a thread."""
        await self._default_start()

    async def on_stop(self) -> None:
        """Leave the group."""
        await self.on_thread_stop()
        await self._default_stop_futures()

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call at once."""
        return await maybe_async(fun(*args, **kwargs))

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        """Make the consumer: read committed, no resets, always Faust's own assignor."""
        conf = self.app.conf
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_poll_interval_ms=int(conf.broker_max_poll_interval * _MS_PER_SECOND),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=int(conf.broker_request_timeout * _MS_PER_SECOND),
            session_timeout_ms=int(conf.broker_session_timeout * _MS_PER_SECOND),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * _MS_PER_SECOND),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * _MS_PER_SECOND),
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop committing offsets: between revocation and assignment a commit makes aiokafka forget its member."""
        self.assigned_generation = None
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Commit offsets again."""
        await super().on_partitions_assigned(assigned, generation_id)
        self.assigned_generation = generation_id

    async def fetch(self, wanted: Wanted, prefix_length: int) -> Fetched | None:
        """Seek, fetch and convert; None when a rebalance came between.

        After a rebalance no partition has a position until it is sought: asking for one would wait for good, or fail
        for want of a committed offset.
        """
        consumer = self._ensure_consumer()
        partitions = wanted.partitions
        generation = self.assigned_generation
        if generation is None or not consumer.assignment().issuperset(partitions):
            return None
        try:
            for at, offset in wanted.seeks.items():
                consumer.seek(at, offset)
            before = {at: await consumer.position(at) for at in partitions}
            found = await consumer.getmany(*partitions, timeout_ms=FETCH_WAIT_MS, max_records=FETCH_RECORDS_MAX)
            if self.assigned_generation != generation:
                return None
            after = {at: await consumer.position(at) for at in partitions}
        except IllegalStateError:
            return None
        except KafkaError:
            if self.assigned_generation != generation:
                return None
            raise
        records = {
            at: [
                Record(
                    at.topic[prefix_length:],
                    at.partition,
                    r.offset,
                    r.timestamp,
                    r.key,
                    r.value,
                    r.headers and tuple([(name, content or b"") for name, content in r.headers]),
                )
                for r in fetched
            ]
            for at, fetched in found.items()
        }
        return Fetched(records, before, after)

    async def commit_positions(self, positions: Mapping[TopicPartition, int | None]) -> bool:
        """Commit offsets if the group is still as assigned; say whether it was accepted.

        A position that is not known yet (None) leaves what is committed as it is.
        """
        consumer = self._ensure_consumer()
        generation = self.assigned_generation
        if generation is None or consumer._coordinator.generation != generation:  # noqa: SLF001  no public name
            return False
        try:
            offsets = {
                at: (await consumer.committed(at) or 0) if offset is None else offset
                for at, offset in positions.items()
            }
            await consumer.commit({at: OffsetAndMetadata(offset, "") for at, offset in offsets.items()})
        except KafkaError:
            return False
        return self.assigned_generation == generation


class Lane(Protocol):
    """A ledger on this worker: what it fetches, and its engine. All lanes share consumer, group and shards."""

    @property
    def feed(self) -> Feed:
        """What is fetched for it."""

    @property
    def runtime(self) -> Runtime:
        """Its engine."""


class Consumer(driver.Consumer):
    """Faust's consumer, fetching what the engine has opened and committing only what the engine says."""

    logger = QUIET
    app: Any  # worker.App
    _thread: ConsumerOnLoop

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Attach to the app's engine."""
        super().__init__(*args, **kwargs)
        self._lanes: Sequence[Lane] = self.app.lanes
        self._changed = self._lanes[0].feed.changed
        self._serial = itertools.count(1)
        for lane in self._lanes:
            lane.feed.attach(self._commit_positions)

    def _new_consumer_thread(self) -> ConsumerOnLoop:
        return ConsumerOnLoop(self, loop=self.loop, beacon=self.beacon)

    async def _commit_positions(self, positions: Mapping[TopicPartition, int | None]) -> bool:
        return await self._thread.commit_positions(positions)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the engine go of its shards before Faust stops the flow."""
        shards = frozenset(at.partition for at in revoked)
        await asyncio.gather(*(lane.runtime.on_revoked(shards) for lane in self._lanes))
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Give the engine its shards. It recovers them in tasks: no heartbeat runs until this returns."""
        await super().on_partitions_assigned(assigned, generation_id)
        shards = frozenset(at.partition for at in assigned)
        missing = [
            f"{topic}/{shard}"
            for shard in sorted(shards)
            for lane in self._lanes
            for topic in lane.feed.topics
            if TP(topic, shard) not in assigned
        ]
        if missing:
            self._fail(f"a shard came without all of its inputs; missing: {', '.join(missing)}")
            return
        for lane in self._lanes:
            await lane.runtime.on_assigned(shards)

    def _fail(self, why: str) -> None:
        self._lanes[0].runtime.fail(Halt(why))

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Fetch once and yield a message a lane, whose value is a list of `Batch`es: a message is what Faust costs."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        if self.should_stop:
            return
        wanted = [lane.feed.wanted() for lane in self._lanes]
        if not any(part.partitions for part in wanted):
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FETCH_WAIT_MS / _MS_PER_SECOND):
                    await self._changed.wait()
            return
        began = time.monotonic_ns()
        try:
            fetched = await self._thread.fetch(together(wanted), self.app.prefix_length)
        except ConsumerStoppedError:
            raise
        except Exception as error:  # noqa: BLE001  Faust would start over from somewhere else
            self._fail(f"an input cannot be read: {type(error).__name__} {error}")
            await self.wait_until_stopped()
            return
        if fetched is None:
            await asyncio.sleep(_REBALANCING_WAIT_SECONDS)
            return
        took = time.monotonic_ns() - began
        for lane, part in zip(self._lanes, wanted, strict=True):
            batches = lane.feed.batches(part, fetched)
            if any(batch.records for batch in batches):  # an idle fetch waits for records
                lane.runtime.counts.stages["fetch"].add(took)
            if batches:
                yield self._message(lane.feed.topics[0], batches)

    def _message(self, topic: str, batches: Any) -> tuple[TP, Any]:
        """Wrap batches as Faust's messages are; they are declared to carry bytes."""
        at = TP(topic, batches[0].shard)
        serial = next(self._serial)  # Faust drops what is below the offset it has seen
        generation = self.app.consumer_generation_id  # Faust drops what came in another one
        return at, ConsumerMessage(
            topic, at.partition, serial, 0.0, 0, None, None, batches, None, tp=at, generation_id=generation
        )

    async def perform_seek(self) -> None:
        """Do nothing: the engine says where to read."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Do nothing: the engine says where to read."""
        return {}

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Do nothing: the engine commits its positions."""
        return False

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: Faust would look for acknowledgements."""


class Transport(driver.Transport):
    """The driver behind broker addresses of the form drawdown://host:port."""

    Consumer: ClassVar[type[Consumer]] = Consumer


class FetchSchema(Schema):  # type: ignore[type-arg]
    """Hands what the transport fetched to the agent as it is."""

    def compile(self, app: Any, **_: Any) -> Any:
        """Give the function from message to event."""

        async def decode(message: ConsumerMessage, *, propagate: bool = False) -> Any:
            return app.create_event(None, message.value, None, message)

        return decode


async def batches_of(fetches: AsyncIterable[Sequence[Batch]]) -> AsyncIterator[Batch]:
    """Give the batches of an agent's stream one by one."""
    async for batches in fetches:
        for batch in batches:
            yield batch
