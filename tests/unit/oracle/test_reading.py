"""The oracle reads what the wire reads, to the same quantities, and agrees with what the wire refuses by form."""

from fractions import Fraction

import pytest
from hypothesis import given
from tests.support.examples import examples
from tests.support.messages import T0, Message, binary, container, inference, structured, tuning, written
from tests.support.odd_messages import GOOD_EVENTS, changed

from drawdown.domain.errors import Reject
from drawdown.engine.records import Record
from drawdown.oracle.audit import _rightly_refused
from drawdown.oracle.rater import Oracle
from drawdown.oracle.reading import Refused, read_usage
from drawdown.wire.usage import decode_usage


def check(record: Record) -> None:
    """Let both read a record."""
    code = ""
    try:
        usage = decode_usage(record)
    except Reject as reject:
        code = reject.code
    if code:
        assert _rightly_refused(record, code, Oracle())
        return
    read = read_usage(record.value or b"", dict(record.headers))
    assert (read.account, read.source, read.id, read.service) == (
        usage.account,
        usage.source,
        usage.id,
        usage.service,
    )
    assert (read.resource, read.dimensions, read.final) == (usage.resource, dict(usage.dimensions), usage.final)
    assert (read.start, read.end) == (usage.start, usage.time)
    assert read.quantities == [(measure.meter, Fraction(measure.quantity, 10**6)) for measure in usage.measures]


@pytest.mark.parametrize(
    "message",
    [
        *GOOD_EVENTS,
        container(gpu_count="0.2500"),
        container(gpu_count="-0", storage_gb="-0.0"),
        inference(images=1, note=1.5),
        inference(images=1, region=None),
    ],
)
def test_both_read_the_same(message: Message) -> None:
    assert decode_usage(structured(message))
    check(structured(message))
    check(binary(message))


@pytest.mark.parametrize(
    "message",
    [
        inference() | {"id": 7},
        inference() | {"source": None},
        inference() | {"data": {"endpoint": "ep"}},
        inference(region=7),
        inference(images=1.0),
        inference(model="\ud800"),
        container(gpu_model=None),
        container(gpu_count="-0.5"),
        tuning(final=1),
        tuning(job=None),
    ],
)
def test_both_refuse_the_same(message: Message) -> None:
    record = Record("usage.inference", 0, 0, T0, b"acc", written(message))
    with pytest.raises(Reject):
        decode_usage(record)
    with pytest.raises(Refused):
        read_usage(record.value or b"", {})


@examples(300)
@given(changed(GOOD_EVENTS))
def test_the_oracle_agrees_with_the_wire_on_events_changed_in_places(message: Message) -> None:
    check(Record("usage.inference", 0, 0, T0, b"acc", written(message)))
