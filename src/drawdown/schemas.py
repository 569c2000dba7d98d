"""Schemas of every message, the AsyncAPI and OpenAPI documents, from the definitions: `python -m drawdown.schemas`."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from pydantic import TypeAdapter

from drawdown.api.app import create_app
from drawdown.scenario.form import Scenario
from drawdown.topics import DEAD_LETTERS, USAGE
from drawdown.wire.registry import MESSAGES, Message

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path("schemas")
ASYNCAPI = "asyncapi.json"
OPENAPI = "openapi.json"  # of the HTTP API; clients are generated from it
SCENARIO = "scenario.v1.json"  # a file that people write (docs/scenarios.md), not a message
_DEAD_LETTER_HEADERS = {
    "reason": "why it was refused: one of a closed set of codes",
    "detail": "what happened, which value, in words",
    "topic": "where it came from; with partition and offset",
    "partition": "decimal",
    "offset": "decimal",
    "timestamp": "append time, ms since 1970 UTC, decimal",
    "ledger": "which ledger refused it",
    "rules": "of that ledger, decimal",
    "size": "bytes of the refused value, decimal",
    "sha256": "of the refused value; the value itself is empty when it was too large to keep",
}


def documents() -> dict[str, str]:
    """Give file name → text of everything under schemas/ that is generated."""
    made = {message.file: _written(schema_of(message)) for message in MESSAGES}
    made[ASYNCAPI] = _written(asyncapi())
    made[OPENAPI] = _written(create_app().openapi())
    made[SCENARIO] = _written({"$schema": DIALECT, **_schema(Scenario), "title": "scenario v1"})
    return made


def schema_of(message: Message) -> dict[str, Any]:
    """Give a message's JSON Schema; for usage, that of the whole CloudEvent in structured content mode."""
    schema = _schema(message.definition)
    if message.service:
        schema = _cloudevent(message, schema)
    schema.pop("title", None)
    return {"$schema": DIALECT, "title": f"{message.name} v{message.version}", **schema}


def _schema(definition: Any) -> dict[str, Any]:
    if issubclass(definition, msgspec.Struct):
        (schema,), parts = msgspec.json.schema_components([definition], ref_template="#/$defs/{name}")
        own = schema["$ref"].rpartition("/")[2]
        rest = {name: part for name, part in parts.items() if name != own}
        return {**parts[own], **({"$defs": rest} if rest else {})}
    schema = TypeAdapter(definition).json_schema()
    schema.pop("title", None)
    return schema


def _cloudevent(message: Message, data: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    properties = {
        "specversion": {"const": "1.0"},
        "id": {**text, "maxLength": 256, "description": "with source, what identifies the event; never reused"},
        "source": {**text, "maxLength": 256},
        "type": {"const": message.event_type},
        "subject": {**text, "maxLength": 128, "description": "the account; also the record's key"},
        "time": {"type": "string", "format": "date-time", "description": "the end of the usage"},
        "data": data,
    }
    told = data.pop("description", "")
    data.pop("title", None)
    return {
        "type": "object",
        "description": told,
        "properties": properties,
        "required": list(properties),
    }


def asyncapi() -> dict[str, Any]:
    """Give the AsyncAPI 3 document: topics as channels, keys, headers, content modes, who sends and who receives."""
    topics = sorted({topic for message in MESSAGES for topic in message.topics})
    channels: dict[str, Any] = {topic: _channel(topic) for topic in topics}
    channels[DEAD_LETTERS] = {
        "address": DEAD_LETTERS,
        "description": "Refused inputs: the bytes as they came, and why, in the headers.",
        "messages": {"dead-letter": {"$ref": "#/components/messages/dead-letter"}},
    }
    messages = {message.name: _message(message) for message in MESSAGES}
    messages["dead-letter"] = {
        "name": "dead-letter",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "properties": {
                name: {"type": "string", "description": told} for name, told in _DEAD_LETTER_HEADERS.items()
            },
            "required": list(_DEAD_LETTER_HEADERS),
        },
        "payload": {"type": "string"},
        "bindings": {"kafka": {"key": {"type": "string", "description": "of the refused record"}}},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Drawdown",
            "version": "1",
            "description": "Consumers read committed records and skip empty values, which only carry a watermark.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {name: _operation(name, channel) for name, channel in channels.items()},
        "components": {"messages": messages},
    }


def _channel(topic: str) -> dict[str, Any]:
    names = [message.name for message in MESSAGES if topic in message.topics]
    return {"address": topic, "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names}}


def _operation(topic: str, channel: dict[str, Any]) -> dict[str, Any]:
    taken = any(message.direction == "in" for message in MESSAGES if topic in message.topics)
    return {
        "action": "receive" if taken else "send",
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in channel["messages"]],
    }


def _message(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": message.name,
        "title": f"{message.name} v{message.version}",
        "contentType": "application/json",
        "payload": {"schemaFormat": f"application/schema+json;version={DIALECT}", "schema": {"$ref": message.file}},
        "bindings": {"kafka": {"key": {"type": "string", "description": message.key}}},
    }
    if set(message.topics) & set(USAGE):
        told["contentType"] = "application/cloudevents+json"
        told["description"] = (
            "Structured content mode as described here; or binary: the attributes in headers ce_specversion, ce_id,"
            " ce_source, ce_type, ce_subject and ce_time, the value being `data` alone."
        )
    return told


def _written(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def stale(folder: Path) -> list[str]:
    """List the files that are missing, differ from the definitions, or that no message has."""
    made = documents()
    found = [
        name for name, text in made.items() if not (folder / name).is_file() or (folder / name).read_text() != text
    ]
    return found + [path.name for path in sorted(folder.glob("*.json")) if path.name not in made]


def main(arguments: list[str]) -> int:
    """Write the files, or with --check say which are out of date; give the exit code."""
    if arguments == ["--check"]:
        for name in (old := stale(FOLDER)):
            sys.stderr.write(f"{FOLDER / name} is out of date: run `make schemas`\n")
        return min(len(old), 1)
    FOLDER.mkdir(exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
