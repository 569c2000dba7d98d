"""Which shard a key belongs to: Kafka's murmur2, as Java and aiokafka use it by default."""

from collections.abc import Callable

from aiokafka.partitioner import murmur2

_POSITIVE = 0x7FFFFFFF


def shard_of(shards: int) -> Callable[[bytes], int]:
    """Give the function from key to shard for a number of shards."""

    def shard(key: bytes) -> int:
        return int((murmur2(key) & _POSITIVE) % shards)

    return shard
