"""What a worker's monitor counted against what the audit of the log came to: to the last event and unit."""

import asyncio
import http.client
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from itertools import chain
from typing import Any

import msgspec

from drawdown.demo.summary import Summary
from drawdown.domain.catalogue import SERVICES
from drawdown.errors import UserError

_SECONDS_MAX = 10
Numbers = dict[str, int | Fraction]


async def ask_counts(port: int) -> Any:
    """Give what a worker on this machine counted so far, exactly. Raise UserError if it does not answer."""
    return msgspec.json.decode(await asyncio.to_thread(_get, port))


def _get(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS_MAX)
    try:
        connection.request("GET", "/counts")
        return connection.getresponse().read()
    except OSError as error:
        raise UserError(f"the worker's /counts on port {port} does not answer: {error}") from error
    finally:
        connection.close()


def differences(summary: Summary, told: Mapping[str, Any]) -> list[str]:
    """Compare; empty when they agree. told: /counts of the one worker that did the whole run."""
    audited, counted = _audited(summary), _counted(told)
    return [
        f"the worker counted {name}: {counted.get(name, 0)}, the log holds {audited.get(name, 0)}"
        for name in sorted(audited.keys() | counted.keys())
        if audited.get(name, 0) != counted.get(name, 0)
    ]


def _audited(summary: Summary) -> Numbers:
    found: Numbers = {
        "rated": summary.rated,
        "drawn from credit": summary.drawn,
        "duplicates": summary.duplicates,
        "forwarded": summary.forwarded,
        "refused": sum(summary.dead_letters.values()),
    }
    found |= {f"dead letters {reason}": number for reason, number in summary.dead_letters.items()}
    for currency, services in summary.by_service.items():
        for service, sources in services.items():
            found |= {f"{currency} {service} {source}": Fraction(amount) for source, amount in sources.items()}
    return found


def _counted(told: Mapping[str, Any]) -> Numbers:
    plans, wallet = told["events"]["plans"], told["events"].get("wallet", {})
    outcomes: Counter[str] = Counter()
    for one in chain(plans.values(), wallet.values()):
        outcomes.update(one)
    found: Numbers = {
        "rated": sum(plans.get(service, {}).get("rated", 0) for service in SERVICES),
        "drawn from credit": sum(wallet.get(service, {}).get("rated", 0) for service in SERVICES),
        "duplicates": sum(one.get("duplicate", 0) for one in plans.values()),
        "forwarded": outcomes["forwarded"],
        "refused": outcomes["refused"],
    }
    reasons: Counter[str] = Counter()
    for one in told["rejects"].values():
        reasons.update(one)
    found |= {f"dead letters {reason}": number for reason, number in reasons.items()}
    for currency, services in told["amounts"].items():
        for service, payers in services.items():
            found |= {
                f"{currency} {service} {payer.replace('on_demand', 'on demand')}": Fraction(amount)
                for payer, amount in payers.items()
            }
    return found
