"""Dead letters in tables and in full."""

import sys
from typing import Any

import msgspec

from drawdown.adapters.clock import SystemClock
from drawdown.cli.options import instant_of
from drawdown.cli.output import at_desk, say, show_json, show_table, when
from drawdown.operate.letters import Filters, Letter, find, one
from drawdown.wire.instants import format_instant

_SHOWN_BYTES_MAX = 4_096


def filters_of(reason: str, account: str, service: str, topic: str, since: str, until: str) -> Filters:
    """Put the options together."""
    now = SystemClock().now_ms()
    return Filters(
        reason, account, service, topic, instant_of(since, now, "--since"), instant_of(until, now, "--until")
    )


def show_list(filters: Filters, limit: int, *, as_json: bool) -> None:
    """Print the newest letters that fit."""
    letters, count = at_desk(lambda desk: find(desk, filters, limit))
    if as_json:
        show_json([summary_of(letter) for letter in letters])
        return
    if letters:
        rows = [
            (when(format_instant(one.appended)), one.name, one.account, one.topic, one.reason, one.detail)
            for one in letters
        ]
        show_table(("refused at", "letter", "account", "topic", "reason", "detail"), rows)
    more = f", the newest {len(letters)} shown; --limit shows more" if count > len(letters) else ""
    say(f"{count} dead {'letter' if count == 1 else 'letters'}{more}")


def summary_of(letter: Letter) -> dict[str, Any]:
    """Give what the list tells of a letter, for programs."""
    return {
        "letter": letter.name,
        "refused_at": format_instant(letter.appended),
        "account": letter.account,
        "ledger": letter.ledger,
        "topic": letter.topic,
        "reason": letter.reason,
        "detail": letter.detail,
        "position": letter.position,
        "sent_at": format_instant(letter.sent),
    }


def show_one(name: str, *, raw: bool, as_json: bool) -> None:
    """Print all of a letter, or its bytes alone."""
    letter = at_desk(lambda desk: one(desk, name))
    if raw:
        sys.stdout.buffer.write(letter.value)
        return
    if as_json:
        headers = [[header, content.decode("utf-8", "replace")] for header, content in letter.headers]
        value = {"value": letter.value.decode("utf-8", "replace"), "value_base64": letter.value}
        show_json(summary_of(letter) | {"complete": letter.complete, "headers": headers} | value)
        return
    at = letter.position
    say(f"dead letter {letter.name}: {letter.reason}")
    say(f"  {letter.detail}")
    say(f"  account     {letter.account or '(none)'}")
    say(f"  refused at  {when(format_instant(letter.appended))} by the {letter.ledger} ledger")
    say(f"  came from   {at.topic} partition {at.partition} offset {at.offset}, {when(format_instant(letter.sent))}")
    if at.topic != letter.topic:
        say(f"  carried     a record of {letter.topic}")
    for header, content in letter.headers:
        say(f"  header      {header}: {content.decode('utf-8', 'backslashreplace')}")
    if not letter.complete:
        say("  the bytes were too large to keep; they are where it came from")
        return
    say(f"  {len(letter.value)} bytes:")
    say(readable(letter.value))


def readable(value: bytes) -> str:
    """Give JSON indented, other text with its unprintable bytes escaped, cut at some length."""
    try:
        text = msgspec.json.format(value, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = value.decode("utf-8", "backslashreplace")
    shown = "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)
    if len(shown) > _SHOWN_BYTES_MAX:
        return f"{shown[:_SHOWN_BYTES_MAX]}\n… (--raw prints all)"
    return shown
