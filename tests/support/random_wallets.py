"""A strategy for the life of one wallet: credits, overages and timers in an order that a log could hold them in."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from tests.support import wallet_messages as messages
from tests.support.codes import CODE, redeem_code
from tests.support.messages import ACCOUNT, DAY, HOUR, T0, Message, open_account, timer
from tests.support.wallet_raters import FORFEIT_AFTER

from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant

ENDS = tuple(T0 + days * DAY for days in (1, 2, 6, 38))  # expiries of vouchers, so that many tie
AFTER = (-30 * DAY, -7 * DAY, 1 - DAY, -DAY, -DAY - 1, -1, 0, 1, HOUR - 1, HOUR, FORFEIT_AFTER - 1, FORFEIT_AFTER)
MOMENTS = sorted({T0, *(end + after for end in ENDS for after in AFTER if end + after > T0)})
SERVICES = ("inference", "fine-tuning", "gpu-container", "notebook")
SCOPE_ITEMS: st.SearchStrategy[Message] = st.builds(
    lambda service, dimensions: {"service": service, "dimensions": dimensions},
    st.sampled_from(SERVICES[:3]),
    st.sampled_from(({}, {"model": "Q"}, {"region": "hn"}, {"model": "Q", "region": "hn"})),
)
AMOUNTS = st.sampled_from(("0", "0.000001", "1", "1.5", "3.333333", "10", "30", "100"))
SMALLEST = {"USD": 25, "VND": 500_000, "EUR": 0}


@dataclass(frozen=True)
class Life:
    """The records of one wallet."""

    currency: str
    records: list[Record]

    def __repr__(self) -> str:
        return "\n".join(f"{record.timestamp} {record.value!r}" for record in self.records)


@st.composite
def lives(draw: st.DrawFn, inputs_max: int = 24) -> Life:
    """A wallet in one currency over some days; it may be opened by a command or by its first overage."""
    currency = draw(st.sampled_from(("USD", "VND", "EUR")))
    count = draw(st.integers(1, inputs_max))
    moments = sorted(draw(st.lists(st.sampled_from(MOMENTS), min_size=count, max_size=count)))
    made: list[Message] = []
    seq = 0
    if draw(st.integers(0, 3)):
        made.append(open_account(currency=currency))
        moments.insert(0, T0)
    for number in range(len(made), len(moments)):
        kind = draw(st.integers(0, 15))
        told = draw(st.sampled_from(("JPY",) if draw(st.integers(0, 19)) == 0 else (currency,)))
        if kind <= 6:  # nearly half of all
            seq += draw(st.sampled_from((1, 1, 1, 1, 1, 1, 1, 0))) if seq else 1
            made.append(draw(_overage(seq, moments[number], told)))
        else:
            made.append(draw(_command(kind, number, moments[number], told)))
    records = [
        messages.record(message, at, offset) for offset, (message, at) in enumerate(zip(made, moments, strict=True))
    ]
    return Life(currency, records)


@st.composite
def _overage(draw: st.DrawFn, seq: int, now: int, currency: str) -> Message:
    times = [at for at in MOMENTS if at <= now]
    dimensions = draw(
        st.sampled_from(({}, {"model": "Q"}, {"model": "Z", "region": "hn"}, {"model": "Q", "region": "hn"}))
    )
    service = draw(st.sampled_from(SERVICES))
    time, length = draw(st.sampled_from(times)), draw(st.sampled_from((None, None, 0, HOUR, HOUR + 1, 7 * HOUR)))
    start = None if length is None else format_instant(time - length)
    event: dict[str, Any] = {"service": service, "dimensions": dimensions, "time": time, "start": start}
    return messages.overage(seq, draw(AMOUNTS), currency=currency, **event)


@st.composite
def _command(draw: st.DrawFn, kind: int, number: int, now: int, currency: str) -> Message:
    ident = f"c-{number}"
    if kind == 7:
        if draw(st.integers(0, 4)) == 0:
            return open_account(ident=ident, currency=currency)
        return timer(now)
    if kind <= 9:
        name = draw(st.sampled_from(("v-1", f"v-{number}", f"v-{number}")))
        return messages.grant_voucher(name, ident=ident, currency=currency, **draw(_terms()))
    if kind == 10:
        name = draw(st.sampled_from(("a-1", f"a-{number}", f"a-{number}")))
        sign, what = draw(st.sampled_from(("", "-"))), draw(st.sampled_from(("grant", "correction", "write_off")))
        return messages.adjust(name, ident=ident, currency=currency, amount=sign + draw(AMOUNTS), kind=what)
    if kind == 11:
        return messages.debt_limit(ident=ident, currency=currency, limit=draw(st.none() | AMOUNTS))
    if kind >= 14:
        return draw(_redemption(kind, number, currency))
    name = draw(st.sampled_from(("t-1", f"t-{number}", f"t-{number}")))
    amount = str(max(SMALLEST.get(currency, 3_000) + draw(st.sampled_from((-1, 0, 0, 0, 7))), 0))
    return messages.top_up(name, ident=ident, currency=currency, amount=amount)


@st.composite
def _redemption(draw: st.DrawFn, kind: int, number: int, currency: str) -> Message:
    """A code is tried, or a try answered: one that was made, or that nobody made."""
    name = draw(st.sampled_from(("v-1", "r-1", "r-2", "r-3")))
    if kind == 14:
        return redeem_code(ACCOUNT, redemption=name) | {"id": f"c-{number}"}
    answer = {"command": "code_answer", "version": 1, "id": f"c-{number}", "account": ACCOUNT}
    answer |= {"redemption": name, "code": CODE}
    if draw(st.integers(0, 3)) == 0:
        return answer | {"refused": draw(st.sampled_from(("wrong_code", "code_used")))}
    parts = [{"scope": [], "others_than": [], "amount": draw(st.sampled_from(("1", "3.333333", "10")))}]
    lasting = draw(st.booleans())
    terms: Message = {"campaign": draw(st.sampled_from(("spring", "autumn"))), "currency": currency, "priority": 100}
    terms |= {"parts": parts, "per_account_max": draw(st.integers(1, 2))}
    terms |= {"expires": None if lasting else format_instant(draw(st.sampled_from(ENDS)))}
    return answer | {"terms": terms | {"valid_ms": DAY if lasting else None}}


@st.composite
def _terms(draw: st.DrawFn) -> Message:
    terms: dict[str, Any] = {
        "priority": draw(st.sampled_from((1, 100, 100))),
        "expires": format_instant(draw(st.sampled_from(ENDS))),
    }
    items = draw(st.lists(SCOPE_ITEMS, max_size=3))
    if not draw(st.booleans()):
        return terms | {"amount": draw(AMOUNTS), "scope": items or "all"}
    split: list[Message] = [item | {"amount": draw(AMOUNTS)} for item in items]
    if draw(st.booleans()):
        split.append({"others": True, "amount": draw(AMOUNTS)})
    while len(split) < 2:
        split.append({"service": "inference", "amount": draw(AMOUNTS)})
    return terms | {"split": split}
