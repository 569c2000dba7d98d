"""Drawdown's engine on a plain aiokafka consumer that owns every shard: what is left of its cost without Faust."""

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from drawdown.adapters.faust.feed import Feed, together
from drawdown.adapters.faust.transport import ConsumerOnLoop
from drawdown.bootstrap import Lane, assemble
from drawdown.domain.limits import FETCH_WAIT_MS
from drawdown.engine.records import Batch
from drawdown.settings import load_settings
from drawdown.worker import GARBAGE_OBJECTS, agent_of

Fetches = asyncio.Queue[list[Batch]]


class Consumer:
    """What the transport's fetch needs of Faust's consumer thread."""

    assigned_generation = 1

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        """Fetch by a started consumer."""
        self._consumer = consumer

    def _ensure_consumer(self) -> AIOKafkaConsumer:
        return self._consumer


async def accepted(_: Mapping[TopicPartition, int | None]) -> bool:
    """Commit no offsets: nobody shares the shards."""
    return True


async def fetches(queue: Fetches) -> AsyncIterator[list[Batch]]:
    """Give what was fetched for a ledger."""
    while True:
        yield await queue.get()


async def fetch(lanes: tuple[Lane, ...], queues: list[Fetches], consumer: Consumer, prefix: int) -> None:
    """Fetch for all ledgers at once, as the worker does."""
    while True:
        wanted = [lane.feed.wanted() for lane in lanes]
        if not any(part.partitions for part in wanted):
            await asyncio.sleep(FETCH_WAIT_MS / 1_000)
            continue
        fetched = await ConsumerOnLoop.fetch(consumer, together(wanted), prefix)  # type: ignore[arg-type]
        if fetched is None:
            continue
        for lane, part, queue in zip(lanes, wanted, queues, strict=True):
            queue.put_nowait(lane.feed.batches(part, fetched))


async def main() -> None:
    """Work until killed."""
    settings = load_settings()
    parts = await assemble(settings)
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 50)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, enable_auto_commit=False, auto_offset_reset="none",
        isolation_level="read_committed", fetch_max_wait_ms=FETCH_WAIT_MS,
    )  # fmt: skip
    await consumer.start()
    shards = range(settings.shards)
    feeds: list[Feed] = [lane.feed for lane in parts.lanes]
    consumer.assign([TopicPartition(topic, shard) for feed in feeds for topic in feed.topics for shard in shards])
    queues: list[Fetches] = [asyncio.Queue() for _ in feeds]
    agents: list[asyncio.Task[None]] = []
    for lane, queue in zip(parts.lanes, queues, strict=True):
        lane.feed.attach(accepted)
        agents.append(asyncio.create_task(agent_of(lane)(fetches(queue))))  # type: ignore[arg-type]
        await lane.runtime.on_assigned(frozenset(shards))
    agents.append(asyncio.create_task(fetch(parts.lanes, queues, Consumer(consumer), len(settings.prefix))))
    failing = [lane.runtime.failure for lane in parts.lanes]
    done, _ = await asyncio.wait((*agents, *failing), return_when=asyncio.FIRST_COMPLETED)
    for ended in done:
        ended.result()


if __name__ == "__main__":
    asyncio.run(main())
