"""Records as publishers write them: usage events in both content modes, commands, price books."""

import json
from base64 import b64encode
from typing import Any

from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ACCOUNT = "acc"
Message = dict[str, Any]
CONTENT_TYPE = ("content-type", b"application/cloudevents+json; charset=UTF-8")


def written(message: object) -> bytes:
    return json.dumps(message).encode()


def event(service: str, end: int, data: Message, *, ident: str = "e-1", account: str = ACCOUNT) -> Message:
    return {
        "specversion": "1.0",
        "id": ident,
        "source": "/test",
        "type": f"ai.drawdown.usage.{service}.v1",
        "subject": account,
        "time": format_instant(end),
        "data": data,
    }


def inference(end: int = T0, *, ident: str = "e-1", account: str = ACCOUNT, **data: object) -> Message:
    told = {"endpoint": "ep", "model": "Q"} | data
    return event("inference", end, told, ident=ident, account=account)


def container(
    start: int = T0, end: int = T0 + HOUR, *, ident: str = "e-1", account: str = ACCOUNT, **data: object
) -> Message:
    told = {"container": "c-1", "gpu_model": "H100", "gpu_count": 1, "state": "running"} | _interval(start, end) | data
    return event("gpu-container", end, told, ident=ident, account=account)


def tuning(
    start: int = T0, end: int = T0 + HOUR, *, ident: str = "e-1", account: str = ACCOUNT, **data: object
) -> Message:
    told = {"job": "ft-1", "model": "L", "gpu_model": "H100", "gpu_count": 1} | _interval(start, end) | data
    return event("fine-tuning", end, told, ident=ident, account=account)


def open_account(account: str = ACCOUNT, *, ident: str = "open", **change: object) -> Message:
    return {"command": "open_account", "version": 1, "id": ident, "account": account, "currency": "USD"} | change


def activate_plan(plan: str = "p", account: str = ACCOUNT, *, ident: str | None = None, **change: object) -> Message:
    message = {
        "command": "activate_plan",
        "version": 1,
        "id": ident or f"plan-{plan}",
        "account": account,
        "plan": plan,
        "currency": "USD",
        "book": "plan-usd",
        "book_version": 1,
        "amount": "100",
        "start": format_instant(T0 - DAY),
    }
    return message | change


def timer(at: int, account: str = ACCOUNT) -> Message:
    return {"command": "timer", "version": 1, "id": f"timer:{at}", "account": account, "due": format_instant(at)}


def replay(of: Record, *, ident: str = "replay-1", **change: object) -> Message:
    """The command that carries a usage record, as it stands on its topic."""
    return {
        "command": "replay_usage",
        "version": 1,
        "id": ident,
        "account": (of.key or b"").decode(),
        "topic": of.topic,
        "value": b64encode(of.value or b"").decode(),
        "headers": [{"name": name, "value": b64encode(content).decode()} for name, content in of.headers],
        "operator": "an-operator",
        "reason": "the cause is mended",
    } | change


def price(service: str, meter: str, unit_price: str, per: int = 1, **dimensions: str) -> Message:
    return {"service": service, "meter": meter, "dimensions": dimensions, "unit_price": unit_price, "per": per}


def price_book(name: str, /, *prices: Message, **change: object) -> Message:
    message = {
        "name": name,
        "version": 1,
        "kind": "on_demand" if name.startswith("on-demand") else "plan",
        "currency": "USD",
        "effective_from": "2020-01-01T00:00:00Z",
        "prices": list(prices),
    }
    return message | change


def structured(message: Message, at: int = T0, offset: int = 7) -> Record:
    """A usage event in structured content mode, appended at `at`."""
    topic = "usage." + str(message["type"]).removeprefix("ai.drawdown.usage.").removesuffix(".v1")
    return Record(
        topic,
        3,
        offset,
        at,
        str(message["subject"]).encode("utf-8", "surrogatepass"),
        written(message),
        (CONTENT_TYPE,),
    )


def binary(message: Message, at: int = T0) -> Record:
    """The same event in binary content mode: attributes as headers, data as value."""
    like = structured(message, at)
    headers = [
        (f"ce_{name}", str(value).encode("utf-8", "surrogatepass")) for name, value in message.items() if name != "data"
    ]
    value = written(message["data"])
    headers.append(("content-type", b"application/json"))
    return Record(like.topic, like.partition, like.offset, at, like.key, value, tuple(headers))


def command(message: Message, at: int = T0, offset: int = 7) -> Record:
    return Record(
        "plan-commands", 3, offset, at, str(message["account"]).encode("utf-8", "surrogatepass"), written(message)
    )


def raw(value: bytes | None, *, topic: str = "usage.inference", key: bytes | None = ACCOUNT.encode()) -> Record:
    return Record(topic, 3, 7, T0, key, value)


def _interval(start: int, end: int) -> Message:
    return {"from": format_instant(start), "to": format_instant(end)}
