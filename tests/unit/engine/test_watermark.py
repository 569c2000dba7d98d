"""The watermark: the append time up to which every usage input of a shard was taken."""

from drawdown.domain.limits import WATERMARK_MARGIN_MS
from drawdown.engine.records import Record
from drawdown.engine.shard import Watermark


def record(topic: str, timestamp: int) -> Record:
    return Record(topic, 0, 0, timestamp, b"k", b"v")


def test_it_is_unknown_until_every_usage_input_was_read() -> None:
    watermark = Watermark(("a", "b"), log_clock=False)
    watermark.taken([record("a", 500)])
    assert watermark.now() == 0
    watermark.taken([record("b", 300)])
    assert watermark.now() == 300


def test_an_input_that_was_taken_to_its_end_does_not_hold_it_back() -> None:
    watermark = Watermark(("a", "b"), log_clock=False)
    watermark.taken([record("a", 500)])
    watermark.caught_up("b", 400 + WATERMARK_MARGIN_MS)
    assert watermark.now() == 400


def test_it_never_goes_back() -> None:
    watermark = Watermark(("a",), log_clock=False)
    watermark.taken([record("a", 500)])
    watermark.taken([record("a", 200)])
    assert watermark.now() == 500


def test_commands_do_not_move_it() -> None:
    watermark = Watermark(("a",), log_clock=False)
    watermark.taken([record("a", 500), record("commands", 900)])
    assert watermark.now() == 500


def test_where_records_carry_their_own_time_the_wall_clock_is_not_asked() -> None:
    watermark = Watermark(("a", "b"), log_clock=True)
    watermark.taken([record("a", 500)])
    watermark.caught_up("b", 9_000_000)
    assert watermark.now() == 500
