"""Publish usage from a service: typed, checked before it is sent, kept under its id until Kafka has it.

    async with Publisher("127.0.0.1:9092", source="/inference/chat") as publisher:
        await publisher.inference("acme", endpoint="chat", model="Qwen3-32B", input_tokens=900)

Needs aiokafka and msgspec only; neither the engine nor Faust nor Redis is imported.
"""

from drawdown.domain.errors import Reject
from drawdown.publish.errors import BufferFull, NotDelivered, PublishError
from drawdown.publish.events import UsageEvent, new_id
from drawdown.publish.limits import Limits
from drawdown.publish.publisher import Publisher
from drawdown.publish.receipt import Delivered, Receipt
from drawdown.publish.sync import SyncPublisher, SyncReceipt

__all__ = [
    "BufferFull",
    "Delivered",
    "Limits",
    "NotDelivered",
    "PublishError",
    "Publisher",
    "Receipt",
    "Reject",
    "SyncPublisher",
    "SyncReceipt",
    "UsageEvent",
    "new_id",
]
