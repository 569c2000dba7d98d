"""Strategies for whole worlds: price books, plans, and inputs in an order that a log could hold them in."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from tests.support import messages
from tests.support.messages import DAY, HOUR, MINUTE, Message

from drawdown.domain.catalogue import SERVICES
from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant, parse_instant

ZONES = (
    "UTC",
    "Asia/Ho_Chi_Minh",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)
# ends of months, leap years, and hours that clocks skip or repeat
ANCHORS = tuple(
    parse_instant(text)
    for text in (
        "2026-01-31T12:00:00Z",
        "2026-02-28T06:00:00Z",
        "2028-02-29T00:30:00Z",
        "2026-03-29T00:00:00Z",
        "2026-04-04T12:00:00Z",
        "2026-10-25T00:00:00Z",
        "2026-11-01T04:00:00Z",
        "2026-12-31T16:59:59.999Z",
    )
)
GPUS, MODELS, REGIONS = ("H100", "A30"), ("Q", "Z"), ("hn", "sg")
PER = (1, 7, 60, 3_600, 1_000_000)
DIMENSIONS: tuple[dict[str, str], ...] = (
    {"gpu_model": "H100"},
    {"model": "Q"},
    {"region": "hn"},
    {"gpu_model": "H100", "region": "hn"},
    {"model": "Q", "region": "hn"},
    {"gpu_model": "A30", "model": "Z"},
)
REPLAYED = (2, 3)  # kinds of input
SHORT = st.one_of(st.just(0), st.integers(1, 20), st.integers(1, 3 * HOUR), st.sampled_from((MINUTE, HOUR, DAY)))


@dataclass(frozen=True)
class World:
    """Price books and records, as they would stand on the log."""

    zone: str
    books: list[bytes]
    records: list[Record]

    def __repr__(self) -> str:
        values = "\n".join(f"{record.timestamp} {record.value!r}" for record in self.records)
        return f"zone {self.zone}\n{self.books!r}\n{values}"


def decimals(whole_max: int, digits: int) -> st.SearchStrategy[str]:
    """Decimal strings below whole_max + 1, many of them small."""

    def told(quanta: int) -> str:
        text = str(quanta).rjust(digits + 1, "0")
        return f"{text[:-digits]}.{text[-digits:]}"

    quanta = 10**digits
    return st.one_of(
        st.integers(1, 50),
        st.integers(1, quanta),
        st.integers(1, whole_max * 100).map(lambda hundredths: hundredths * quanta // 100),
        st.integers(1, whole_max * quanta),
    ).map(told)


@st.composite
def worlds(draw: st.DrawFn, inputs_max: int = 14) -> World:
    """One account with its plans, and what happens to it over some days."""
    zone = draw(st.sampled_from(ZONES))
    currency, digits = draw(st.sampled_from((("USD", 9), ("VND", 6))))
    start = draw(st.sampled_from(ANCHORS))
    books = draw(_books(start, currency, digits))
    now = start
    made = [messages.command(messages.open_account(currency=currency, time_zone=zone), now)]
    plans = range(draw(st.integers(0, 6)))
    made += [messages.command(draw(_activation(number, start, currency, digits)), now) for number in plans]
    for number in range(draw(st.integers(1, inputs_max))):
        kind = draw(st.integers(0, 11))
        now += draw(st.sampled_from((0, MINUTE, HOUR, 2 * DAY, 8 * DAY)) if kind == 0 else SHORT)
        made.append(draw(_input(kind, number, now, start, currency, digits)))
    records = [
        Record(r.topic, r.partition, offset, r.timestamp, r.key, r.value, r.headers) for offset, r in enumerate(made)
    ]
    return World(zone, books, records)


@st.composite
def _books(draw: st.DrawFn, start: int, currency: str, digits: int) -> list[bytes]:
    changes = draw(st.lists(st.integers(-2 * HOUR, 30 * HOUR), max_size=2, unique=True))
    versions = [start - 400 * DAY, *(start + change for change in sorted(changes))]
    books = [
        draw(_book("on-demand", number, since, currency, digits, generic=draw(st.integers(0, 9)) > 0))
        for number, since in enumerate(versions, 1)
    ]
    books += [
        draw(_book(name, 1, start - 400 * DAY, currency, digits, generic=draw(st.booleans())))
        for name in ("plan-a", "plan-b")
    ]
    return [messages.written(book) for book in books]


@st.composite
def _book(
    draw: st.DrawFn, name: str, version: int, since: int, currency: str, digits: int, *, generic: bool
) -> Message:
    """A book: generic prices for every meter, or none at all, and some for products."""
    amounts = decimals(9, digits)
    meters = [(service.name, meter) for service in SERVICES.values() for meter in service.meters]
    entries = []
    if generic:
        entries = [draw(_price(pair, amounts)) for pair in meters]
    products = draw(st.lists(st.tuples(st.sampled_from(meters), st.sampled_from(DIMENSIONS)), max_size=5))
    seen: set[str] = set()
    for pair, dimensions in products:
        if repr((pair, dimensions)) not in seen:
            seen.add(repr((pair, dimensions)))
            entries.append(draw(_price(pair, amounts, **dimensions)))
    change: dict[str, Any] = {"version": version, "currency": currency, "effective_from": format_instant(since)}
    return messages.price_book(name, *entries, **change)


@st.composite
def _price(draw: st.DrawFn, /, pair: tuple[str, str], amounts: st.SearchStrategy[str], **dimensions: str) -> Message:
    """A price per unit, in tiers or in packages, for usage of some units or of millions."""
    model = draw(st.sampled_from(("per_unit", "per_unit", "graduated", "package")))
    entry = messages.price(*pair, draw(amounts), draw(st.sampled_from(PER)), **dimensions)
    if model == "graduated":
        bounds = draw(st.sets(st.one_of(st.integers(1, 9), st.integers(1, 10**7)), max_size=4))
        tiers = [{"up_to": bound, "unit_price": draw(st.one_of(amounts, st.just("0")))} for bound in sorted(bounds)]
        del entry["unit_price"]
        entry["tiers"] = [*tiers, {"unit_price": draw(amounts)}]
    return entry | ({} if model == "per_unit" else {"model": model})


SCOPE_ITEMS: st.SearchStrategy[Message] = st.builds(
    lambda service, dimensions: {"service": service, "dimensions": dimensions},
    st.sampled_from(tuple(SERVICES)),
    st.one_of(st.just({}), st.sampled_from(DIMENSIONS)),
)


@st.composite
def _activation(draw: st.DrawFn, number: int, start: int, currency: str, digits: int) -> Message:
    begins = start + draw(st.one_of(st.integers(-70 * DAY, -DAY), st.integers(-HOUR, 30 * HOUR)))
    lasts = draw(st.one_of(st.none(), st.integers(-HOUR, 40 * HOUR), st.integers(DAY, 200 * DAY)))
    scope = draw(st.one_of(st.just("all"), st.just("all"), st.lists(SCOPE_ITEMS, min_size=1, max_size=3)))
    quotas = draw(st.lists(SCOPE_ITEMS, max_size=2)) if draw(st.booleans()) else []
    name = f"p-{draw(st.integers(0, 1)) if draw(st.integers(0, 9)) == 0 else number}"
    return messages.activate_plan(
        name,
        ident=f"activate-{number}",
        currency=currency,
        book=draw(st.sampled_from(("plan-a", "plan-b"))),
        amount=draw(decimals(20, digits)),
        start=format_instant(begins),
        end=None if lasts is None else format_instant(begins + lasts),
        grace_seconds=draw(st.sampled_from((0, 1, 3_600, 86_400))),
        priority=draw(st.sampled_from((1, 100, 100, 100))),
        scope=scope,
        quotas=[item | {"amount": draw(decimals(5, digits))} for item in quotas],
    )


@st.composite
def _input(draw: st.DrawFn, kind: int, number: int, now: int, start: int, currency: str, digits: int) -> Record:
    if kind == 0:
        return messages.command(messages.timer(now), now)
    if kind == 1:
        return messages.command(draw(_activation(number + 10, start, currency, digits)), now)
    message = draw(_usage(number, now))
    record = messages.structured(message, now) if kind % 2 else messages.binary(message, now)
    if kind in REPLAYED:
        return messages.command(messages.replay(record, ident=f"replay-{number}"), now)
    return record


@st.composite
def _usage(draw: st.DrawFn, number: int, now: int) -> Message:
    late = draw(st.one_of(SHORT, st.integers(-301_000, 4 * DAY)) if draw(st.integers(0, 3)) == 0 else SHORT)
    end = now - late
    ident = f"e-{number}"
    region = draw(st.sampled_from((None, *REGIONS)))
    service = draw(st.sampled_from(("inference", "gpu-container", "fine-tuning")))
    if service == "inference":
        return messages.inference(
            end, ident=ident, model=draw(st.sampled_from(MODELS)), region=region, **draw(_counts())
        )
    begin = end - draw(SHORT)
    gpus = draw(st.one_of(st.integers(0, 8), st.sampled_from(("0.125", "0.001", "2.5", "3.333"))))
    data: dict[str, Any] = {"gpu_model": draw(st.sampled_from(GPUS)), "gpu_count": gpus, "region": region}
    if service == "fine-tuning":
        data |= {"job": draw(st.sampled_from(("ft-1", "ft-2"))), "model": draw(st.sampled_from(MODELS))}
        return messages.tuning(begin, end, ident=ident, final=draw(st.integers(0, 3)) == 0, **data)
    data["storage_gb"] = draw(st.one_of(st.integers(0, 500), st.sampled_from(("0.5", "12.345"))))
    return messages.container(begin, end, ident=ident, state=draw(st.sampled_from(("running", "stopped"))), **data)


@st.composite
def _counts(draw: st.DrawFn) -> Message:
    meters = draw(st.lists(st.sampled_from(SERVICES["inference"].meters), unique=True, max_size=4))
    return {meter: draw(st.one_of(st.integers(0, 3), st.integers(0, 10**7))) for meter in meters}
