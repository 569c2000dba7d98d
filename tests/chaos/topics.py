"""Make a topic refuse, and mend it again."""

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from drawdown.adapters.kafka.admin import Admin
from drawdown.demo.stage import Stage


async def configure(stage: Stage, topic: str, **settings: str) -> None:
    """Set a topic's configuration anew: what it was made with, and these settings (_ for .)."""
    spec = next(spec for spec in stage.settings.topics if spec.name == topic)
    told = spec.config | {name.replace("_", "."): value for name, value in settings.items()}
    client = AIOKafkaAdminClient(bootstrap_servers=stage.settings.kafka)
    await client.start()
    try:
        answer = await client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, stage.settings.prefix + topic, told)]
        )
        assert all(one[0] == 0 for part in answer for one in part.resources), answer
    finally:
        await client.close()


async def delete(stage: Stage, topic: str) -> None:
    """Delete a topic."""
    client = AIOKafkaAdminClient(bootstrap_servers=stage.settings.kafka)
    await client.start()
    try:
        answer = await client.delete_topics([stage.settings.prefix + topic])
        assert all(code == 0 for _, code in answer.topic_error_codes), answer
    finally:
        await client.close()


async def create(stage: Stage, topic: str) -> None:
    """Create a topic again, as the tool does."""
    async with Admin(stage.settings.kafka, stage.settings.prefix) as admin:
        await admin.create([spec for spec in stage.settings.topics if spec.name == topic])


async def create_on(stage: Stage, topic: str, brokers: Sequence[int], **settings: str) -> None:
    """Create a topic again with a replica on each of these brokers, led by the first, and these settings (_ for .)."""
    spec = next(spec for spec in stage.settings.topics if spec.name == topic)
    told = spec.config | {name.replace("_", "."): value for name, value in settings.items()}
    places = {partition: list(brokers) for partition in range(spec.partitions)}
    client = AIOKafkaAdminClient(bootstrap_servers=stage.settings.kafka)
    await client.start()
    try:
        made = NewTopic(stage.settings.prefix + topic, -1, -1, replica_assignments=places, topic_configs=told)
        answer = await client.create_topics([made])
        assert all(error[1] == 0 for error in answer.topic_errors), answer
    finally:
        await client.close()
