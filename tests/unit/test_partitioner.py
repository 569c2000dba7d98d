"""Keys come to the shard where every publisher's client sends them."""

from aiokafka.partitioner import murmur2 as theirs
from hypothesis import given
from hypothesis import strategies as st

from drawdown.adapters.kafka.partitioner import murmur2, shard_of


@given(st.binary(max_size=200))
def test_it_hashes_as_the_client_does(key: bytes) -> None:
    assert murmur2(key) == theirs(key) & 0xFFFFFFFF


@given(st.binary(max_size=40), st.integers(1, 500))
def test_the_partition_is_that_of_the_positive_hash(key: bytes, shards: int) -> None:
    assert shard_of(shards)(key) == (theirs(key) & 0x7FFFFFFF) % shards


def test_known_hashes() -> None:
    # of Kafka's own tests (UtilsTest.testMurmur2), as unsigned numbers
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    assert {key: murmur2(key) for key in known} == {key: value & 0xFFFFFFFF for key, value in known.items()}
