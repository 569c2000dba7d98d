"""Reads back an overage, as much of it as the wallet draws."""

import msgspec

from drawdown.domain.errors import Reject
from drawdown.domain.limits import RECORD_BYTES_MAX
from drawdown.domain.money import currency, parse_amount
from drawdown.domain.wallet.model import OverageDue
from drawdown.engine.records import Record
from drawdown.wire.instants import parse_instant
from drawdown.wire.outputs import OverageRead
from drawdown.wire.parsing import checked_bytes, decoded, name

SEQ_MAX = 2**62
_decoder = msgspec.json.Decoder(OverageRead)


def decode_overage_due(record: Record) -> OverageDue:
    """Read an overage; raise Reject with the reason (nobody but the plans ledger should write here)."""
    overage = decoded(_decoder, checked_bytes(record.value, RECORD_BYTES_MAX))
    if overage.version != 1:
        raise Reject("unknown_version", f"version {overage.version} of an overage; 1 is read")
    account = name(overage.account, "account")
    if record.key != account.encode():
        code = "missing_key" if record.key is None else "invalid_value"
        raise Reject(code, f"the record's key must be the account, {account}")
    if not 1 <= overage.seq <= SEQ_MAX:
        raise Reject("invalid_value", f"seq is {overage.seq}; the first overage is number 1")
    event = overage.event
    return OverageDue(
        account=account,
        currency=overage.currency,
        source=event.source,
        event=event.id,
        service=event.service,
        resource=event.resource,
        dimensions=tuple(sorted(event.dimensions.items())),
        time=parse_instant(event.time),
        start=None if event.start is None else parse_instant(event.start),
        overage=overage.id,
        seq=overage.seq,
        total=parse_amount(overage.total, currency(overage.currency)),
    )
