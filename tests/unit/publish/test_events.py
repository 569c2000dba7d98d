"""What typed calls become on the wire, and what is refused before anything is sent."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from tests.support.fake_producer import FakeProducer

from drawdown.engine.records import Record
from drawdown.publish import Publisher, Reject, UsageEvent
from drawdown.publish.events import checked
from drawdown.wire.usage import decode_usage

END = datetime(2026, 11, 24, 10, 15, tzinfo=UTC)
START = END - timedelta(minutes=15)
CALL: dict[str, Any] = {"endpoint": "chat", "model": "Qwen3-32B"}
RUN: dict[str, Any] = {"container": "c-1", "gpu_model": "H100", "gpu_count": 1, "start": START, "end": END}


@pytest.fixture
def producer() -> FakeProducer:
    return FakeProducer()


def publisher_of(producer: FakeProducer) -> Publisher:
    return Publisher("unused:1", "/test", prefix="p.", make=lambda: producer)


async def test_each_service_becomes_a_cloudevent_keyed_by_its_account(producer: FakeProducer) -> None:
    async with publisher_of(producer) as publisher:
        await publisher.gpu_container("acme", **(RUN | {"gpu_count": Decimal("0.5")}), storage_gb=100, event_id="a")
        await publisher.fine_tuning(
            "acme", job="j", model="L", gpu_model="A30", gpu_count="0.25", start=START, end=END, final=True
        )
        await publisher.inference("acme", **CALL, input_tokens=900, time=END)
    assert [(topic, key) for topic, key, _ in producer.sent] == [
        ("p.usage.gpu-container", b"acme"),
        ("p.usage.fine-tuning", b"acme"),
        ("p.usage.inference", b"acme"),
    ]
    said = [json.loads(value or b"") for _, _, value in producer.sent]
    assert said[0] == {
        "specversion": "1.0",
        "id": "a",
        "source": "/test",
        "type": "ai.drawdown.usage.gpu-container.v1",
        "subject": "acme",
        "time": "2026-11-24T10:15:00.000Z",
        "datacontenttype": "application/json",
        "data": {
            "container": "c-1",
            "gpu_model": "H100",
            "gpu_count": "0.5",
            "state": "running",
            "storage_gb": 100,
            "from": "2026-11-24T10:00:00.000Z",
            "to": "2026-11-24T10:15:00.000Z",
        },
    }
    assert said[1]["data"]["final"] is True
    assert said[2]["data"] == CALL | {"input_tokens": 900}
    assert len({message["id"] for message in said}) == 3


async def test_the_time_of_a_call_is_now_unless_it_is_given(producer: FakeProducer) -> None:
    async with publisher_of(producer) as publisher:
        receipt = await publisher.inference("acme", **CALL)
    event = receipt.event
    usage = decode_usage(Record(event.topic, 0, 0, 0, event.key, event.value, event.headers))
    assert abs(usage.time - datetime.now(UTC).timestamp() * 1000) < 60_000


async def test_a_time_of_another_zone_is_written_in_utc_exactly(producer: FakeProducer) -> None:
    hanoi = datetime(2026, 11, 24, 17, 15, 0, 123_999, tzinfo=timezone(timedelta(hours=7)))
    async with publisher_of(producer) as publisher:
        await publisher.inference("acme", **CALL, time=hanoi)
    assert b'"time":"2026-11-24T10:15:00.123Z"' in (producer.sent[0][2] or b"")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"gpu_count": -1}, "negative_quantity"),
        ({"gpu_count": "1.2345"}, "invalid_value"),
        ({"gpu_count": 10**30}, "invalid_value"),
        ({"container": ""}, "invalid_value"),
        ({"container": "\ud800"}, "invalid_value"),
        ({"gpu_model": 7}, "wrong_type"),
        ({"start": END + timedelta(seconds=1)}, "invalid_value"),
        ({"start": END - timedelta(hours=25)}, "invalid_value"),
        ({"end": END.replace(tzinfo=None)}, "invalid_value"),
        ({"event_id": ""}, "invalid_value"),
        ({"region": "x" * 70_000}, "too_large"),
    ],
)
async def test_what_the_worker_would_refuse_is_refused_at_once(
    producer: FakeProducer, change: dict[str, Any], code: str
) -> None:
    async with publisher_of(producer) as publisher:
        with pytest.raises(Reject) as refused:
            await publisher.gpu_container("acme", **(RUN | change))
        assert publisher.waiting == 0
    assert refused.value.code == code
    assert producer.sent == []


def test_an_event_built_by_hand_says_what_it_is() -> None:
    value = json.dumps(
        {
            "specversion": "1.0",
            "id": "i",
            "source": "/s",
            "type": "ai.drawdown.usage.inference.v1",
            "subject": "acme",
            "time": "2026-11-24T10:15:00Z",
            "data": CALL,
        }
    ).encode()
    assert checked(UsageEvent("usage.inference", "acme", "/s", "i", value))
    for wrong in (
        UsageEvent("usage.fine-tuning", "acme", "/s", "i", value),
        UsageEvent("usage.inference", "acme", "/s", "j", value),
        UsageEvent("usage.inference", "other", "/s", "i", value),
    ):
        with pytest.raises(Reject):
            checked(wrong)


def test_importing_it_brings_in_neither_the_engine_s_libraries_nor_faust() -> None:
    heavy = ["faust", "redis", "pydantic", "structlog", "typer", "rich", "drawdown.adapters", "drawdown.ledgers"]
    script = f"import sys, drawdown.publish; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
