"""Read whole topics as they are now, committed records only: for checks and reports."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from drawdown.adapters.kafka.metadata import know
from drawdown.domain.limits import PARTITIONS_KNOWN_SECONDS
from drawdown.engine.records import Record
from drawdown.errors import UserError

_ASK_AGAIN_SECONDS = 0.1


async def read_topics(servers: str, prefix: str, topics: Sequence[str]) -> dict[str, list[Record]]:
    """Give topic → its committed records, partition by partition in order of offset."""
    reader = AIOKafkaConsumer(
        bootstrap_servers=servers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=5,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_bytes=64 * 1024 * 1024,
        max_poll_records=None,
    )
    await reader.start()
    try:
        places = await _places(reader, [prefix + topic for topic in topics])
        found = await _read(reader, places, len(prefix))
    finally:
        await reader.stop()
    return {topic: [r for place in places if place.topic == prefix + topic for r in found[place]] for topic in topics}


@contextlib.asynccontextmanager
async def topic_ends(servers: str, prefix: str, topics: Sequence[str]) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Give a function that sums the ends of the topics' partitions, cheaply."""
    reader = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await reader.start()
    try:
        places = await _places(reader, [prefix + topic for topic in topics])

        async def total() -> int:
            return sum((await reader.end_offsets(places)).values())

        yield total
    finally:
        await reader.stop()


async def _places(reader: AIOKafkaConsumer, names: Sequence[str]) -> list[TopicPartition]:
    """Give the topics' partitions. A broker that has just come back may leave out topics for a while: ask again."""
    found: dict[str, set[int]] = {}
    try:
        async with asyncio.timeout(PARTITIONS_KNOWN_SECONDS):
            await know(reader, names)
            while unknown := [name for name in names if name not in found]:
                found |= {name: told for name in unknown if (told := reader.partitions_for_topic(name))}
                if len(found) < len(names):
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
                    await reader._client.force_metadata_update()  # noqa: SLF001  no public name
    except TimeoutError as error:
        missing = ", ".join(name for name in names if name not in found)
        msg = f"Kafka does not say which partitions these topics have: {missing}. See whether they exist"
        raise UserError(msg) from error
    return [TopicPartition(name, number) for name in names for number in sorted(found[name])]


async def _read(
    reader: AIOKafkaConsumer, places: Sequence[TopicPartition], prefix_length: int
) -> dict[TopicPartition, list[Record]]:
    reader.assign(places)
    for place, offset in (await reader.beginning_offsets(places)).items():
        reader.seek(place, offset)
    ends = await reader.end_offsets(places)
    found: dict[TopicPartition, list[Record]] = {place: [] for place in places}
    while [place for place in places if await reader.position(place) < ends[place]]:
        for place, records in (await reader.getmany(timeout_ms=20)).items():
            topic = place.topic[prefix_length:]
            found[place].extend(
                Record(topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers) for r in records
            )
    return found
