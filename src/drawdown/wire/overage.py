"""Overages: what no plan covered of an event, priced on demand, for the wallet or a platform's credit service."""

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.rated import Overage
from drawdown.engine.records import Record
from drawdown.wire.identity import output_id
from drawdown.wire.lines import event_text, line_text, name_text, position_text


def encode_overage(overage: Overage, identity: bytes, record: Record, ledger: str, rules: int) -> bytes:
    """Write an overage: the bytes of its OverageMessage."""
    of = CURRENCIES[overage.currency]
    usage = overage.usage
    lines = [line_text(line, of) for line in overage.lines]
    text = (
        f'{{"version":1,"id":"{output_id(identity, ledger, "overage")}","ledger":"{ledger}",'
        f'"account":{name_text(usage.account)},"currency":"{overage.currency}","event":{event_text(usage)},'
        f'"lines":[{",".join(lines)}],"total":"{format_amount(overage.total, of)}","seq":{overage.seq},'
        f'"applied":{overage.applied},{position_text(record)},"rules":{rules}}}'
    )
    return text.encode()
