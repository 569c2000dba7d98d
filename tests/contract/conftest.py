"""The two sides of every contract: the port's twin in memory, and the real one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import Engine
from tests.support.caches import Harm, MemoryHarm, RedisHarm
from tests.support.databases import KINDS, database

from drawdown.engine.ports import Cache
from drawdown.history.database import migrate, open_database
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


@pytest.fixture(params=KINDS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SecretStr]:
    """The address of an empty database of the history, of both kinds."""
    with database(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def engine(address: SecretStr) -> Iterator[Engine]:
    """A database of the history with its tables."""
    found = open_database(address, writing=True)
    migrate(found)
    yield found
    found.dispose()
