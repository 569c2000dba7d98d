"""Charges: what plans paid of an event."""

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.rated import Charge
from drawdown.engine.records import Record
from drawdown.wire.identity import output_id
from drawdown.wire.lines import balance_text, event_text, line_text, name_text, payer_of, position_text


def encode_charge(charge: Charge, identity: bytes, record: Record, ledger: str, rules: int) -> bytes:
    """Write a charge: the bytes of its ChargeMessage."""
    of = CURRENCIES[charge.currency]
    usage = charge.usage
    lines = [line_text(line, of, payer_of(line.plan)) for line in charge.lines]
    balances = [balance_text("plan", one.plan, one.before, one.after, of) for one in charge.balances]
    text = (
        f'{{"version":1,"id":"{output_id(identity, ledger, "charge")}","ledger":"{ledger}",'
        f'"account":{name_text(usage.account)},"currency":"{charge.currency}","event":{event_text(usage)},'
        f'"lines":[{",".join(lines)}],"total":"{format_amount(charge.total, of)}","balances":[{",".join(balances)}],'
        f'"seq":{charge.seq},"applied":{charge.applied},{position_text(record)},"rules":{rules}}}'
    )
    return text.encode()
