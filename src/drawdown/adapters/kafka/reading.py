"""Read whole topics as they are now, committed records only: for checks and reports."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from drawdown.adapters.kafka.metadata import know
from drawdown.engine.records import Record


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
    await know(reader, names)
    return [
        TopicPartition(name, number) for name in names for number in sorted(reader.partitions_for_topic(name) or ())
    ]


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
