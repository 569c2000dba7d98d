"""Inputs of an engine, changed."""

from typing import Any

from drawdown.engine.input import Input

FIELDS = ("key", "identity", "content", "forget_at", "appended", "body", "record", "remember", "service")


def changed(item: Input, **fields: Any) -> Input:
    """Give an input with other values of some fields."""
    return Input(**({name: getattr(item, name) for name in FIELDS} | fields))
