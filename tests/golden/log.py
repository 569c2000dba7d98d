"""A golden log: what every scenario put in, and the bytes that the ledgers made of it, as lines of JSON.

A line is a scenario with its billing increments, a price book with its append time, or a record that one ledger took:
topic, key, append time, value; then what came of it: "" and the outputs (topic, key, value), or why there are none.
"""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import msgspec

from drawdown.engine.outcome import Emit
from drawdown.engine.records import Record
from drawdown.ledgers import codes, plans, wallet
from drawdown.scenario.run import Plan, load, opening, standard_books, world_of
from drawdown.scenario.world import told_of_book

FOLDER = Path(__file__).parent
SCENARIOS = FOLDER.parent / "scenarios"
RULES = {"plans": plans.RULES, "wallet": wallet.RULES, "codes": codes.RULES}


class Begin(msgspec.Struct, frozen=True, tag="scenario", tag_field="line"):
    """A scenario begins, with nothing of the one before it."""

    name: str
    increments: dict[str, dict[str, int]]


class BookLine(msgspec.Struct, frozen=True, tag="book", tag_field="line"):
    """A price book, as it is published, and its append time, ms."""

    value: str
    appended: int


class Taken(msgspec.Struct, frozen=True, tag="record", tag_field="line"):
    """A record that a ledger took. why: "" if it is applied, else the reason's code, duplicate, dropped or halt."""

    ledger: str
    topic: str
    key: str
    offset: int
    appended: int
    value: str
    why: str
    outputs: list[tuple[str, str, str]]


Line = Begin | BookLine | Taken


def file_of(rules: dict[str, int]) -> Path:
    """Name the file of a set of rules."""
    return FOLDER / f"{'-'.join(f'{name}{number}' for name, number in sorted(rules.items()))}.jsonl.gz"


def lines() -> Iterator[Line]:
    """Run every scenario, and give what it put in and what came of it."""
    for file in sorted(SCENARIOS.glob("*.yaml")):
        yield from _lines(file.stem, load(str(file)))


def _lines(name: str, plan: Plan) -> Iterator[Line]:
    yield Begin(name, plan.increments)
    messages = [*(standard_books() if plan.scenario.standard_prices else ()), *plan.scenario.prices]
    for message, (_, appended) in zip(messages, plan.books, strict=True):
        yield BookLine(msgspec.json.encode(message).decode(), appended)
    world = world_of(plan)
    heard: list[Line] = []
    world.heard = lambda ledger, record, why, emits: heard.append(_taken(ledger, record, why, list(emits)))
    for topic, key, value in opening(plan):
        world.send(topic, key.encode(), value, plan.begins)
    for moment in plan.moments:
        world.pass_time(moment.at)
        if moment.book is not None:
            told_of_book(world.prices, moment.book[0], moment.at)
            heard.append(BookLine(moment.book[1].decode(), moment.at))
        for topic, key, value in moment.sent:
            world.send(topic, key.encode(), value, moment.at)
    yield from heard


def _taken(ledger: str, record: Record, why: str, emits: list[Emit]) -> Taken:
    outputs = [(emit.topic, (emit.key or record.key or b"").decode(), emit.value.decode()) for emit in emits]
    key, value = (record.key or b"").decode(), (record.value or b"").decode()
    return Taken(ledger, record.topic, key, record.offset, record.timestamp, value, why, outputs)


def packed(found: Iterator[Line]) -> bytes:
    """Compress lines; the same lines always give the same bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packing:
        for line in found:
            packing.write(msgspec.json.encode(line) + b"\n")
    return out.getvalue()


def read(file: Path) -> Iterator[Line]:
    """Give a file's lines."""
    decode = msgspec.json.Decoder(Line).decode
    with gzip.open(file) as held:
        for line in held:
            yield decode(line)
