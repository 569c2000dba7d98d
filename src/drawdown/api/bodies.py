"""Bodies of requests: the ledgers' commands without what path, headers and key say already."""

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, create_model

from drawdown.wire.basics import StrictMessage

_ALWAYS = ("command", "version", "id")


def body_of(message: type[StrictMessage], *, without: Collection[str] = (), **more: Any) -> type[BaseModel]:
    """Give a command's message without some of its fields; what is left is checked as the ledger checks it.

    more: annotations of fields that the request has besides.
    """
    left = {*_ALWAYS, *without}
    fields: dict[str, Any] = {
        name: (field.annotation, field) for name, field in message.model_fields.items() if name not in left
    }
    fields |= {name: (kind, ...) for name, kind in more.items()}
    name = message.__name__.removesuffix("Message")
    return create_model(name, __base__=StrictMessage, __doc__=message.__doc__, **fields)
