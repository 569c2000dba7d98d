"""Charges found by where they stand on the log, and one of them explained: from its event to who paid."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from drawdown.domain.money import CURRENCIES, Currency, decimals, divide_half_up, format_amount, parse_amount
from drawdown.domain.prices import Price, Prices
from drawdown.domain.quantity import MILLIONTHS
from drawdown.errors import UserError
from drawdown.history.charges import Charge, Paid, decode_charge, millionths, paid_lines
from drawdown.history.rows import UsageRow
from drawdown.operate.desk import Desk, Output, output_of
from drawdown.topics import CHARGES, CREDIT_CHARGING
from drawdown.wire.book_file import entry_of

_NEAR: Final = 200  # offsets so near to each other are read at once
_EXACT_DIGITS: Final = 18
_WALLET: Final = "wallet"


@dataclass(frozen=True)
class LineExplained:
    """How an amount came to be. exact: quantity x unit_price / per, cut after 18 decimals; packages have none.

    rounding: by which rule `amount` follows. price: as the book has it, null if the book is no longer published.
    """

    time: str
    meter: str
    quantity: str
    unit_price: str
    per: int
    tier: int | None
    packages: int | None
    book: str
    book_version: int
    exact: str | None
    amount: str
    rounding: str
    paid_by: dict[str, Any] | None
    price: dict[str, Any] | None


@dataclass(frozen=True)
class Explanation:
    """A charge in full. overage: of a charge of the wallet, which drew it. published: the event's record as it is read.

    What the log no longer holds is null.
    """

    place: str
    charge: dict[str, Any]
    overage: dict[str, Any] | None
    published: Any
    lines: list[LineExplained]
    paid: list[dict[str, Any]]


@dataclass(frozen=True)
class ChargeSummary:
    """A charge. place: PARTITION:OFFSET on `charges`; amount: what an entry of usage has of it; total: all of it.

    before, after: what the entry's payer had: of plans and credit what was left, of debt what was owed; else null.
    """

    place: str
    id: str
    charged: str
    event_source: str
    event_id: str
    time: str
    amount: str
    total: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Summaries:
    """The charges asked for that the log holds. gone: how many it no longer does."""

    charges: list[ChargeSummary]
    gone: int


async def summaries(desk: Desk, partition: int, offsets: Sequence[int], row: UsageRow, limit: int) -> Summaries:
    """Read charges of a resource, and give those that a row of usage sums up, at most so many. Raise UserError."""
    told: list[ChargeSummary] = []
    read = 0
    for first in range(0, len(offsets), max(limit, 1)):
        some = offsets[first : first + limit]
        found = await outputs_at(desk, CHARGES, partition, some)
        drawn = sorted({one.position.offset for one in found if one.said["ledger"] == _WALLET})
        overages = {one.offset: one for one in await outputs_at(desk, CREDIT_CHARGING, partition, drawn)}
        read += len(found)
        for output in found:
            overage = overages.get(output.position.offset) if output.said["ledger"] == _WALLET else None
            summary = _summary(output, overage, row)
            if summary is not None:
                told.append(summary)
        if len(told) >= limit:
            return Summaries(told[:limit], first + len(some) - read)
    return Summaries(told, len(offsets) - read)


def _summary(output: Output, overage: Output | None, row: UsageRow) -> ChargeSummary | None:
    """Sum up a charge as far as a row of usage has it; None if it is in other rows."""
    said = output.said
    lines = paid_lines(_read(output), None if overage is None else _read(overage))
    amounts = [line.amount for line in lines if _is_of(line, row)]
    if not amounts:
        return None
    payer = row.payer, row.payer_id
    balance = next((one for one in said["balances"] if (one["kind"], one["id"] or "") == payer), None)
    event = said["event"]
    return ChargeSummary(
        place=f"{output.partition}:{output.offset}",
        id=said["id"],
        charged=said["appended"],
        event_source=event["source"],
        event_id=event["id"],
        time=event["time"],
        amount=format_amount(sum(amounts), CURRENCIES[said["currency"]]),
        total=said["total"],
        before=balance["before"] if balance else None,
        after=balance["after"] if balance else None,
    )


def _read(output: Output) -> Charge:
    return decode_charge(msgspec.json.encode(output.said))


def _is_of(paid: Paid, row: UsageRow) -> bool:
    line = paid.line
    price = line.meter, line.book, line.book_version, line.tier, line.unit_price, line.per
    asked = row.meter, row.book, row.book_version, row.tier, row.unit_price, row.per
    return (paid.payer, paid.payer_id) == (row.payer, row.payer_id) and price == asked


def clusters(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Give spans, from the first to behind the last, of offsets that are near to each other. offsets: ascending."""
    first = last = None
    for offset in offsets:
        if first is None or last is None:
            first = offset
        elif offset - last > _NEAR:
            yield first, last + 1
            first = offset
        last = offset
    if first is not None and last is not None:
        yield first, last + 1


async def outputs_at(desk: Desk, topic: str, partition: int, offsets: Sequence[int]) -> list[Output]:
    """Read outputs by their offsets; those that the log no longer holds are left out. Raise UserError."""
    wanted = set(offsets)
    browser = await desk.browser()
    (start, end) = (await browser.spans([(topic, partition)]))[topic, partition]
    found = []
    for first, behind in clusters(sorted(wanted)):
        span = {(topic, partition): (max(first, start), min(behind, end))}
        async with contextlib.aclosing(browser.read(span)) as records:
            async for record in records:
                output = output_of(record) if record.offset in wanted else None
                if output is not None:
                    found.append(output)
    return found


async def explain(desk: Desk, prices: Prices, account: str, partition: int, offset: int) -> Explanation | None:
    """Explain a charge of an account; None if there is none of it there. Raise UserError."""
    found = await outputs_at(desk, CHARGES, partition, [offset])
    if not found or found[0].said.get("account") != account:
        return None
    charge = found[0]
    drawn = charge.said["ledger"] == _WALLET
    rated: Output | None = charge
    if drawn:
        at = charge.position
        overages = await outputs_at(desk, CREDIT_CHARGING, at.partition, [at.offset])
        rated = overages[0] if overages else None
    of = CURRENCIES[charge.said["currency"]]
    lines = [] if rated is None else [_line(line, rated.said["event"], of, prices) for line in rated.said["lines"]]
    return Explanation(
        place=f"{partition}:{offset}",
        charge=charge.said,
        overage=rated.said if drawn and rated is not None else None,
        published=None if rated is None else await _published(desk, rated),
        lines=lines,
        paid=charge.said["balances"],
    )


async def _published(desk: Desk, rated: Output) -> Any:
    """Read the event's own record, or what replayed it; null once the log does not hold it."""
    at = rated.position
    browser = await desk.browser()
    start, end = (await browser.spans([(at.topic, at.partition)]))[at.topic, at.partition]
    if not start <= at.offset < end:
        return None
    async with contextlib.aclosing(browser.read({(at.topic, at.partition): (at.offset, at.offset + 1)})) as records:
        async for record in records:
            try:
                return msgspec.json.decode(record.value or b"null")
            except msgspec.DecodeError as error:
                raise UserError(
                    f"{at.topic} partition {at.partition} offset {at.offset} is not JSON: {error}"
                ) from error
    return None


def _line(line: dict[str, Any], event: dict[str, Any], of: Currency, prices: Prices) -> LineExplained:
    quantity, amount = millionths(line["quantity"]), parse_amount(line["amount"], of)
    unit_price = parse_amount(line["unit_price"], of)
    cost, divisor = quantity * unit_price, line["per"] * MILLIONTHS
    packages = line.get("packages")
    return LineExplained(
        time=line["time"],
        meter=line["meter"],
        quantity=line["quantity"],
        unit_price=line["unit_price"],
        per=line["per"],
        tier=line.get("tier"),
        packages=packages,
        book=line["book"],
        book_version=line["book_version"],
        exact=None if packages is not None else _exact(cost, divisor, of),
        amount=line["amount"],
        rounding=_rounding(amount, cost, divisor, packages, of),
        paid_by=line.get("payer"),
        price=_price(line, event, prices),
    )


def _exact(cost: int, divisor: int, of: Currency) -> str:
    finer = 10 ** (_EXACT_DIGITS - of.quantum_digits)
    return decimals(cost * finer // divisor, _EXACT_DIGITS)


def _rounding(amount: int, cost: int, divisor: int, packages: int | None, of: Currency) -> str:
    if packages is not None:
        return "by the package: each begun one costs its price"
    quantum = format_amount(1, of)
    if amount == divide_half_up(cost, divisor):
        return f"half up to {quantum} {of.code}" if cost % divisor else f"none: exact in {quantum} {of.code}"
    return "divided: this payer pays what it had left, and has that share of the quantity; the rest is on another line"


def _price(line: dict[str, Any], event: dict[str, Any], prices: Prices) -> dict[str, Any] | None:
    book = next(
        (one for one in prices.books() if (one.name, one.version) == (line["book"], line["book_version"])), None
    )
    if book is None:
        return None
    dimensions = tuple(sorted(event["dimensions"].items()))
    price: Price | None = book.price(event["service"], line["meter"], dimensions)
    return None if price is None else entry_of(price, CURRENCIES[book.currency])
