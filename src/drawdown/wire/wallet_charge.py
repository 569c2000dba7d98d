"""The wallet's charges: who paid an overage."""

from drawdown.domain.model import Usage
from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.wallet.model import OverageDue, WalletCharge
from drawdown.engine.records import Record
from drawdown.wire.identity import output_id
from drawdown.wire.lines import balance_text, event_text, name_text, payer_text, position_text, quoted


def encode_wallet_charge(charge: WalletCharge, identity: bytes, record: Record, ledger: str, rules: int) -> bytes:
    """Write a charge of the wallet: the bytes of its WalletChargeMessage."""
    due = charge.due
    of = CURRENCIES[due.currency]
    payments = charge.payments
    lines = [
        f'{{"amount":"{format_amount(paid.amount, of)}","payer":{{{payer_text(paid.kind, paid.id)}}}}}'
        for paid in payments
    ]
    balances = [balance_text(paid.kind, paid.id, paid.before, paid.after, of) for paid in payments]
    text = (
        f'{{"version":1,"id":"{output_id(identity, ledger, "charge")}","ledger":"{ledger}",'
        f'"account":{name_text(due.account)},"currency":"{due.currency}","event":{event_text(_usage_of(due))},'
        f'"overage":{{"id":{quoted(due.overage)},"seq":{due.seq}}},"lines":[{",".join(lines)}],'
        f'"total":"{format_amount(due.total, of)}","balances":[{",".join(balances)}],'
        f'"seq":{charge.seq},"applied":{charge.applied},{position_text(record)},"rules":{rules}}}'
    )
    return text.encode()


def _usage_of(due: OverageDue) -> Usage:
    """Give the event that the overage was for."""
    return Usage(due.account, due.source, due.event, due.service, due.resource, due.dimensions, due.time, due.start, ())
