"""A take is cut from what waits: commands first, then usage by append time, within the limits."""

from drawdown.domain.limits import TAKE_BYTES_MAX, TAKE_RECORDS_MAX
from drawdown.engine.records import Record
from drawdown.engine.shard import Queue


def record(topic: str, offset: int, timestamp: int, size: int = 1) -> Record:
    return Record(topic, 0, offset, timestamp, b"k", b"x" * size)


def queue(*records: Record) -> Queue:
    made = Queue("commands", ("a", "b"))
    made.put(records)
    return made


def order(records: list[Record]) -> list[tuple[str, int]]:
    return [(taken.topic, taken.offset) for taken in records]


def test_commands_come_before_usage_that_was_appended_earlier() -> None:
    assert order(queue(record("a", 0, 1), record("commands", 7, 9)).take()) == [("commands", 7), ("a", 0)]


def test_usage_of_several_topics_comes_by_append_time() -> None:
    waiting = queue(record("a", 0, 5), record("a", 1, 8), record("b", 0, 6), record("b", 1, 9))
    assert order(waiting.take()) == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def test_a_topic_keeps_its_own_order_even_if_its_append_times_do_not() -> None:
    assert order(queue(record("a", 0, 9), record("a", 1, 3), record("b", 0, 5)).take()) == [
        ("b", 0),
        ("a", 0),
        ("a", 1),
    ]


def test_a_take_ends_at_the_limit_of_records_and_the_rest_waits() -> None:
    waiting = queue(*(record("a", offset, 0) for offset in range(TAKE_RECORDS_MAX + 1)))
    assert len(waiting.take()) == TAKE_RECORDS_MAX
    assert len(waiting) == 1
    assert waiting.filled.is_set()
    assert order(waiting.take()) == [("a", TAKE_RECORDS_MAX)]
    assert not waiting.filled.is_set()


def test_a_take_ends_at_the_limit_of_bytes_but_holds_at_least_one_record() -> None:
    waiting = queue(record("a", 0, 0, TAKE_BYTES_MAX + 1), record("a", 1, 0, 10))
    assert order(waiting.take()) == [("a", 0)]
    assert order(waiting.take()) == [("a", 1)]
