"""Dead letters as operators see them: what was refused, why, and whose it was."""

import base64
import heapq
import json

import msgspec

from drawdown.engine.records import Headers, Record
from drawdown.errors import BadInput, NotThere
from drawdown.operate.desk import Desk, Position
from drawdown.topics import DEAD_LETTERS, USAGE

_ORIGINAL = "original-"
_REPLAY = "replay_usage"


class Letter(msgspec.Struct, frozen=True):
    """A dead letter. appended: when it was refused, ms; position: of the refused record, sent: its append time.

    topic, value, headers: of the record that an operator would send again; for a refused replay what it carried.
    complete: the bytes are all there. account: the key, else the event's subject, "" where neither can be read.
    """

    partition: int
    offset: int
    appended: int
    ledger: str
    reason: str
    detail: str
    position: Position
    sent: int
    account: str
    topic: str
    value: bytes
    headers: Headers
    complete: bool

    @property
    def name(self) -> str:
        """Name the letter as the commands do."""
        return f"{self.partition}:{self.offset}"

    @property
    def service(self) -> str:
        """Name the service whose usage it is, "" for commands."""
        return self.topic.removeprefix("usage.") if self.topic in USAGE else ""


class Filters(msgspec.Struct, frozen=True):
    """Which letters: all that is given must fit. since, until: when they were refused, ms."""

    reason: str = ""
    account: str = ""
    service: str = ""
    topic: str = ""
    since: int | None = None
    until: int | None = None
    ledger: str = ""

    def fit(self, letter: Letter) -> bool:
        """Say whether a letter is meant."""
        return (
            self.reason in {"", letter.reason}
            and self.account in {"", letter.account}
            and self.service in {"", letter.service}
            and self.topic in {"", letter.topic}
            and self.ledger in {"", letter.ledger}
            and (self.since is None or letter.appended >= self.since)
            and (self.until is None or letter.appended < self.until)
        )


async def find(desk: Desk, filters: Filters, limit: int) -> tuple[list[Letter], int]:
    """Give the newest `limit` letters that fit, oldest first, and how many fit in all."""
    browser = await desk.browser()
    spans = await browser.spans([(DEAD_LETTERS, shard) for shard in desk.shards], filters.since)
    newest: list[tuple[int, int, int, Letter]] = []
    count = 0
    async for record in browser.read(spans):
        letter = letter_of(record)
        if filters.fit(letter):
            count += 1
            heapq.heappush(newest, (letter.appended, letter.partition, letter.offset, letter))
            if len(newest) > limit:
                heapq.heappop(newest)
    return [letter for *_, letter in sorted(newest, key=lambda entry: entry[:3])], count


async def one(desk: Desk, name: str) -> Letter:
    """Give the letter called PARTITION:OFFSET. Raise NotThere when there is none, BadInput for another form."""
    partition, colon, offset = name.partition(":")
    if not (colon and partition.isdecimal() and offset.isdecimal() and int(partition) in desk.shards):
        last = len(desk.shards) - 1
        raise BadInput(f"a dead letter is PARTITION:OFFSET with a partition from 0 to {last}, not {name!r}")
    browser = await desk.browser()
    at = int(offset)
    async for record in browser.read({(DEAD_LETTERS, int(partition)): await _bounded(desk, int(partition), at)}):
        if record.offset == at:
            return letter_of(record)
    raise NotThere(f"there is no dead letter {name}; `drawdown dead-letters list` shows those that there are")


async def _bounded(desk: Desk, partition: int, offset: int) -> tuple[int, int]:
    browser = await desk.browser()
    ((start, end),) = (await browser.spans([(DEAD_LETTERS, partition)])).values()
    return max(start, offset), min(end, offset + 1)


def letter_of(record: Record) -> Letter:
    """Read a dead letter."""
    told: dict[str, bytes] = {}
    headers: list[tuple[str, bytes]] = []
    for name, content in record.headers:
        if name.startswith(_ORIGINAL):
            headers.append((name.removeprefix(_ORIGINAL), content))
        else:
            told.setdefault(name, content)
    topic, value = told["topic"].decode(), record.value or b""
    position = Position(topic, int(told["partition"]), int(told["offset"]))
    complete = int(told["size"]) == len(value)
    carried = _carried(value)
    if carried is not None:
        topic, value, headers = carried
    return Letter(
        partition=record.partition,
        offset=record.offset,
        appended=record.timestamp,
        ledger=told["ledger"].decode(),
        reason=told["reason"].decode(),
        detail=told["detail"].decode("utf-8", "replace"),
        position=position,
        sent=int(told["timestamp"]),
        account=record.key.decode("utf-8", "replace") if record.key is not None else subject_of(value, headers) or "",
        topic=topic,
        value=value,
        headers=tuple(headers),
        complete=complete,
    )


def _carried(value: bytes) -> tuple[str, bytes, list[tuple[str, bytes]]] | None:
    """Give topic, bytes and headers that a refused replay carried, None for what is no replay."""
    if _REPLAY.encode() not in value:
        return None
    try:
        command = json.loads(value)
        if command["command"] != _REPLAY:
            return None
        headers = [(_text(header["name"]), base64.b64decode(header["value"])) for header in command.get("headers", ())]
        return _text(command["topic"]), base64.b64decode(command["value"]), headers
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def subject_of(value: bytes, headers: Headers) -> str | None:
    """Give the account that an event or a command names, None where it cannot be read."""
    binary = dict(headers).get("ce_subject")
    if binary is not None:
        return binary.decode("utf-8", "replace")
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    named = (found.get("subject") or found.get("account")) if isinstance(found, dict) else None
    return _text(named) if isinstance(named, str) else None


def _text(named: object) -> str:
    """Give what JSON names as text that can be written: half a surrogate pair cannot."""
    return str(named).encode("utf-8", "replace").decode()
