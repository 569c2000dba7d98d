"""Retries under one id, the bounded buffer, flushing and closing, with a producer that fails as told."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
)
from tests.support.fake_producer import FakeProducer

from drawdown.publish import BufferFull, Limits, NotDelivered, Publisher, PublishError, Reject, SyncPublisher

QUICK = Limits(retry_first_ms=1, retry_max_ms=2, delivery_ms=2_000, room_ms=50)
CALL: dict[str, Any] = {"endpoint": "chat", "model": "Q"}


def publisher_of(*producers: FakeProducer, limits: Limits = QUICK) -> Publisher:
    supply = iter(producers)
    return Publisher("unused:1", "/test", limits=limits, make=lambda: next(supply))


async def test_a_failure_that_mends_is_tried_again_with_the_same_bytes() -> None:
    producer = FakeProducer([NotLeaderForPartitionError(), KafkaConnectionError(), TimeoutError()])
    async with publisher_of(producer) as publisher:
        receipt = await publisher.inference("acme", **CALL)
        assert (await receipt).offset == 3
    assert len(producer.sent) == 4
    assert len(set(producer.sent)) == 1


@pytest.mark.parametrize("error", [ProducerClosed(), OutOfOrderSequenceNumber(), AssertionError()])
async def test_a_producer_past_use_is_replaced(error: BaseException) -> None:
    first, second = FakeProducer([error]), FakeProducer()
    async with publisher_of(first, second) as publisher:
        await (await publisher.inference("acme", **CALL))
    assert first.sent == second.sent
    assert (first.stopped, second.stopped) == (1, 1)


async def test_a_new_producer_that_does_not_start_is_tried_again() -> None:
    producers = FakeProducer([ProducerClosed()]), FakeProducer(refuses_start=KafkaConnectionError()), FakeProducer()
    async with publisher_of(*producers) as publisher:
        await (await publisher.inference("acme", **CALL))
    assert len(producers[2].sent) == 1


async def test_a_record_that_kafka_never_takes_is_not_tried_again() -> None:
    producer = FakeProducer([MessageSizeTooLargeError()])
    async with publisher_of(producer) as publisher:
        receipt = await publisher.inference("acme", **CALL)
        with pytest.raises(NotDelivered, match="never take"):
            await receipt
        with pytest.raises(NotDelivered):
            await publisher.flush()
    assert len(producer.sent) == 1


async def test_an_event_given_up_can_be_published_again_under_its_id() -> None:
    producer = FakeProducer([KafkaConnectionError()] * 1_000)
    async with publisher_of(producer, limits=Limits(retry_first_ms=1, retry_max_ms=1, delivery_ms=30)) as publisher:
        receipt = await publisher.inference("acme", **CALL)
        with pytest.raises(NotDelivered, match="KafkaConnectionError") as lost:
            await receipt
        producer.failures.clear()
        await (await publisher.publish(lost.value.event))
        with pytest.raises(NotDelivered):
            await publisher.flush()
        await publisher.flush()  # said once
    assert len(set(producer.sent)) == 1


async def test_a_full_buffer_makes_callers_wait_and_then_says_so() -> None:
    producer = FakeProducer()
    producer.held = deque()
    limits = Limits(buffer_records=3, room_ms=30)
    async with publisher_of(producer, limits=limits) as publisher:
        for _ in range(3):
            await publisher.inference("acme", **CALL)
        with pytest.raises(BufferFull, match="3 events"):
            await publisher.inference("acme", **CALL)
        waiting = asyncio.create_task(publisher.inference("acme", **CALL))
        await asyncio.sleep(0.005)
        producer.acknowledge(1)
        await waiting
        assert publisher.waiting == 3
        producer.acknowledge(len(producer.held))
        await asyncio.sleep(0.01)
        producer.acknowledge(len(producer.held))
    assert publisher.waiting == 0


async def test_the_buffer_is_bounded_in_bytes_too() -> None:
    producer = FakeProducer()
    producer.held = deque()
    limits = Limits(buffer_bytes=80_000, room_ms=10)
    async with publisher_of(producer, limits=limits) as publisher:
        with pytest.raises(BufferFull):
            await asyncio.gather(
                *(publisher.inference("acme", **CALL, event_id=f"{n}" + "i" * 200) for n in range(250))
            )
        assert 80 < publisher.waiting < 250
        await asyncio.sleep(0)
        producer.acknowledge(len(producer.held))


async def test_leaving_the_context_flushes_and_closing_twice_is_fine() -> None:
    producer = FakeProducer([NotLeaderForPartitionError()] * 50)
    async with publisher_of(producer) as publisher:
        receipts = [await publisher.inference("acme", **CALL) for _ in range(100)]
    assert all([(await receipt).topic == "usage.inference" for receipt in receipts])
    await publisher.close()
    assert (producer.stopped, publisher.waiting) == (1, 0)
    with pytest.raises(PublishError, match="not open"):
        await publisher.inference("acme", **CALL)


async def test_giving_up_the_wait_for_a_receipt_does_not_stop_the_delivery() -> None:
    producer = FakeProducer()
    producer.held = deque()
    async with publisher_of(producer) as publisher:
        receipt = await publisher.inference("acme", **CALL)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await receipt
        producer.acknowledge(1)
        assert (await receipt).partition == 0


async def test_a_mistake_in_the_program_is_not_swallowed() -> None:
    async with publisher_of(FakeProducer([TypeError("a bug")])) as publisher:
        await publisher.inference("acme", **CALL)
        with pytest.raises(TypeError, match="a bug"):
            await publisher.flush()
        assert publisher.waiting == 0


async def test_no_broker_is_said_in_words() -> None:
    with pytest.raises(PublishError, match="cannot be reached"):
        await publisher_of(FakeProducer(refuses_start=KafkaConnectionError())).start()


def test_limits_that_cannot_work_are_refused() -> None:
    for wrong in ({"buffer_records": 0}, {"buffer_bytes": 10}, {"room_ms": -1}, {"retry_max_ms": 1}):
        with pytest.raises(ValueError, match=r"at least|negative"):
            Limits(**wrong)


# --- the sync publisher -------------------------------------------------------------------------


@pytest.fixture
def producer() -> FakeProducer:
    return FakeProducer([NotLeaderForPartitionError()])


@pytest.fixture
def publisher(producer: FakeProducer) -> Iterator[SyncPublisher]:
    with SyncPublisher("unused:1", "/test", limits=QUICK, make=lambda: producer) as made:
        yield made


def test_sync_from_many_threads(publisher: SyncPublisher, producer: FakeProducer) -> None:
    def work() -> None:
        for _ in range(50):
            publisher.inference("acme", **CALL).wait(5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(producer.sent)) == 200


def test_sync_says_what_is_refused_and_what_was_lost(publisher: SyncPublisher, producer: FakeProducer) -> None:
    with pytest.raises(Reject):
        publisher.inference("", **CALL)
    producer.failures.clear()
    producer.failures.append(MessageSizeTooLargeError())
    receipt = publisher.inference("acme", **CALL)
    with pytest.raises(NotDelivered):
        receipt.wait(5)
    assert receipt.done
    with pytest.raises(NotDelivered):
        publisher.flush()


def test_sync_flushes_when_closed_and_ends_its_thread(publisher: SyncPublisher, producer: FakeProducer) -> None:
    for _ in range(20):
        publisher.inference("acme", **CALL)
    publisher.close()
    publisher.close()
    assert len(set(producer.sent)) == 20
    assert not [thread for thread in threading.enumerate() if thread.name == "drawdown-publisher"]
    with pytest.raises(PublishError, match="not open"):
        publisher.flush()


def test_sync_belongs_to_the_process_that_opened_it(publisher: SyncPublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(os, "getpid", lambda: -5)
        with pytest.raises(PublishError, match="another process"):
            publisher.inference("acme", **CALL)


def test_sync_that_cannot_connect_leaves_nothing_behind() -> None:
    made = SyncPublisher("unused:1", "/test", make=lambda: FakeProducer(refuses_start=KafkaConnectionError()))
    with pytest.raises(PublishError, match="cannot be reached"):
        made.start()
    assert not [thread for thread in threading.enumerate() if thread.name == "drawdown-publisher"]
