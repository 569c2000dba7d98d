"""The publishers against a real broker that is killed in the middle, and `drawdown send`."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.messages import inference

from drawdown.adapters.clock import SystemClock
from drawdown.adapters.kafka.admin import Admin
from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.adapters.kafka.reading import read_topics
from drawdown.engine.records import Record
from drawdown.local.stack import LocalStack
from drawdown.publish import Limits, Publisher, SyncPublisher
from drawdown.settings import Settings, load_settings
from drawdown.topics import USAGE

EVENTS = 4_000
SHARDS = 4
LIMITS = Limits(buffer_records=500, room_ms=60_000)


@pytest.fixture
def own() -> Iterator[LocalStack]:
    """A stack that this test alone may break."""
    with LocalStack() as made:
        if made.kafka is None:
            pytest.skip("this Kafka is not ours to kill")
        yield made


async def topics_on(stack: LocalStack, prefix: str) -> Settings:
    told = {"kafka": stack.addresses.kafka, "redis": stack.addresses.redis}
    settings = load_settings(prefix=prefix, shards=SHARDS, **told)
    async with Admin(settings.kafka, prefix) as admin:
        await admin.create(settings.topics)
    return settings


def arrived(records: list[Record]) -> dict[str, set[bytes]]:
    """Give id → the different bytes that came under it, each on the partition of its key."""
    where = shard_of(SHARDS)
    found: dict[str, set[bytes]] = {}
    for record in records:
        assert record.key is not None
        assert record.value is not None
        assert record.partition == where(record.key)
        found.setdefault(json.loads(record.value)["id"], set()).add(record.value)
    return found


async def test_a_broker_that_is_killed_loses_no_event(own: LocalStack, prefix: str) -> None:
    assert own.kafka is not None
    settings = await topics_on(own, prefix)
    async with Publisher(settings.kafka, "/load", prefix=prefix, limits=LIMITS) as publisher:
        for number in range(EVENTS):
            await publisher.inference(f"acc-{number % 40}", endpoint="e", model="Q", event_id=f"call-{number}")
            if number == EVENTS // 2:
                assert publisher.waiting
                own.kafka.kill()
                starting = asyncio.create_task(asyncio.to_thread(own.kafka.start))
        await starting
    records = (await read_topics(settings.kafka, prefix, ["usage.inference"]))["usage.inference"]
    found = arrived(records)
    assert set(found) == {f"call-{number}" for number in range(EVENTS)}
    assert {len(values) for values in found.values()} == {1}


async def test_the_sync_publisher_and_its_end_of_the_interpreter(stack: LocalStack, prefix: str) -> None:
    settings = await topics_on(stack, prefix)
    script = (
        "from drawdown.publish import SyncPublisher\n"
        f"publisher = SyncPublisher({settings.kafka!r}, '/script', prefix={prefix!r})\n"
        "publisher.start()\n"
        "for n in range(300): publisher.inference(f'acc-{n % 7}', endpoint='e', model='Q', event_id=f'c-{n}')\n"
    )
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr  # aiokafka may log that a new topic has no leader yet
    records = (await read_topics(settings.kafka, prefix, ["usage.inference"]))["usage.inference"]
    assert set(arrived(records)) == {f"c-{number}" for number in range(300)}


def test_sync_threads_share_one_publisher(stack: LocalStack, prefix: str) -> None:
    settings = asyncio.run(topics_on(stack, prefix))
    with SyncPublisher(settings.kafka, "/s", prefix=prefix) as publisher:
        receipts = [publisher.inference("acme", endpoint="e", model="Q", event_id=f"{n}") for n in range(100)]
        offsets = [receipt.wait(30).offset for receipt in receipts]
    assert sorted(offsets) == list(range(100))


async def test_send_by_hand(stack: LocalStack, prefix: str, tmp_path: Path) -> None:
    settings = await topics_on(stack, prefix)
    environment = os.environ | {"DRAWDOWN_KAFKA": settings.kafka, "DRAWDOWN_PREFIX": prefix}
    file = tmp_path / "event.json"

    def sent(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "drawdown", "send", *arguments]
        return subprocess.run(
            command, input=given, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    file.write_text(json.dumps(inference(SystemClock().now_ms(), ident="by-hand")))
    whole = await asyncio.to_thread(sent, str(file))
    assert whole.stdout.startswith(f"sent event by-hand: {prefix}usage.inference partition "), whole.stderr
    data = json.dumps({"endpoint": "chat", "model": "Q"})
    mere = await asyncio.to_thread(sent, "-", "--service", "inference", "--account", "acme", "--json", given=data)
    assert json.loads(mere.stdout)["source"] == "/inference", mere.stderr
    bad = await asyncio.to_thread(sent, "-", "--service", "inference", "--account", "acme", given='{"endpoint": 1}')
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "wrong_type: Expected `str`, got `int` - at `$.endpoint`" in bad.stderr
    log = await read_topics(settings.kafka, prefix, USAGE)
    assert len(log["usage.inference"]) == 2
