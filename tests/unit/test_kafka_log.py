"""What aiokafka raises where it should have tried again is tried again."""

import pytest
from aiokafka import AIOKafkaProducer

from drawdown.adapters.kafka.log import KafkaLog
from drawdown.engine.errors import Retry


async def test_a_broker_that_names_nobody_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_: AIOKafkaProducer) -> None:
        raise AssertionError("Did we not perform bootstrap?")

    monkeypatch.setattr(AIOKafkaProducer, "start", start)
    with pytest.raises(Retry, match="Kafka cannot be used now: AssertionError Did we not perform bootstrap"):
        await KafkaLog("127.0.0.1:1", "plans").fence(0)
