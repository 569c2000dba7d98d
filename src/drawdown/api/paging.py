"""Pages of a long answer: `limit` says how many entries one has, and a cursor where the next one begins.

A cursor holds the position of the last entry told, as the values that the answer is sorted by, so that entries which
come or go meanwhile neither shift nor repeat others. It is bound to its query by a digest, which finds mistakes and is
no secret: whoever makes a cursor up sees what they may see anyway, from another place on.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from hmac import compare_digest
from http import HTTPStatus
from typing import Annotated, Final, TypeVar

import msgspec
from fastapi import Query

from drawdown.api.problems import Problem
from drawdown.domain.limits import API_CURSOR_LENGTH_MAX, API_PAGE_DEFAULT, API_PAGE_MAX

Position = tuple[int | str, ...]
T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=API_PAGE_MAX, description=f"entries of a page; {API_PAGE_DEFAULT} unless told")]
Cursor = Annotated[
    str | None,
    Query(max_length=API_CURSOR_LENGTH_MAX, description="`next` of the page before; the first page without"),
]
_DIGEST_BYTES: Final = 12
_LARGEST: Final = 2**62  # of an integer: whoever takes a position up need not fear that it overflows
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_decode: Final = msgspec.json.Decoder(Position).decode


class Listing:
    """A query that is answered in pages."""

    def __init__(self, name: str, shape: Sequence[type[int | str]], filters: Mapping[str, object]) -> None:
        """Name what is listed and in which order. shape: the types of a position; filters: all that the query says.

        Filters are plain values (strings, integers, None, and lists and dicts of them). `limit` is none of them; the
        account of a path is one.
        """
        self._shape = tuple(shape)
        self._query = _encode([name, filters])

    def cursor(self, position: Position) -> str:
        """Give the cursor of what comes after a position. Raise ValueError for one of another shape, or too long."""
        if not self._fits(position):
            raise ValueError(f"position {position!r} is not of shape {self._shape}")
        held = _encode(position)
        text = base64.urlsafe_b64encode(self._digest(held) + held).rstrip(b"=").decode("ascii")
        if len(text) > API_CURSOR_LENGTH_MAX:
            raise ValueError(f"the cursor has {len(text)} characters; at most {API_CURSOR_LENGTH_MAX}")
        return text

    def after(self, cursor: str | None) -> Position | None:
        """Give the position that a cursor stands for, None without one. Raise Problem if it is not this query's."""
        if cursor is None:
            return None
        try:
            read = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            digest, held = read[:_DIGEST_BYTES], read[_DIGEST_BYTES:]
            if compare_digest(digest, self._digest(held)):
                position = _decode(held)
                if self._fits(position) and self.cursor(position) == cursor:
                    return position
        except (binascii.Error, msgspec.DecodeError, ValueError):
            pass  # answered like one of another query
        detail = (
            "the cursor is not one of this query: send `next` of the page before as it was told, with the same filters,"
            " or begin again without a cursor"
        )
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_cursor", detail)

    def page(self, found: Sequence[T], limit: int, position_of: Callable[[T], Position]) -> tuple[list[T], str | None]:
        """Give the first `limit` of what was found, and the cursor of the next page if more than that was found."""
        told = list(found[:limit])
        return told, self.cursor(position_of(told[-1])) if told and len(found) > limit else None

    def _fits(self, position: Position) -> bool:
        return len(position) == len(self._shape) and all(
            isinstance(value, kind) and (isinstance(value, str) or abs(value) <= _LARGEST)
            for value, kind in zip(position, self._shape, strict=True)
        )

    def _digest(self, held: bytes) -> bytes:
        return blake2b(held, digest_size=_DIGEST_BYTES, key=blake2b(self._query, digest_size=32).digest()).digest()
