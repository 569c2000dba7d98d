"""Strategies for accounts whose plans are drafted, confirmed, paid, paused and cancelled while time and usage go on."""

from typing import Any

from hypothesis import strategies as st
from tests.support import messages
from tests.support.messages import DAY, HOUR, MINUTE, Message
from tests.support.random_worlds import ANCHORS, ZONES, World

from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant

PLANS = ("a", "a", "b")
STEPS = ("draft", "offer", "confirm", "pay", "pause", "resume", "cancel", "request", *("use", "time", "pay") * 3)
ONWARDS = ("draft", "offer", "confirm", "pay", "use", "pause", "use", "resume", "use")  # what mostly comes next
WAITS = (0, 1, MINUTE, HOUR, HOUR, 2 * DAY, 4 * DAY, 15 * DAY, 31 * DAY)


@st.composite
def lives(draw: st.DrawFn) -> World:
    """One account and up to 40 inputs, most of which fit what came before."""
    zone = draw(st.sampled_from(ZONES))
    currency = draw(st.sampled_from(("USD", "VND")))
    now = draw(st.sampled_from(ANCHORS))
    made = [messages.command(messages.open_account(currency=currency, time_zone=zone), now)]
    revisions, reached = dict.fromkeys(PLANS, 0), dict.fromkeys(PLANS, 0)
    asked = 0
    for number in range(draw(st.integers(4, 40))):
        plan = draw(st.sampled_from(PLANS))
        step = draw(st.sampled_from(STEPS))
        if draw(st.integers(0, 9)) > 2 and reached[plan] < len(ONWARDS):
            step = ONWARDS[reached[plan]]
            reached[plan] += 1
        now += draw(st.sampled_from(WAITS[: 5 if step in ONWARDS[:4] else None]))
        asked += step == "confirm"
        if step == "use":
            made.append(draw(_usage(number, now)))
        elif step == "time":
            made.append(messages.command(messages.timer(now), now))
        else:
            if step == "draft":
                revisions[plan] += draw(st.sampled_from((1, 1, 1, 1, 1, 0)))
            said = draw(_command(step, plan, revisions[plan], asked, now, currency))
            made.append(messages.command({"version": 1, "id": f"c-{number}", "account": messages.ACCOUNT} | said, now))
    records = [
        Record(r.topic, r.partition, offset, r.timestamp, r.key, r.value, r.headers) for offset, r in enumerate(made)
    ]
    return World(zone, draw(_books(currency)), records)


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
def _command(draw: st.DrawFn, step: str, plan: str, revision: int, asked: int, now: int, currency: str) -> Message:
    said: Message = {"plan": plan}
    if step == "draft":
        return draw(_draft(plan, max(revision, 1), now, currency))
    if step in {"offer", "confirm"}:
        said |= {"command": f"{step}_plan", "revision": max(revision - draw(st.sampled_from((0,) * 9 + (1,))), 1)}
        if step == "offer" and draw(st.booleans()):
            said["until"] = format_instant(now + draw(st.sampled_from((-1, HOUR, 5 * DAY, 5 * DAY))))
        return said
    if step == "pay":
        whole = draw(st.sampled_from(("10", "10", "10", "10", "5", "4", "3", "7", "30", "0.001", "0")))
        return {
            "command": "record_payment",
            "number": draw(st.one_of(st.just(max(asked, 1)), st.integers(1, 6))),
            "method": draw(st.sampled_from(("card", "e-wallet", "bank-transfer"))),
            "reference": f"ref-{draw(st.integers(0, 30))}",
            "amount": whole,
            "currency": draw(st.sampled_from((currency,) * 9 + ("JPY",))),
        }
    if step == "request":
        wish = {"expected_usage": "much", "currency": currency, "contact": "somebody"}
        return {"command": "request_plan", "request": f"wish-{plan}", **wish}
    said["command"] = f"{step}_plan"
    if step == "pause" and draw(st.booleans()):
        said["until"] = format_instant(now + draw(st.sampled_from((0, HOUR, 10 * DAY, 31 * DAY))))
    if step == "cancel":
        said["when"] = draw(st.sampled_from(("now", "cycle_end")))
    return said


@st.composite
def _draft(draw: st.DrawFn, plan: str, revision: int, now: int, currency: str) -> Message:
    said = messages.activate_plan(plan, currency=currency, amount=draw(st.sampled_from(("1", "10", "1000"))))
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
        said["quotas"] = [{"service": "inference", "amount": draw(st.sampled_from(("0.5", "3")))}]
    return said


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
