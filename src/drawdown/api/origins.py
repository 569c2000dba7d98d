"""Which sites' scripts may use the API from a browser (CORS): none, unless the settings name them."""

from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from drawdown.domain.limits import API_CORS_AGE_SECONDS

_METHODS: Final = ("GET", "POST", "PUT")
_SENT: Final = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer", "X-Request-Id",
)  # fmt: skip
_SHOWN: Final = (
    "Content-Disposition", "Drawdown-Commit", "ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id",
)  # fmt: skip


def let_in(app: FastAPI, origins: Sequence[str]) -> None:
    """Let scripts of these origins use the API. No cookies: who asks is told by the key that a request shows."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_credentials=False,
            allow_methods=_METHODS,
            allow_headers=_SENT,
            expose_headers=_SHOWN,
            max_age=API_CORS_AGE_SECONDS,
        )
