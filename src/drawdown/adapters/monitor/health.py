"""Whether a worker lives, and whether it is ready: what is missing, in words."""

from collections.abc import Sequence

from drawdown.adapters.monitor.sources import Source
from drawdown.engine.counts import HALTED, RECOVERING

PRICES_AGE_MAX_MS = 60_000


def unready(sources: Sequence[Source], prices_age_ms: int) -> list[str]:
    """List what keeps a worker from rating all that it is assigned; empty when it is ready."""
    missing = []
    for source in sources:
        states = source.runtime.states
        if not states:
            missing.append(f"{source.ledger.name}: no shard is assigned")
        for state, words in ((RECOVERING, "recover"), (HALTED, "are halted")):
            shards = sorted(shard for shard, found in states.items() if found == state)
            if shards:
                missing.append(f"{source.ledger.name}: shards {', '.join(map(str, shards))} {words}")
    if prices_age_ms > PRICES_AGE_MAX_MS:
        missing.append(f"prices were not read to their end for {prices_age_ms // 1_000} s")
    return missing


def dead(sources: Sequence[Source]) -> list[str]:
    """List what has ended a worker for good; empty while it lives."""
    return [
        f"{source.ledger.name}: {source.runtime.failure.exception()}"
        for source in sources
        if source.runtime.failure.done() and not source.runtime.failure.cancelled()
    ]
