"""Commands as hiredis packs them are, byte for byte, as redis-py does."""

from redis.asyncio import Connection, Redis

from drawdown.adapters.redis.packing import packed

COMMANDS = (
    ("GET", "key"),
    ("SCRIPT LOAD", b"return 1"),
    ("EVALSHA", "a" * 40, 2, "key-1", "key-2", b"\x00\r\n", 0, -7, "", b"", "é", b"x" * 20_000),
    ("HSET", b"key", 12.5, 2**63),
)


def test_every_kind_of_argument() -> None:
    ours = packed(Redis()).connection_pool.make_connection()  # type: ignore[no-untyped-call]
    theirs = Connection()
    assert isinstance(ours, Connection)
    for command in COMMANDS:
        assert b"".join(ours.pack_command(*command)) == b"".join(theirs.pack_command(*command))


def test_a_pool_over_tls_keeps_its_kind_of_connection() -> None:
    plain = Redis.from_url("rediss://127.0.0.1:6379")
    kind = plain.connection_pool.connection_class
    assert issubclass(packed(plain).connection_pool.connection_class, kind)
