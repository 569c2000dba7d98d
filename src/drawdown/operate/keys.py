"""API keys: drawn, kept as digests on the topic `api-keys`, known again, revoked."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import msgspec

from drawdown.domain.errors import Reject
from drawdown.domain.limits import API_KEYS_LIVE_MAX, DAY_MS
from drawdown.engine.records import Record
from drawdown.errors import BadInput, UserError
from drawdown.operate.desk import Desk
from drawdown.topics import API_KEYS
from drawdown.wire.parsing import name

Scope = Literal["operator", "sales", "support", "account", "read-only"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
_TEXT: Final = re.compile(r"dd_([a-z2-7]{8})_([A-Za-z0-9_-]{43})", re.ASCII)
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PREFIX_LETTERS: Final = 8
_SECRET_BYTES: Final = 32  # 256 bits, so that a plain digest tells nothing of it
_NO_DIGEST: Final = "0" * 64


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key as it is kept. Instants in ms.

    prefix: names it, and is no secret. holder: who uses it; written into what is done with it. account: the only one
    that it sees; None for all of them. digest: SHA-256 of the secret, hexadecimal.
    """

    prefix: str
    holder: str
    scope: Scope
    account: str | None
    digest: str
    made_at: int
    expires_at: int | None
    revoked_at: int | None = None
    version: Literal[1] = 1

    def live(self, now: int) -> bool:
        """Say whether it opens anything at an instant."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Key).decode


@dataclass(frozen=True)
class KeyView:
    """A key for people: everything but its digest. status: live, expired or revoked; instants in ms."""

    prefix: str
    holder: str
    scope: str
    account: str | None
    status: str
    made_at: int
    expires_at: int | None


def draw(holder: str, scope: Scope, account: str | None, now: int, days: int | None) -> tuple[Key, str]:
    """Draw a key; give what is kept of it, and the text that its holder keeps. days: how long it lives."""
    if scope == "account" and account is None:
        raise BadInput("a key of scope account sees one account: name it")
    if account is not None and scope not in {"account", "read-only"}:
        raise BadInput(f"a key of scope {scope} sees all accounts: name none, or give scope account or read-only")
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(_PREFIX_LETTERS))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    expires_at = None if days is None else now + days * DAY_MS
    return Key(prefix, holder, scope, account, _digest(secret), now, expires_at), f"dd_{prefix}_{secret}"


def holder_of(text: str) -> str:
    """Give a holder's name back; raise BadInput when it is none."""
    try:
        return name(text, "holder")
    except Reject as reject:
        raise BadInput(reject.detail) from reject


def recognized(text: str, keys: Mapping[str, Key], now: int) -> Key | None:
    """Find the live key that a caller shows; None for any other text. keys: by prefix."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    key = keys.get(match[1])
    same = hmac.compare_digest(_digest(match[2]), _NO_DIGEST if key is None else key.digest)
    return key if key is not None and same and key.live(now) else None


def taken_up(record: Record, keys: dict[str, Key]) -> None:
    """Take a record of `api-keys` up: the newest of a prefix holds. One that cannot be read opens nothing."""
    prefix = (record.key or b"").decode("utf-8", "replace")
    try:
        key = _decode(record.value or b"")
    except msgspec.MsgspecError:
        keys.pop(prefix, None)
        return
    if key.prefix == prefix:
        keys[prefix] = key


def views(keys: Iterable[Key], now: int) -> list[KeyView]:
    """Put keys in words, the oldest first."""
    return [
        KeyView(key.prefix, key.holder, key.scope, key.account, _status(key, now), key.made_at, key.expires_at)
        for key in sorted(keys, key=lambda key: key.made_at)
    ]


async def kept(desk: Desk) -> dict[str, Key]:
    """Read all keys, by prefix."""
    browser = await desk.browser()
    keys: dict[str, Key] = {}
    async for record in browser.read(await browser.spans([(API_KEYS, 0)])):
        taken_up(record, keys)
    return keys


async def create(desk: Desk, holder: str, scope: Scope, account: str | None, days: int | None) -> tuple[Key, str]:
    """Draw a key and keep it. Raise UserError when its holder has as many live ones as a rotation needs."""
    now = desk.clock.now_ms()
    live = [key.prefix for key in (await kept(desk)).values() if key.holder == holder and key.live(now)]
    if len(live) >= API_KEYS_LIVE_MAX:
        raise UserError(
            f"{holder} has {len(live)} live keys ({', '.join(live)}), as many as a rotation needs;"
            f" `drawdown keys revoke PREFIX` ends one"
        )
    key, text = draw(holder, scope, account, now, days)
    await desk.publish_key(key.prefix, _encode(key))
    return key, text


async def revoke(desk: Desk, prefix: str) -> Key:
    """End a key at once. Raise UserError when there is none, or when it is over already."""
    keys = await kept(desk)
    now = desk.clock.now_ms()
    if prefix not in keys:
        raise UserError(f"there is no key {prefix}; `drawdown keys list` shows those that there are")
    if not keys[prefix].live(now):
        raise UserError(f"key {prefix} is {_status(keys[prefix], now)} already")
    ended = msgspec.structs.replace(keys[prefix], revoked_at=now)
    await desk.publish_key(prefix, _encode(ended))
    return ended


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _status(key: Key, now: int) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "live" if key.live(now) else "expired"
