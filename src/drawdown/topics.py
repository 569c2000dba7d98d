"""Every topic a ledger needs, and how it must be made. Design section 3."""

from typing import Final

import msgspec

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
SHARDS_DEFAULT: Final = 12
INPUT_RETENTION_MS: Final = 30 * DAY_MS
MEMORY_DEFAULT_MS: Final = 4 * DAY_MS  # longest window and skew, rounded up
OUTPUT_RETENTION: Final = str(90 * DAY_MS)
FOR_EVER: Final = "-1"
PRICES: Final = "prices"
API_KEYS: Final = "api-keys"  # digests of the keys that the HTTP API knows
CLOCK: Final = "clock"  # nothing but the time that the broker stamps
CHARGES: Final = "charges"
CREDIT_CHARGING: Final = "credit-charging"
ACCOUNT_EVENTS: Final = "account-events"
DEAD_LETTERS: Final = "dead-letters"
PLAN_COMMANDS: Final = "plan-commands"
WALLET_COMMANDS: Final = "wallet-commands"
CODE_COMMANDS: Final = "code-commands"
USAGE: Final = ("usage.gpu-container", "usage.fine-tuning", "usage.inference")
LOG_APPEND_TIME: Final = "LogAppendTime"
CREATE_TIME: Final = "CreateTime"


class TopicSpec(msgspec.Struct, frozen=True):
    """A topic without its prefix. config: what is asked of the broker; values as it writes them."""

    name: str
    partitions: int
    config: dict[str, str]


def plan_topics(
    shards: int, *, timestamp_type: str = LOG_APPEND_TIME, memory_ms: int = MEMORY_DEFAULT_MS, wallet: bool = True
) -> tuple[TopicSpec, ...]:
    """List the topics of the plans ledger and, if the wallet is on, of the wallet and codes ledgers.

    timestamp_type: of the inputs; CreateTime on local stacks only, and then nothing is ever too old to keep.
    memory_ms: longest accept window and skew.
    """
    ledgers = ("plans", "wallet", "codes") if wallet else ("plans",)
    commands = (PLAN_COMMANDS, WALLET_COMMANDS, CODE_COMMANDS) if wallet else (PLAN_COMMANDS,)
    retention = FOR_EVER if timestamp_type == CREATE_TIME else str(INPUT_RETENTION_MS)
    inputs = {"message.timestamp.type": timestamp_type, "retention.ms": retention}
    outputs = {"retention.ms": str(90 * DAY_MS)}
    both = inputs | {"retention.ms": FOR_EVER if timestamp_type == CREATE_TIME else outputs["retention.ms"]}
    compacted = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.2", "segment.ms": str(DAY_MS)}
    # an id that can still be accepted must be known, however long its event waited in its topic
    remembered = {"retention.ms": str(INPUT_RETENTION_MS + memory_ms + DAY_MS)}
    return (
        *(TopicSpec(name, shards, inputs) for name in (*USAGE, *commands)),
        TopicSpec(CREDIT_CHARGING, shards, both),
        *(TopicSpec(name, shards, outputs) for name in (CHARGES, ACCOUNT_EVENTS, DEAD_LETTERS)),
        *(TopicSpec(f"changelog.{ledger}", shards, compacted) for ledger in ledgers),
        *(TopicSpec(f"known-ids.{ledger}", shards, remembered) for ledger in ledgers),
        TopicSpec(PRICES, 1, compacted),
        TopicSpec(API_KEYS, 1, compacted),
        TopicSpec(CLOCK, 1, {"message.timestamp.type": LOG_APPEND_TIME, "retention.ms": str(HOUR_MS)}),
    )
