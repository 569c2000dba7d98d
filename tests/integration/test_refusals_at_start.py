"""What a worker refuses to start on, and what it says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drawdown.adapters.kafka.admin import Admin
from drawdown.bootstrap import assemble
from drawdown.errors import UserError
from drawdown.local.redis import RedisServer
from drawdown.local.stack import LocalStack
from drawdown.settings import Settings, load_settings
from drawdown.topics import plan_topics


@pytest.fixture
def evicting(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", {"maxmemory-policy": "allkeys-lru"})
    server.start()
    yield server
    server.stop()


def settings_of(stack: LocalStack, prefix: str, **given: object) -> Settings:
    told: dict[str, object] = {"kafka": stack.addresses.kafka, "redis": stack.addresses.redis, "shards": 2, **given}
    return load_settings(prefix=prefix, **told)


async def refusal(settings: Settings) -> str:
    with pytest.raises(UserError) as raised:
        await assemble(settings)
    return str(raised.value)


async def made(settings: Settings) -> None:
    async with Admin(settings.kafka, settings.prefix) as admin:
        await admin.create(settings.topics)


async def test_missing_topics_are_named_and_never_made(stack: LocalStack, prefix: str) -> None:
    settings = settings_of(stack, prefix)
    said = await refusal(settings)
    assert f"topic {prefix}usage.inference does not exist: create it with `drawdown topics create`" in said
    assert said.count("does not exist") == len(settings.topics)


async def test_another_number_of_partitions(stack: LocalStack, prefix: str) -> None:
    await made(settings_of(stack, prefix))
    assert f"topic {prefix}charges has 2 partitions, not 3" in await refusal(settings_of(stack, prefix, shards=3))


async def test_inputs_whose_publishers_set_the_time(stack: LocalStack, prefix: str) -> None:
    settings = settings_of(stack, prefix)
    async with Admin(settings.kafka, prefix) as admin:
        await admin.create(plan_topics(2, timestamp_type="CreateTime"))
    assert f"topic {prefix}usage.inference has message.timestamp.type=CreateTime" in await refusal(settings)


async def test_known_ids_that_would_be_forgotten_too_early(stack: LocalStack, prefix: str) -> None:
    await made(settings_of(stack, prefix))
    said = await refusal(settings_of(stack, prefix, window_seconds=20 * 86_400))
    assert f"topic {prefix}known-ids.plans keeps records" in said


async def test_a_redis_that_evicts(stack: LocalStack, prefix: str, evicting: RedisServer) -> None:
    await made(settings_of(stack, prefix))
    said = await refusal(settings_of(stack, prefix, redis=evicting.url))
    assert "maxmemory-policy allkeys-lru" in said
    assert "noeviction" in said


async def test_no_redis(stack: LocalStack, prefix: str) -> None:
    await made(settings_of(stack, prefix))
    assert "Redis does not answer" in await refusal(settings_of(stack, prefix, redis="redis://127.0.0.1:1/0"))


async def test_no_kafka(stack: LocalStack, prefix: str) -> None:
    assert "no Kafka broker answers" in await refusal(settings_of(stack, prefix, kafka="127.0.0.1:1"))
