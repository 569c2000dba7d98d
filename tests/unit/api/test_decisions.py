"""What the ledgers decided reaches all who wait for it, before or after they ask."""

import asyncio

import msgspec

from drawdown.api.decisions import Decisions, Redemption
from drawdown.engine.records import Record
from drawdown.operate.desk import Position
from drawdown.topics import ACCOUNT_EVENTS, WALLET_COMMANDS

AT = Position(WALLET_COMMANDS, 3, 7)


def granted(offset: int = 0) -> Record:
    said = {"kind": "voucher_granted", "account": "acme", "credit": "r-1", "code": None, "position": AT}
    return Record(ACCOUNT_EVENTS, 3, offset, 0, b"acme", msgspec.json.encode(said))


async def test_one_that_came_before_it_was_asked_for_is_kept() -> None:
    decisions = Decisions()
    decisions.take(granted())
    assert [one.said["kind"] for one in await decisions.of(AT, 0)] == ["voucher_granted"]


async def test_all_who_wait_are_woken_though_one_of_them_gave_up() -> None:
    decisions = Decisions()
    redemption = Redemption("acme", "r-1")
    waiting = [asyncio.create_task(decisions.of(redemption, seconds)) for seconds in (0, 60, 60)]
    assert await waiting[0] == ()
    decisions.take(granted())
    assert [len(found) for found in await asyncio.gather(*waiting[1:])] == [1, 1]
    assert decisions._waiting == {}


async def test_what_is_forgotten_is_waited_for_anew() -> None:
    decisions = Decisions()
    decisions.take(granted())
    decisions.forget(AT)
    assert await decisions.of(AT, 0) == ()
    decisions.take(granted(1))
    assert [one.offset for one in await decisions.of(AT, 0)] == [1]


async def test_what_is_no_commands_is_not_kept() -> None:
    decisions = Decisions()
    usage = {"topic": "usage.inference", "partition": 3, "offset": 7}
    said = {"kind": "amount_used", "account": "acme", "credit": None, "position": usage}
    decisions.take(Record(ACCOUNT_EVENTS, 3, 0, 0, b"acme", msgspec.json.encode(said)))
    decisions.take(Record(ACCOUNT_EVENTS, 3, 1, 0, b"acme", b""))
    assert decisions._found == {}
