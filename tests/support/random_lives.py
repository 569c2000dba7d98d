"""Strategies for accounts whose plans are drafted, confirmed, paid, paused and cancelled while time and usage go on."""

from typing import Any

from hypothesis import strategies as st
from tests.support import messages
from tests.support.messages import DAY, HOUR, MINUTE, Message
from tests.support.random_worlds import ANCHORS, ZONES, World
from tests.support.raters import Raters

from drawdown.domain.model import Account
from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.terms import PaymentRequest
from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant

PLANS = ("a", "a", "b", "c")
LATER = ("pause", "resume", "cancel", "renew", "set", "renew")
STEPS = ("draft", "offer", "confirm", "pay", *LATER, "request", *("use", "time", "pay") * 3)
BEGIN = ("draft", "offer", "confirm", "pay")
PATHS = (  # what mostly comes next, plan by plan
    tuple((step, "a") for step in (*BEGIN, "use", "pause", "use", "resume", "use")),
    (*((step, "a") for step in (*BEGIN, "use")), *((step, "b") for step in (*BEGIN, "use", "time", "pay", "time"))),
    (*((step, "a") for step in (*BEGIN, "use", "renew", "pay", "use", "time", "use", "time")),),
)
WAITS = (0, 1, MINUTE, HOUR, HOUR, 2 * DAY, 4 * DAY, 15 * DAY, 31 * DAY)


@st.composite
def lives(draw: st.DrawFn) -> World:
    """One account and up to 40 inputs, most of which fit what the service made of those before."""
    zone = draw(st.sampled_from(ZONES))
    currency = draw(st.sampled_from(("USD", "VND")))
    now = draw(st.sampled_from(ANCHORS))
    books = draw(_books(currency))
    raters = Raters(books)
    records: list[Record] = []
    revisions = dict.fromkeys(PLANS, 0)
    path = list(draw(st.sampled_from(PATHS)))
    said: Record = messages.command(messages.open_account(currency=currency, time_zone=zone), now)
    for number in range(draw(st.integers(9, 40))):
        offset = len(records)
        record = Record(said.topic, said.partition, offset, said.timestamp, said.key, said.value, said.headers)
        records.append(record)
        account = raters.rated(record).after
        assert account is not None
        step, plan = draw(st.sampled_from(STEPS)), draw(st.sampled_from(PLANS))
        on_path = path and draw(st.integers(0, 9)) > 1
        if on_path:
            step, plan = path.pop(0)
        if step in LATER and not on_path and account.plans and draw(st.integers(0, 5)):
            plan = draw(st.sampled_from([plan.id for plan in account.plans]))
        now += draw(st.sampled_from(WAITS[: 5 if step in BEGIN else None]))
        if step == "draft":
            revisions[plan] += draw(st.sampled_from((1, 1, 1, 1, 1, 0)))
        said = draw(_input(step, plan, revisions.get(plan, 1), account, number, now))
    return World(zone, books, records)


@st.composite
def _input(draw: st.DrawFn, step: str, plan: str, revision: int, account: Account, number: int, now: int) -> Record:
    if step == "use":
        return draw(_usage(number, now))
    if step == "time":
        return messages.command(messages.timer(now), now)
    told = draw(_payment(account) if step == "pay" else _command(step, plan, revision, now, account))
    return messages.command({"version": 1, "id": f"c-{number}", "account": messages.ACCOUNT} | told, now)


@st.composite
def _payment(draw: st.DrawFn, account: Account) -> Message:
    """Pay what is asked for, mostly; else too much, in part, or for nothing."""
    asked = [one for one in account.requests if one.number]
    number: int = draw(st.integers(1, 6))
    amount = draw(st.sampled_from(("10", "5", "3", "30", "0.001", "0")))
    if asked and draw(st.integers(0, 6)) > 0:
        one: PaymentRequest = draw(st.sampled_from(asked))
        number = one.number
        if draw(st.integers(0, 4)):
            amount = format_amount(one.amount - one.paid, CURRENCIES[account.currency])
    return {
        "command": "record_payment",
        "number": number,
        "method": draw(st.sampled_from(("card", "e-wallet", "bank-transfer"))),
        "reference": f"ref-{draw(st.integers(0, 30))}",
        "amount": amount,
        "currency": draw(st.sampled_from((account.currency,) * 9 + ("JPY",))),
    }


@st.composite
def _books(draw: st.DrawFn, currency: str) -> list[bytes]:
    tokens = [messages.price("inference", meter, "0.013", 7) for meter in ("input_tokens", "output_tokens")]
    tokens[0] |= draw(st.sampled_from(({}, {"model": "package", "per": 500, "unit_price": "1.1"})))
    gpus = messages.price("gpu-container", "gpu_seconds", "1.7", 3_600)
    if draw(st.booleans()):
        del gpus["unit_price"]
        tiers = [{"up_to": 2_000, "unit_price": "1.7"}, {"up_to": 9_000, "unit_price": "1.1"}, {"unit_price": "0.3"}]
        gpus |= {"model": "graduated", "tiers": tiers}
    return [
        messages.written(messages.price_book(name, *tokens, gpus, currency=currency))
        for name in ("on-demand", "plan-usd")
    ]


@st.composite
def _command(draw: st.DrawFn, step: str, plan: str, revision: int, now: int, account: Account) -> Message:
    said: Message = {"plan": plan}
    if step == "draft":
        return draw(_draft(plan, max(revision, 1), now, account))
    if step in {"offer", "confirm"}:
        said |= {"command": f"{step}_plan", "revision": max(revision - draw(st.sampled_from((0,) * 9 + (1,))), 1)}
        if step == "offer" and draw(st.booleans()):
            said["until"] = format_instant(now + draw(st.sampled_from((-1, HOUR, 5 * DAY, 5 * DAY))))
        return said
    if step == "request":
        wish = {"expected_usage": "much", "currency": account.currency, "contact": "somebody"}
        return {"command": "request_plan", "request": f"wish-{plan}", **wish}
    if step == "set":
        return {**said, "command": "set_renewal", "renewal": draw(st.sampled_from(("automatic", "by_request")))}
    said["command"] = f"{step}_plan"
    if step == "renew" and draw(st.integers(0, 3)) == 0:
        said["renewal"] = draw(st.sampled_from(("c", "z")))
    if step == "pause" and draw(st.booleans()):
        said["until"] = format_instant(now + draw(st.sampled_from((0, HOUR, 10 * DAY, 31 * DAY))))
    if step == "cancel":
        said["when"] = draw(st.sampled_from(("now", "cycle_end")))
    return said


@st.composite
def _draft(draw: st.DrawFn, plan: str, revision: int, now: int, account: Account) -> Message:
    said = messages.activate_plan(plan, currency=account.currency, amount=draw(st.sampled_from(("1", "10", "1000"))))
    del said["start"], said["id"], said["account"]
    said |= {"command": "draft_plan", "revision": revision, "payment": draw(_terms(now))}
    said["grace_seconds"] = draw(st.sampled_from((0, 3_600, 86_400)))
    if draw(st.booleans()):
        said["start"] = format_instant(now + draw(st.sampled_from((-DAY, -DAY, HOUR, 3 * DAY))))
    length = draw(st.sampled_from(("months", "years", "end", "open")))
    if length == "end":
        said["end"] = format_instant(now + draw(st.sampled_from((DAY, 9 * DAY, 40 * DAY, 100 * DAY))))
    elif length != "open":
        said[length] = draw(st.integers(1, 3))
    if draw(st.booleans()):
        said["renewal"] = draw(st.sampled_from(("automatic", "by_request")))
        said["rollover"] = draw(st.booleans())
    if plan != "a" and draw(st.integers(0, 3)):
        said |= draw(_following(said, [plan.id for plan in account.plans] or ["a"]))
    if draw(st.booleans()):
        said["quotas"] = [{"service": "inference", "amount": draw(st.sampled_from(("0.5", "3")))}]
    return said


@st.composite
def _following(draw: st.DrawFn, said: Message, plans: list[str]) -> Message:
    """Let a plan renew or replace another; mostly without dates of its own, which it must not have."""
    if draw(st.integers(0, 9)):
        said.pop("start", None)
        said.pop("end", None)
    other = draw(st.sampled_from(plans))
    if draw(st.booleans()):
        return {"renews": other}
    return {"replaces": other, "when": draw(st.sampled_from(("now", "cycle_end")))}


@st.composite
def _terms(draw: st.DrawFn, now: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(("upfront", "partial", "postpaid")))
    days = {"pay_within_days": draw(st.sampled_from((0, 2, 14))), "overdue_grace_days": draw(st.sampled_from((0, 3)))}
    if kind == "postpaid":
        return {"terms": kind, **days}
    if kind == "upfront":
        return {"terms": kind, "price": draw(st.sampled_from(("10",) * 8 + ("0", "0.001"))), **days}
    first = {"first": "10"} if draw(st.booleans()) else {"first_percent": draw(st.sampled_from((50, 50, 50, 33)))}
    dues = draw(st.lists(st.sampled_from((-DAY, DAY, 16 * DAY, 60 * DAY)), min_size=1, max_size=2))
    share = str(10 // len(dues)) if draw(st.integers(0, 5)) else "7"
    instalments = [{"due": format_instant(now + due), "amount": share} for due in dues]
    return {"terms": kind, "price": "20", **first, "instalments": instalments, **days}


@st.composite
def _usage(draw: st.DrawFn, number: int, now: int) -> Record:
    late = draw(st.sampled_from((0, 0, MINUTE, HOUR, 5 * HOUR, 20 * DAY, 40 * DAY)))
    end = now - late
    if draw(st.booleans()):
        message = messages.inference(end, ident=f"e-{number}", input_tokens=draw(st.integers(1, 3_000)))
    else:
        begin = end - draw(st.sampled_from((HOUR, 20 * HOUR)))
        message = messages.container(begin, end, ident=f"e-{number}", gpu_count=draw(st.integers(1, 4)))
    record = messages.structured(message, now)
    return messages.command(messages.replay(record, ident=f"replay-{number}"), now) if late > DAY else record


# --- plans that follow plans ------------------------------------------------------------------

NEXT = {"draft": "offer", "awaiting_confirmation": "confirm"}
CHANGES = ("make", "make", "make", "pay", "pay", "use", "use", "use", "time", "pause", "resume", "cancel", "renew")


@st.composite
def successions(draw: st.DrawFn) -> World:
    """One account whose plans follow each other; each step is next for one of them, or usage and time go on."""
    zone = draw(st.sampled_from(ZONES))
    now = draw(st.sampled_from(ANCHORS))
    books = draw(_books("USD"))
    raters = Raters(books)
    records: list[Record] = []
    said: Record = messages.command(messages.open_account(time_zone=zone), now)
    for number in range(draw(st.integers(15, 45))):
        record = Record(said.topic, said.partition, number, said.timestamp, said.key, said.value, said.headers)
        records.append(record)
        account = raters.rated(record).after
        assert account is not None
        step = draw(st.sampled_from(CHANGES))
        now += draw(st.sampled_from(WAITS[:5] if step in {"make", "pay"} else WAITS))
        said = draw(_next(step, account, number, now))
    return World(zone, books, records)


@st.composite
def _next(draw: st.DrawFn, step: str, account: Account, number: int, now: int) -> Record:
    offers = [offer for offer in account.offers if offer.status in NEXT]
    asked = [one for one in account.requests if one.number]
    if not account.plans and (offers or not asked):
        step = "make"
    elif (not account.plans or step == "pay") and asked:
        step = "pay"
    elif step == "pay":
        step = "use"
    if step in {"use", "time"}:
        return draw(_input(step, "", 1, account, number, now))
    if step == "pay":
        told = _paid(asked[0], number, whole=draw(st.booleans()))
    elif step == "make" and offers:
        told = {"command": f"{NEXT[offers[0].status]}_plan", "plan": offers[0].plan, "revision": 1}
    elif step == "make":
        told = draw(_succession(f"p-{number}", account, now))
    else:
        told = draw(_command(step, draw(st.sampled_from([plan.id for plan in account.plans])), 1, now, account))
    return messages.command({"version": 1, "id": f"c-{number}", "account": messages.ACCOUNT} | told, now)


def _paid(asked: PaymentRequest, number: int, *, whole: bool) -> Message:
    """Pay all, or a dollar, of what is asked for."""
    left = asked.amount - asked.paid
    return {
        "command": "record_payment",
        "number": asked.number,
        "method": "card",
        "reference": f"paid-{number}",
        "amount": format_amount(left if whole else min(left, 10**9), CURRENCIES["USD"]),
        "currency": "USD",
    }


@st.composite
def _succession(draw: st.DrawFn, name: str, account: Account, now: int) -> Message:
    """Draft a plan that mostly follows one that is not followed yet."""
    said = messages.activate_plan(name, amount=draw(st.sampled_from(("7", "30", "100"))))
    del said["start"], said["id"], said["account"]
    kind, price = (
        draw(st.sampled_from(("upfront", "partial", "partial", "postpaid"))),
        draw(st.sampled_from((3, 10, 45))),
    )
    payment: Message = {"terms": kind, "pay_within_days": 2, "overdue_grace_days": draw(st.sampled_from((0, 3)))}
    if kind != "postpaid":
        payment["price"] = str(price)
    if kind == "partial":
        dues = draw(st.lists(st.sampled_from((DAY, 16 * DAY, 60 * DAY)), min_size=1, max_size=2))
        instalments = [{"due": format_instant(now + due), "amount": "1"} for due in dues]
        payment |= {"first": str(price - len(dues)), "instalments": instalments}
    said |= {"command": "draft_plan", "revision": 1, "payment": payment}
    said["grace_seconds"] = draw(st.sampled_from((0, 86_400, 40 * 86_400)))
    if draw(st.integers(0, 3)) or kind == "partial":
        said["months"] = draw(st.integers(1, 2))
    said |= {"renewal": draw(st.sampled_from(("automatic", "by_request"))), "rollover": draw(st.booleans())}
    free = [plan.id for plan in account.plans if not plan.successor and plan.status not in {"scheduled", "expired"}]
    alone = draw(st.integers(0, 7)) == 0
    if free and not alone:
        other, how = draw(st.sampled_from(free)), draw(st.sampled_from(("now", "now", "cycle_end", "renewal")))
        said |= {"renews": other} if how == "renewal" else {"replaces": other, "when": how}
    return said
