"""What usage would cost an account, and who would pay: the ledgers' own decisions, and nothing is written."""

from typing import Any, NamedTuple

import msgspec

from drawdown.domain.model import Account
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.domain.wallet.model import Wallet
from drawdown.engine.outcome import Emit, Outcome
from drawdown.engine.records import Record
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.publish.events import checked, usage_event
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING
from drawdown.wire.instants import format_instant

SOURCE, IDENT = "/estimate", "estimate"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Estimate(NamedTuple):
    """What would be published. charges: of plans and wallet; overage: what no plan would pay; events: what follows."""

    charges: list[dict[str, Any]]
    overage: dict[str, Any] | None
    events: list[dict[str, Any]]


class Asked(NamedTuple):
    """Usage that might be. data: of the service's usage event; time: the usage's end, ms."""

    service: str
    data: dict[str, Any]
    time: int


def estimated(
    account: Account, wallet: Wallet | None, asked: Asked, prices: Prices, policy: Policy, now: int
) -> Estimate:
    """Decide usage as if it were appended now (ms). Raise Reject with the reason for which it would be refused."""
    time = format_instant(asked.time)
    event = checked(usage_event(asked.service, SOURCE, account.id, time, asked.data, IDENT))
    plans = PlansLedger(prices, policy)
    record = Record(event.topic, 0, 0, now, event.key, event.value, event.headers)
    emits = list(plans.decide(account, plans.decode(record)).emits)
    overage = next((emit for emit in emits if emit.topic == CREDIT_CHARGING), None)
    if overage is not None and wallet is not None:
        emits += _drawn(msgspec.structs.replace(wallet, overage_seq=account.seq_overages), overage, policy, now).emits
    return Estimate(
        [_decode(emit.value) for emit in emits if emit.topic == CHARGES],
        None if overage is None else _decode(overage.value),
        [_decode(emit.value) for emit in emits if emit.topic == ACCOUNT_EVENTS],
    )


def _drawn(wallet: Wallet, overage: Emit, policy: Policy, now: int) -> Outcome:
    """Have an overage drawn from a wallet that has taken all before it."""
    ledger = WalletLedger(policy)
    record = Record(CREDIT_CHARGING, 0, 0, now, wallet.id.encode(), overage.value)
    return ledger.decide(wallet, ledger.decode(record))
