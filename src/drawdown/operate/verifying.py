"""Verifies a running system, or the remains of one."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from drawdown.adapters.verifying import StackSource
from drawdown.domain.prices import Prices
from drawdown.engine.ledger import Ledger
from drawdown.ledgers.codes import CodesLedger
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.settings import Settings
from drawdown.verify import Report
from drawdown.verify import verify as run


def ledgers_of(settings: Settings, name: str = "") -> list[Ledger]:
    """Give the ledgers to verify: all that the settings run, or the one of this name."""
    found: list[Ledger] = [PlansLedger(Prices(), settings.policy)]
    if settings.wallet:
        found += [WalletLedger(settings.policy), CodesLedger()]
    return [one for one in found if name in {"", one.name}]


async def verified(
    settings: Settings,
    *,
    account: str | None = None,
    ledger: str = "",
    checkpoint: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Verify the system that the settings name; progress is told in words."""
    async with StackSource(settings) as source:
        return await run(
            source, ledgers_of(settings, ledger), account=account, checkpoint=checkpoint, progress=progress
        )


def line_of(report: Report) -> str:
    """Say in one line what was verified and what came of it."""
    counts: Counter[str] = report.counts
    many = len(report.findings) + sum(report.untold.values())
    outcome = "nothing wrong" if report.clean else f"{many} findings"
    looked = ("inputs", "outputs", "dead letters", "states", "cached ids")
    told = ", ".join(f"{counts[name]} {name}" for name in looked)
    return f"Verified: {told}: {outcome}"
