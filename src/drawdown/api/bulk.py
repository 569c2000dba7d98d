"""Many codes issued for one request: each once, however often it is sent."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from drawdown.api.context import Context
from drawdown.api.issuing import Decision
from drawdown.api.problems import later, refused
from drawdown.domain.limits import API_SEND_SECONDS
from drawdown.engine.input import Input
from drawdown.engine.records import Record
from drawdown.ledgers.codes import CodesLedger
from drawdown.topics import CODE_COMMANDS

_CONTENT_BYTES: Final = 8
_STEP_SECONDS: Final = 0.05  # between two looks whether the codes are there
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = CodesLedger().decode


class _Code(NamedTuple):
    """A command to send, and as its ledger reads it."""

    value: bytes
    item: Input


async def issued(held: Context, commands: Sequence[dict[str, Any]], seconds: float) -> Decision:
    """Issue codes that are not issued yet, and wait until all can be redeemed; pending when time is up.

    Raise Problem when one of them was issued on other terms: the codes follow from the Idempotency-Key.
    """
    with held.issuer.waiting() as counted:
        clock = held.desk.clock
        codes = [_read(command) for command in commands]
        missing = await _missing(held, codes)
        deadline = clock.monotonic_ms() + int(seconds * 1000)
        replayed = not missing
        if missing:
            await _send(held, missing)
        while missing := await _missing(held, missing):
            if clock.monotonic_ms() >= deadline:
                break
            await asyncio.sleep(_STEP_SECONDS)
        return counted(Decision(bool(missing), replayed, ()))


def _read(command: dict[str, Any]) -> _Code:
    value = _encode(command)
    return _Code(value, _decode(Record(CODE_COMMANDS, 0, 0, 0, command["code"].encode(), value)))


async def _send(held: Context, codes: Sequence[_Code]) -> None:
    """Append commands. Raise Problem when Kafka does not take them in time."""
    try:
        async with asyncio.timeout(API_SEND_SECONDS):
            await held.desk.send_all(CODE_COMMANDS, [(code.item.key, code.value) for code in codes])
    except TimeoutError as error:
        detail = f"Kafka did not take the codes within {API_SEND_SECONDS} s; some may be on the log all the same"
        raise later(f"{detail}: send the request again under the same Idempotency-Key") from error


async def _missing(held: Context, codes: Sequence[_Code]) -> list[_Code]:
    """Give those that Redis does not know. Raise Problem for one that it knows otherwise."""
    by_shard: dict[int, list[_Code]] = defaultdict(list)
    for code in codes:
        by_shard[held.desk.shard_of(code.item.key.encode())].append(code)
    missing = []
    for shard, some in by_shard.items():
        identities, keys = [code.item.identity for code in some], [code.item.key for code in some]
        found = await held.desk.cache("codes").look_up(shard, identities, keys)
        for index, code in enumerate(some):
            known = found.known.get(index)
            if known is None and found.states[index] is None:
                missing.append(code)
            elif known is None or known[:_CONTENT_BYTES] != code.item.content:
                detail = "this Idempotency-Key stands for codes on other terms, or of a week ago; use a new one"
                raise refused("id_conflict", detail)
    return missing
