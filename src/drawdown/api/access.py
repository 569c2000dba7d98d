"""Who asks, and what they may: keys in the header Authorization, scopes by route, accounts by key."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from drawdown.api.context import Context, context_of
from drawdown.api.problems import Problem
from drawdown.operate.accounts import view_of
from drawdown.operate.keys import SCOPES, Key, Scope, recognized

_bearer: Final = HTTPBearer(auto_error=False, description="an API key, made with `drawdown keys create`")
READERS: Final = frozenset(SCOPES)
_SCHEME: Final = "bearer"
_MS: Final = 1_000


class KeyedRoute(APIRoute):
    """A route that knows who asks before it reads what they send, so that none but a key's holder has a body read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give FastAPI's handler, behind the key."""
        handler = super().get_route_handler()

        async def keyed(request: Request) -> Response:
            identified(request, await context_of(request))
            return await handler(request)

        return keyed


async def caller(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Key:
    """Give the key that a request shows, which its KeyedRoute has read."""
    return cast(Key, request.state.caller)


def identified(request: Request, held: Context) -> Key:
    """Give the key that a request shows, and keep it as the request's `caller`.

    Raise Problem for none, for one that opens nothing, or that asks too often.
    """
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    key = None if scheme.lower() != _SCHEME else recognized(shown, held.keyring.keys, held.desk.clock.now_ms())
    who = f"address {request.client.host if request.client else ''}" if key is None else f"key {key.prefix}"
    rates = held.customers if key is None or key.scope == "account" else held.services
    wait_ms = rates.wait_ms(who, held.desk.clock.monotonic_ms())
    if wait_ms:
        headers = {"Retry-After": str(-(-wait_ms // _MS))}
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", f"{who} asks too often", headers=headers)
    if key is None:
        detail = "no live API key: send one as `Authorization: Bearer dd_…`; `drawdown keys create` makes one"
        headers = {"WWW-Authenticate": "Bearer"}
        raise Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=headers)
    request.state.key, request.state.caller = key.prefix, key
    return key


class Allowed:
    """A dependency that lets some scopes through, and gives the caller's key."""

    def __init__(self, scopes: frozenset[Scope]) -> None:
        """Let these through."""
        self.scopes = scopes

    async def __call__(self, key: Annotated[Key, Depends(caller)]) -> Key:
        """Raise Problem for a key of another scope."""
        if key.scope not in self.scopes:
            told = ", ".join(sorted(self.scopes))
            detail = f"a key of scope {key.scope} may not do this; {told} may"
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", detail)
        return key


def check_sees(key: Key, account: str) -> None:
    """Raise Problem for an account that is not the key's, as if there were none."""
    if key.account is not None and key.account != account:
        raise unknown_account(account)


async def check_open(held: Context, account: str) -> None:
    """Raise Problem when there is no such account: its command would be a dead letter."""
    if await view_of(held.desk, account) is None:
        raise unknown_account(account)


def unknown_account(account: str) -> Problem:
    """Give the problem of an account that there is not, or not for this caller."""
    return Problem(HTTPStatus.NOT_FOUND, "unknown_account", f"account {account} was never opened")
