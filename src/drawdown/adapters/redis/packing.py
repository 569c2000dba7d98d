"""Commands packed by hiredis: redis-py packs a script's thousands of arguments one by one, in Python."""

from typing import Any

import hiredis
from redis.asyncio import Redis


def packed(redis: Redis) -> Redis:
    """Have a client's connections, none of which is made yet, pack commands so. Arguments: bytes, str, int, float."""
    pool: Any = redis.connection_pool
    base: Any = pool.connection_class

    class Packing(base):  # type: ignore[misc]
        def pack_command(self, name: str, *args: Any) -> list[bytes]:
            return [hiredis.pack_command((*name.encode().split(), *args))]  # a name may be several words

    pool.connection_class = Packing
    return redis
