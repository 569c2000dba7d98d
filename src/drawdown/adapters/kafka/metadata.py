"""What a consumer must know of topics before it asks for their offsets."""

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer


async def know(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> None:
    """Have a consumer learn these topics' leaders, in one request.

    Otherwise a question for offsets meets each unknown topic by itself, and waits 0.1 s before it tries again.
    """
    client = consumer._client  # noqa: SLF001  assign() alone says it in public, and begins to fetch
    known = client._topics  # noqa: SLF001
    if not known.issuperset(topics):
        await client.set_topics(known.union(topics))


def rest(consumer: AIOKafkaConsumer) -> None:
    """Have a consumer fetch nothing until its next assignment.

    Unsubscribing would make it ask for every topic of the cluster.
    """
    consumer.pause(*consumer.assignment())
