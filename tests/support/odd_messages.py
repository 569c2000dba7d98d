"""Strategies for records that nobody meant to send: arbitrary JSON, and good messages changed in places."""

import json
from typing import Any

from hypothesis import strategies as st
from tests.support.messages import (
    T0,
    Message,
    activate_plan,
    container,
    inference,
    open_account,
    price,
    price_book,
    timer,
    tuning,
    written,
)

PRICES = (
    price("gpu-container", "gpu_seconds", "2.31", 3_600),
    price("fine-tuning", "gpu_seconds", "5.5", 3_600),
    price("gpu-container", "storage_gb_seconds", "0.00013", 3_600),
    price("inference", "input_tokens", "0.165", 1_000_000),
    price("inference", "output_tokens", "0.187", 1_000_000),
)
BOOKS = [written(price_book(name, *PRICES)) for name in ("on-demand-usd", "plan-usd")]
PRODUCT = {"service": "inference", "dimensions": {"model": "Q"}}
GOOD_EVENTS = (
    container(gpu_count="0.5", storage_gb=100, region="hn"),
    tuning(final=True),
    inference(input_tokens=5, output_tokens=7),
)
GOOD_COMMANDS = (
    open_account(time_zone="Asia/Ho_Chi_Minh"),
    activate_plan(end="2027-01-01T00:00:00Z", scope=[PRODUCT], quotas=[PRODUCT | {"amount": "1"}], priority=1),
    timer(T0),
)

ODD_TEXT = st.sampled_from(
    (
        *("", "\x00", "\ud800", "\udfff", "\u2028", "9" * 400, "\uff19", "-1", "1e400", "NaN", "0.1234567890123456789"),
        *("..", "/", "../../etc/passwd", "America", "zone.tab", "UTC\x00", "all", "inference", "x" * 300),
        *("2026-13-01T00:00:00Z", "2199-12-31T23:59:59.999-23:59", "2000-01-01T00:00:00+23:59"),
        "ai.drawdown.usage.inference.v1",
    )
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([-1, 0, 2**31, 2**62, 2**63, 2**64, 10**12, 10**30, -(10**30), 10**4_000, 5e-324, 1e308]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=20), ODD_TEXT)
KEYS = st.one_of(st.text(max_size=5), st.sampled_from(["id", "data", "x_tokens", "y_seconds", "command", "amount"]))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
CONTENT_TYPES = st.sampled_from([b"application/cloudevents", b"application/cloudevents+json", b"application/json", b""])
HEADERS = st.lists(
    st.one_of(
        st.tuples(st.text(max_size=5), st.binary(max_size=10)),
        st.tuples(st.just("content-type"), CONTENT_TYPES),
        st.tuples(st.sampled_from(["ce_specversion", "ce_id", "ce_time", "ce_subject", "ce_"]), st.binary(max_size=10)),
    ),
    max_size=3,
)


def places(message: object) -> list[tuple[Any, Any]]:
    """Every place in a message: its holder and its name there."""
    if isinstance(message, dict):
        return [place for name, inner in message.items() for place in ((message, name), *places(inner))]
    if isinstance(message, list):
        return [place for index, inner in enumerate(message) for place in ((message, index), *places(inner))]
    return []


@st.composite
def changed(draw: st.DrawFn, good: tuple[Message, ...]) -> Message:
    """A good message in which up to three places are replaced, removed or added to."""
    message: Message = json.loads(json.dumps(draw(st.sampled_from(good))))
    for _ in range(draw(st.integers(1, 3))):
        found = places(message)
        if not found:
            break
        holder, name = draw(st.sampled_from(found))
        how = draw(st.integers(0, 4))
        if how == 0:
            del holder[name]
        elif how == 1 and isinstance(holder, dict):
            holder[draw(KEYS)] = draw(JSON)
        else:
            holder[name] = draw(JSON)
    return message


@st.composite
def damaged(draw: st.DrawFn, value: bytes) -> bytes:
    """Bytes of which some are overwritten, inserted, cut out or repeated."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        until = draw(st.integers(at, min(at + 10, len(value))))
        inserted = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b"\\ud800", b"\\u0000", b'"', b"{", b"\xff"]))
        )
        value = value[:at] + (inserted if draw(st.booleans()) else value[at:until] * 2) + value[until:]
    return value
