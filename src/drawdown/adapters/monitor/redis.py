"""Redis's memory and policy, asked now and then: a full Redis stops every shard."""

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from drawdown.engine.ports import Clock

INTERVAL_MS = 10_000
_log = structlog.get_logger("drawdown.redis")


class RedisSeen(msgspec.Struct, frozen=True):
    """Redis as it was last seen. limit_bytes: its maxmemory, the machine's memory without one."""

    up: bool = False
    memory_bytes: int = 0
    limit_bytes: int = 0
    never_evicts: bool = False


class RedisWatch:
    """Keeps what Redis last said of itself."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        """Ask over the worker's own connections."""
        self._redis = redis
        self._clock = clock
        self.seen = RedisSeen()

    async def run(self) -> None:
        """Ask for ever; that Redis is away is told once each time."""
        while True:
            was_up = self.seen.up
            try:
                self.seen = seen_in(await self._redis.info("memory"))
            except (RedisError, OSError) as error:
                self.seen = msgspec.structs.replace(self.seen, up=False)
                if was_up:
                    _log.warning("Redis does not answer", error=str(error))
            await self._clock.sleep_ms(INTERVAL_MS)


def seen_in(memory: dict[str, object]) -> RedisSeen:
    """Read an answer of INFO memory."""
    limit = int(str(memory["maxmemory"])) or int(str(memory.get("total_system_memory", 0)))
    return RedisSeen(
        up=True,
        memory_bytes=int(str(memory["used_memory"])),
        limit_bytes=limit,
        never_evicts=memory["maxmemory_policy"] == "noeviction",
    )
