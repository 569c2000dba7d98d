"""Whole topics read back: a topic that the broker's answer leaves out is asked for again, and never read as empty."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from drawdown.adapters.kafka import reading
from drawdown.adapters.kafka.admin import Admin
from drawdown.adapters.kafka.reading import read_topics
from drawdown.errors import UserError
from drawdown.local.stack import LocalStack
from drawdown.topics import TopicSpec

TOPICS = ("one", "other")


@pytest.fixture
async def kafka(stack: LocalStack, prefix: str) -> str:
    address = stack.addresses.kafka
    async with Admin(address, prefix) as admin:
        await admin.create([TopicSpec(name, 2, {}) for name in TOPICS])
    async with AIOKafkaProducer(bootstrap_servers=address) as producer:
        for partition in range(2):
            await producer.send_and_wait(prefix + "one", b"value", partition=partition)
    return address


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Leave a topic out of the first answers, as a broker does that has just come back."""
    kept, asked = AIOKafkaConsumer.partitions_for_topic, list[str]()

    def partitions(self: AIOKafkaConsumer, topic: str) -> set[int] | None:
        asked.append(topic)
        return None if len(asked) <= len(TOPICS) else kept(self, topic)

    monkeypatch.setattr(AIOKafkaConsumer, "partitions_for_topic", partitions)
    return asked


async def test_a_topic_that_was_left_out_is_asked_for_again(kafka: str, prefix: str, left_out: list[str]) -> None:
    found = await read_topics(kafka, prefix, TOPICS)
    assert [record.value for record in found["one"]] == [b"value", b"value"]
    assert found["other"] == []
    assert len(left_out) == 2 * len(TOPICS)


async def test_a_topic_that_is_not_there_is_named(kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PARTITIONS_KNOWN_SECONDS", 1)
    with pytest.raises(UserError, match=f"which partitions these topics have: {prefix}none"):
        await read_topics(kafka, prefix, [*TOPICS, "none"])
