"""`drawdown send`: one event by hand."""

import asyncio
import logging
from typing import Any

import msgspec

from drawdown.cli.command import read
from drawdown.cli.output import say, show_json
from drawdown.domain.catalogue import INFERENCE
from drawdown.domain.errors import Reject
from drawdown.errors import BadInput
from drawdown.publish.events import UsageEvent, checked, instant, new_id, now, usage_event
from drawdown.publish.limits import Limits
from drawdown.publish.publisher import Publisher
from drawdown.publish.receipt import Delivered
from drawdown.publish.remedies import remedy
from drawdown.settings import load_settings
from drawdown.wire.usage_data import TYPE_PREFIX

_MS = 1_000


class Given(msgspec.Struct, frozen=True):
    """The options that make an event of mere data; empty where they were not given."""

    service: str
    account: str
    id: str
    source: str
    time: str

    def named(self) -> list[str]:
        """Name those that were given."""
        return [f"--{name}" for name, value in msgspec.structs.asdict(self).items() if value]


def send(file: str, given: Given, *, timeout: float, as_json: bool) -> None:
    """Check an event, send it, and print where it stands. Raise BadInput with code and remedy."""
    event = read_event(read(file), given)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters comes back as an error
    delivered = asyncio.run(_sent(event, int(timeout * _MS)))
    if as_json:
        show_json(msgspec.structs.asdict(delivered) | {"source": event.source, "id": event.id})
    else:
        say(f"sent event {event.id}: {delivered.topic} partition {delivered.partition} offset {delivered.offset}")


def read_event(value: bytes, given: Given) -> UsageEvent:
    """Give the event, checked as the worker will check it. Raise BadInput."""
    try:
        message = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput(f"not_json: what is sent is not JSON: {error}; {remedy('not_json')}") from error
    if not isinstance(message, dict):
        raise BadInput(f"wrong_type: one event is a JSON object, not {type(message).__name__}")
    try:
        return checked(_whole(message, value, given) if "specversion" in message else _made(message, given))
    except Reject as reject:
        raise BadInput(f"{reject}; {remedy(reject.code)}") from reject


def _whole(message: dict[str, Any], value: bytes, given: Given) -> UsageEvent:
    if given.named():
        raise BadInput(f"a whole CloudEvent says all itself: leave out {', '.join(given.named())}")
    service = str(message.get("type", "")).removeprefix(TYPE_PREFIX).rpartition(".v")[0]
    account, source, ident = (str(message.get(name, "")) for name in ("subject", "source", "id"))
    return UsageEvent(f"usage.{service}", account, source, ident, value)


def _made(data: dict[str, Any], given: Given) -> UsageEvent:
    missing = [name for name in ("service", "account") if not getattr(given, name)]
    if missing:
        told = " and ".join(f"--{name}" for name in missing)
        raise BadInput(f"{told} must be given with mere data; or send a whole CloudEvent, with its specversion")
    time = given.time or data.get("to")
    if given.service == INFERENCE and not time:
        time = instant(now(), "time")
    if not isinstance(time, str):
        raise BadInput('missing_field: data has no text "to", the end of the interval; add it')
    source = given.source or f"/{given.service}"
    return usage_event(given.service, source, given.account, time, data, given.id or new_id())


async def _sent(event: UsageEvent, timeout_ms: int) -> Delivered:
    settings = load_settings()
    limits = Limits(delivery_ms=timeout_ms)
    async with Publisher(settings.kafka, event.source, prefix=settings.prefix, limits=limits) as publisher:
        return await (await publisher.publish(event))
