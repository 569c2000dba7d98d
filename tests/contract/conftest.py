"""The two sides of every contract: the port's twin in memory, and the real one."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from tests.support.caches import Harm, MemoryHarm, RedisHarm

from drawdown.engine.ports import Cache
from drawdown.local.stack import LocalStack


@pytest.fixture(params=["memory", "real"])
def servers(request: pytest.FixtureRequest) -> LocalStack | None:
    """Real servers for one side, none for the other; the stack starts only if a test of the first is asked for."""
    return request.getfixturevalue("stack") if request.param == "real" else None


@pytest.fixture
async def real(stack: LocalStack, prefix: str) -> AsyncIterator[RedisHarm]:
    async with Redis.from_url(stack.addresses.redis) as redis:
        yield RedisHarm(redis, prefix)


@pytest.fixture
async def harm(servers: LocalStack | None, prefix: str) -> AsyncIterator[Harm]:
    if servers is None:
        yield MemoryHarm()
        return
    async with Redis.from_url(servers.addresses.redis) as redis:
        yield RedisHarm(redis, prefix)


@pytest.fixture
def cache(harm: Harm) -> Cache:
    return harm.cache
