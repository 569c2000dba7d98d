"""API keys: what is kept of them opens nothing by itself, and only a live key is known again."""

import msgspec
import pytest

from drawdown.engine.records import Record
from drawdown.errors import BadInput
from drawdown.operate.keys import SCOPES, Key, Scope, draw, holder_of, recognized, taken_up, views
from drawdown.topics import API_KEYS

DAY = 86_400_000
NOW = 1_764_000_000_000


def kept(scope: Scope = "operator", account: str | None = None, days: int | None = 30) -> tuple[Key, str]:
    return draw("ops", scope, account, NOW, days)


def record(key: str, value: bytes | None) -> Record:
    return Record(API_KEYS, 0, 0, NOW, key.encode(), value)


def test_a_key_is_known_again_by_its_text_alone() -> None:
    key, text = kept()
    assert recognized(text, {key.prefix: key}, NOW) == key
    assert text.startswith(f"dd_{key.prefix}_")
    assert len(text) == len("dd_") + 8 + 1 + 43
    secret = text.rpartition(key.prefix)[2][1:]
    assert secret not in msgspec.json.encode(key).decode()


def test_any_other_text_opens_nothing() -> None:
    key, text = kept()
    other, other_text = kept()
    keys = {key.prefix: key, other.prefix: other}
    last = "A" if text[-1] != "A" else "B"
    swapped = f"dd_{key.prefix}_{other_text[-43:]}"
    for wrong in ("", "dd_", text[:-1], text[:-1] + last, text + "A", swapped, text.upper(), " " + text, key.digest):
        assert recognized(wrong, keys, NOW) is None
    assert recognized(text, {other.prefix: other}, NOW) is None


def test_an_expired_or_revoked_key_opens_nothing() -> None:
    key, text = kept(days=1)
    assert recognized(text, {key.prefix: key}, NOW + DAY - 1) == key
    assert recognized(text, {key.prefix: key}, NOW + DAY) is None
    ended = msgspec.structs.replace(key, revoked_at=NOW)
    assert recognized(text, {key.prefix: ended}, NOW) is None
    lasting, text = kept(days=None)
    assert recognized(text, {lasting.prefix: lasting}, NOW + 10_000 * DAY) == lasting


def test_a_key_for_one_account_names_it_and_no_other_does() -> None:
    for scope in SCOPES:
        if scope in {"account", "read-only"}:
            assert kept(scope, "acme")[0].account == "acme"
        else:
            with pytest.raises(BadInput, match="sees all accounts"):
                kept(scope, "acme")
    with pytest.raises(BadInput, match="name it"):
        kept("account")


def test_the_newest_record_of_a_prefix_holds() -> None:
    key, _ = kept()
    ended = msgspec.structs.replace(key, revoked_at=NOW)
    keys: dict[str, Key] = {}
    for one in (key, ended):
        taken_up(record(key.prefix, msgspec.json.encode(one)), keys)
    assert keys == {key.prefix: ended}


@pytest.mark.parametrize("value", [b"", b"{}", b"null", b"\xff", None], ids=repr)
def test_a_record_that_is_no_key_ends_the_one_before_it(value: bytes | None) -> None:
    key, _ = kept()
    keys = {key.prefix: key}
    taken_up(record(key.prefix, value), keys)
    assert keys == {}


def test_a_key_under_another_ones_prefix_is_not_taken_up() -> None:
    key, _ = kept()
    keys: dict[str, Key] = {}
    taken_up(record("aaaaaaaa", msgspec.json.encode(key)), keys)
    assert keys == {}


def test_people_see_status_and_no_digest() -> None:
    live, _ = kept()
    old, _ = kept(days=1)
    ended = msgspec.structs.replace(kept()[0], revoked_at=NOW)
    shown = views([live, old, ended], NOW + 2 * DAY)
    assert [one.status for one in shown] == ["live", "expired", "revoked"]
    assert live.digest not in repr(shown)


@pytest.mark.parametrize("text", ["", "a\nb", "x" * 129])
def test_a_holder_is_a_name(text: str) -> None:
    with pytest.raises(BadInput, match="holder"):
        holder_of(text)
