"""What ledgers wrote, rolled up as the projector does it, in memory: rows of a history without a database."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Protocol

from msgspec import UNSET
from msgspec.json import decode, encode
from msgspec.structs import replace
from tests.support.raters import Emitted

from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.engine.records import Record
from drawdown.history.batch import HOUR_MS, Batch
from drawdown.history.charges import Charge, Line, decode_charge, quanta
from drawdown.history.filters import Period
from drawdown.history.happenings import BEGUN, Happening, decode_happening, effect_of
from drawdown.history.rows import AsOf, EventRow, Owner
from drawdown.history.statement import Statement, Used, statement_of
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING
from drawdown.wire.instants import parse_instant

PARTITION = 3
AS_OF = AsOf(PARTITION, 0, 0, None)


class Told(Protocol):
    """A record and what a ledger made of it."""

    record: Record
    outputs: list[Emitted]


def owner(currency: str, name: str = "acc") -> Owner:
    return Owner(1, name, currency, PARTITION, whole=True)


def taken(steps: Iterable[Told]) -> Batch:
    """Take all charges and account events; raises Gap where a number is missing."""
    batch = Batch(lambda _: None)
    for offset, (step, output) in enumerate((told, said) for told in steps for said in told.outputs):
        place = (output.topic, PARTITION)
        if output.topic == CHARGES:
            batch.charge(decode_charge(output.value), drawn(step.record), place, offset, cut=False)
        elif output.topic == ACCOUNT_EVENTS:
            batch.happening(decode_happening(output.value), place, offset, cut=False)
    return batch


def drawn(record: Record) -> Charge | None:
    """Give the overage that a record is, with lines where a test has written none: three that come to its total."""
    if record.topic != CREDIT_CHARGING:
        return None
    overage = decode_charge(record.value or b"")
    if overage.lines:
        return overage
    of = CURRENCIES[overage.currency]
    total = int(Decimal(decode(record.value or b"")["total"]).scaleb(of.quantum_digits))
    parts = (total // 3, 0, total - total // 3)
    meters = ("input_tokens", "free", "output_tokens")
    time = overage.appended
    lines = [
        Line(format_amount(part, of), None, time, meter, "7.000001", "1.000000000", 1, "b", 1)
        for part, meter in zip(parts, meters, strict=True)
    ]
    return replace(overage, lines=lines)


def statement(batch: Batch, currency: str, period: Period) -> Statement:
    return statement_of(owner(currency), period, used_of(batch, period), events_of(batch, period), AS_OF)


def used_of(batch: Batch, period: Period) -> Iterator[Used]:
    """Give what was used before a period's end, as sums of the database would."""
    resources, series = list(batch.resources), list(batch.series)
    for (number, charged, _), sums in batch.hours.items():
        key = series[number]
        if charged * HOUR_MS < period.end:
            part = int(charged * HOUR_MS >= period.start)
            yield Used(resources[key.resource].service, key.payer, key.payer_id, part, sums[3])


def events_of(batch: Batch, period: Period) -> Iterator[EventRow]:
    """Give what happened before a period's end."""
    begun: set[str | None] = set()
    for number, (happening, _) in enumerate(batch.events, 1):
        row = event_row(happening, number, begun=happening.plan in begun)
        if happening.kind in BEGUN:
            begun.add(happening.plan)
        if row.appended < period.end:
            yield row


def event_row(said: Happening, number: int, *, begun: bool = False) -> EventRow:
    amount = quanta(said.amount)
    effect = effect_of(said.kind, amount, begun=begun)
    return EventRow(
        number, said.ledger, said.seq, parse_instant(said.appended), said.kind, said.plan, said.credit, said.code,
        said.reason, amount, said.detail, said.command, {} if said.about is UNSET else decode(encode(said.about)),
        *effect,
    )  # fmt: skip
