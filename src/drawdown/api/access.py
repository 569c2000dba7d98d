"""Who asks, and what they may: keys in the header Authorization, scopes by route, accounts by key."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from drawdown.api.context import Context, context_of
from drawdown.api.problems import Problem
from drawdown.operate.accounts import view_of
from drawdown.operate.keys import SCOPES, Key, Scope, recognized

_bearer: Final = HTTPBearer(auto_error=False, description="an API key, made with `drawdown keys create`")
READERS: Final = frozenset(SCOPES)
_MS: Final = 1_000


async def caller(
    request: Request,
    held: Annotated[Context, Depends(context_of)],
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Key:
    """Give the key that a request shows. Raise Problem for none, for one that opens nothing, or that asks too often."""
    return identified(request, held, None if shown is None else shown.credentials)


def identified(request: Request, held: Context, shown: str | None) -> Key:
    """Do the same for what a request shows after `Bearer`."""
    key = None if shown is None else recognized(shown, held.keyring.keys, held.desk.clock.now_ms())
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
    request.state.key = key.prefix
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
