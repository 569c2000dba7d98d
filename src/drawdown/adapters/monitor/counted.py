"""The exact numbers behind the metrics, as JSON: amounts are decimal strings with all their digits."""

from collections.abc import Sequence
from typing import Any

from drawdown.adapters.monitor.collector import amounts, by_service
from drawdown.adapters.monitor.sources import Source
from drawdown.domain.money import CURRENCIES, format_amount


def counted(sources: Sequence[Source]) -> dict[str, Any]:
    """Give inputs by ledger, service and outcome, rejects by ledger and reason, amounts by currency, service, payer."""
    counts = {source.ledger.name: source.runtime.counts for source in sources}
    events: dict[str, dict[str, dict[str, int]]] = {name: {} for name in counts}
    for (ledger, service, outcome), number in sorted(by_service(counts).items()):
        events[ledger].setdefault(service, {})[outcome] = number
    spent: dict[str, dict[str, dict[str, str]]] = {}
    for (service, payer, currency), amount in sorted(amounts(counts).items()):
        spent.setdefault(currency, {}).setdefault(service, {})[payer] = format_amount(amount, CURRENCIES[currency])
    return {
        "events": events,
        "rejects": {name: dict(sorted(one.rejected.items())) for name, one in counts.items()},
        "amounts": spent,
        "transactions": {name: one.transactions for name, one in counts.items()},
    }
