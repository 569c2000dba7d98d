"""Every topic a ledger needs, and how it must be made. Design section 3."""

from typing import Final

import msgspec

DAY_MS = 86_400_000
SHARDS_DEFAULT = 12
INPUT_RETENTION_MS = 30 * DAY_MS
MEMORY_DEFAULT_MS = 4 * DAY_MS  # longest window and skew, rounded up
FOR_EVER = "-1"
PRICES = "prices"
CHARGES = "charges"
CREDIT_CHARGING = "credit-charging"
ACCOUNT_EVENTS = "account-events"
DEAD_LETTERS = "dead-letters"
PLAN_COMMANDS = "plan-commands"
USAGE = ("usage.gpu-container", "usage.fine-tuning", "usage.inference")
LOG_APPEND_TIME: Final = "LogAppendTime"
CREATE_TIME: Final = "CreateTime"


class TopicSpec(msgspec.Struct, frozen=True):
    """A topic without its prefix. config: what is asked of the broker; values as it writes them."""

    name: str
    partitions: int
    config: dict[str, str]


def plan_topics(
    shards: int, *, timestamp_type: str = LOG_APPEND_TIME, memory_ms: int = MEMORY_DEFAULT_MS
) -> tuple[TopicSpec, ...]:
    """List the topics of the plans ledger.

    timestamp_type: of the inputs; CreateTime on local stacks only, and then nothing is ever too old to keep.
    memory_ms: longest accept window and skew.
    """
    retention = FOR_EVER if timestamp_type == CREATE_TIME else str(INPUT_RETENTION_MS)
    inputs = {"message.timestamp.type": timestamp_type, "retention.ms": retention}
    outputs = {"retention.ms": str(90 * DAY_MS)}
    compacted = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.2", "segment.ms": str(DAY_MS)}
    # an id that can still be accepted must be known, however long its event waited in its topic
    remembered = {"retention.ms": str(INPUT_RETENTION_MS + memory_ms + DAY_MS)}
    return (
        *(TopicSpec(name, shards, inputs) for name in (*USAGE, PLAN_COMMANDS)),
        *(TopicSpec(name, shards, outputs) for name in (CHARGES, CREDIT_CHARGING, ACCOUNT_EVENTS, DEAD_LETTERS)),
        TopicSpec("changelog.plans", shards, compacted),
        TopicSpec("known-ids.plans", shards, remembered),
        TopicSpec(PRICES, 1, compacted),
    )
