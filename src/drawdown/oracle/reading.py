"""Reads raw records: events in either content mode, commands, instants."""

import json
import math
import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any

DAY = 86_400_000
METERS = {
    "gpu-container": ["gpu_seconds", "storage_gb_seconds"],
    "fine-tuning": ["gpu_seconds"],
    "inference": [
        "input_tokens",
        "cached_input_tokens",
        "output_tokens",
        "input_characters",
        "output_characters",
        "images",
    ],
}
MODELS = {"gpu-container": ["gpu_model"], "fine-tuning": ["gpu_model", "model"], "inference": ["model"]}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Refused(Exception):
    """The input must have been refused, for this reason; `unreadable` stands for all reasons of form."""

    def __init__(self, code: str) -> None:
        """Name the reason."""
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Usage:
    """A usage event read by the oracle."""

    account: str
    source: str
    id: str
    service: str
    resource: str
    dimensions: dict[str, str]
    start: int | None
    end: int
    quantities: list[tuple[str, Fraction]]
    gpus: Fraction = Fraction(0)
    final: bool = False


@lru_cache(maxsize=65_536)
def instant(text: str) -> int:
    """Read an RFC 3339 instant to the millisecond, finer digits cut off."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)", text, re.ASCII):
        raise Refused("unreadable")
    whole, fraction, offset = re.fullmatch(r"(.{19})(\.\d+)?(.+)", text).groups()  # type: ignore[union-attr]
    try:
        moment = datetime.fromisoformat(whole.upper() + offset.upper().replace("Z", "+00:00"))
    except ValueError as error:
        raise Refused("unreadable") from error
    return (moment - _EPOCH) // timedelta(milliseconds=1) + math.floor(Fraction(fraction or "0") * 1000)


def read_json(value: bytes) -> dict[str, Any]:
    """Read an object; raise Refused(unreadable)."""
    try:
        found = json.loads(value.decode(), parse_constant=_no)
        if b"\\ud" in value.lower():  # half a character is none
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refused("unreadable") from error
    if not isinstance(found, dict):
        raise Refused("unreadable")
    return found


def _no(text: str) -> Any:
    raise ValueError(text)


def read_usage(value: bytes, headers: dict[str, bytes]) -> Usage:
    """Read a usage event in either content mode; raise Refused(unreadable)."""
    try:
        binary = "ce_specversion" in headers and not headers.get("content-type", b"").startswith(b"application/cloud")
        if binary:
            event: dict[str, Any] = {key[3:]: text.decode() for key, text in headers.items() if key[:3] == "ce_"}
            event["data"] = read_json(value)
        else:
            event = read_json(value)
        kind = re.fullmatch(r"ai\.drawdown\.usage\.(gpu-container|fine-tuning|inference)\.v1", event["type"])
        if kind is None or event["specversion"] != "1.0":
            raise Refused("unreadable")
        return _measured(kind[1], event, event["data"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Refused("unreadable") from error


def usage_in(topic: str, value: bytes, headers: dict[str, bytes]) -> Usage | None:
    """Read the usage that an input carries, None for the commands that carry none; raise Refused(unreadable)."""
    if topic != "plan-commands":
        return read_usage(value, headers)
    command = read_json(value)
    if command.get("command") != "replay_usage":
        return None
    try:
        carried = {entry["name"]: b64decode(entry["value"], validate=True) for entry in command.get("headers", [])}
        usage = read_usage(b64decode(command["value"], validate=True), carried)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("unreadable") from error
    if usage.account != command["account"]:
        raise Refused("unreadable")
    return usage


def _measured(service: str, event: dict[str, Any], data: dict[str, Any]) -> Usage:
    end = instant(event["time"])
    dimensions = {key: _text(data[key]) for key in MODELS[service]}
    if data.get("region") is not None:
        dimensions["region"] = _text(data["region"])
    head = (_text(event["subject"]), _text(event["source"]), _text(event["id"]), service)
    if service == "inference":
        counts = [(meter, Fraction(_whole(data[meter]))) for meter in METERS[service] if meter in data]
        return Usage(*head, _text(data["endpoint"]), dimensions, None, end, [pair for pair in counts if pair[1]])
    start, gpus = instant(data["from"]), _thousandths(data["gpu_count"])
    if instant(data["to"]) != end or not 0 <= end - start <= DAY:
        raise Refused("unreadable")
    length = Fraction(end - start, 1000)
    if service == "fine-tuning":
        quantities = [("gpu_seconds", length * gpus)]
    else:
        running = {"running": 1, "stopped": 0}[data["state"]]
        stored = length * _thousandths(data.get("storage_gb", 0))
        quantities = [("gpu_seconds", length * gpus * running), ("storage_gb_seconds", stored)]
    resource, final = _text(data["job" if service == "fine-tuning" else "container"]), data.get("final", False)
    if service == "fine-tuning" and not isinstance(final, bool):
        raise Refused("unreadable")
    kept = [pair for pair in quantities if pair[1]]
    return Usage(*head, resource, dimensions, start, end, kept, gpus, service == "fine-tuning" and final)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused("unreadable")
    return value


def _whole(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise Refused("unreadable")
    return number


def _thousandths(number: Any) -> Fraction:
    if (
        isinstance(number, str)
        and re.fullmatch(r"-?\d{1,12}(\.\d{1,3}0*)?", number, re.ASCII)
        and Fraction(number) >= 0
    ):
        return Fraction(number)
    return Fraction(_whole(number))
