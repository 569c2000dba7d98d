"""5 workers, 12 shards: each shard has one owner, which holds the same partition of every input."""

import asyncio
from collections import defaultdict

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from tests.support.load import calls, conserved, now_ms, stage_on, started

from drawdown.demo.stage import INPUTS, Stage
from drawdown.local.stack import LocalStack

SHARDS, WORKERS, EVENTS = 12, 5, 600


async def owners(stage: Stage) -> dict[int, set[str]]:
    """Give shard → members that hold any of its inputs; only shards all of whose inputs one member holds."""
    group = f"{stage.settings.prefix}drawdown"
    held: dict[str, dict[str, set[int]]] = defaultdict(dict)
    client = AIOKafkaAdminClient(bootstrap_servers=stage.settings.kafka)
    await client.start()
    try:
        for answer in await client.describe_consumer_groups([group]):
            for member in answer.groups[0][5]:
                assignment = ConsumerProtocolMemberAssignment.decode(member[4]) if member[4] else None
                for topic, partitions in assignment.assignment if assignment else ():
                    held[member[0]][topic.removeprefix(stage.settings.prefix)] = set(partitions)
    finally:
        await client.close()
    found: dict[int, set[str]] = defaultdict(set)
    for member, topics in held.items():
        for shard in set().union(*topics.values()):
            assert all(shard in topics.get(topic, ()) for topic in INPUTS), (member, topics)
            found[shard].add(member)
    return found


async def test_five_workers_share_twelve_shards_whole(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix, shards=SHARDS) as stage:
        await started(stage)
        for _ in range(WORKERS - 1):
            stage.start_worker()
        async with asyncio.timeout(60):
            while True:
                found = await owners(stage)
                members = set().union(*found.values()) if found else set()
                if len(members) == WORKERS and len(found) == SHARDS:
                    break
                await asyncio.sleep(0.3)
        assert all(len(mine) == 1 for mine in found.values())
        await stage.publish(calls(0, EVENTS, now_ms()))
        await conserved(stage, EVENTS)
