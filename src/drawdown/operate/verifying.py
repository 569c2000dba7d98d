"""Verifies the system that the settings name."""

from collections.abc import Callable, Sequence
from pathlib import Path

from redis.asyncio import Redis

from drawdown.adapters.clock import SystemClock
from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.adapters.redis.reader import RedisReader
from drawdown.domain.prices import Prices
from drawdown.engine.ledger import Ledger
from drawdown.ledgers.codes import CodesLedger
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.settings import Settings
from drawdown.verify.checkpoint import load, save
from drawdown.verify.model import Report, Source
from drawdown.verify.run import Verification


async def verify(
    settings: Settings,
    source: Source,
    redis: Redis,
    ledgers: Sequence[str],
    shards: Sequence[int],
    told: Callable[[str], None] = lambda _: None,
    checkpoint: Path | None = None,
) -> Report:
    """Verify ledgers by name on these shards. told: hears what is being looked at. Raise UserError.

    checkpoint: a file to go on from, if it is there; it is written anew when nothing was found.
    """
    policy = settings.policy
    made: dict[str, Ledger] = {
        "plans": PlansLedger(Prices(), policy),
        "wallet": WalletLedger(policy),
        "codes": CodesLedger(),
    }
    caches = {name: RedisReader(redis, name, settings.prefix) for name in ledgers}
    chosen = [made[name] for name in ledgers]
    points = load(checkpoint, settings.prefix, chosen) if checkpoint else {}
    verification = Verification(
        source, chosen, shard_of(settings.shards), policy, caches, points, now_ms=SystemClock().now_ms
    )
    report = await verification.run(shards, told)
    if checkpoint is not None:
        report.counts["shards from a checkpoint"] = len(points)
        if not report.counts["findings"]:
            save(checkpoint, settings.prefix, chosen, verification.points)
    return report
