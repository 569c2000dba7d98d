"""The first ledger's watermark is carried to the second: what the second does by time waits for the first's backlog."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from tests.support.engine import A, B
from tests.support.two_ledgers import FORFEIT_AFTER_MS, Lane, World, a_world
from tests.support.wallet_messages import overage, record, top_up

from drawdown.domain.limits import PROBE_INTERVAL_MS, WATERMARK_CARRY_MS, WATERMARK_MARGIN_MS
from drawdown.engine.memory.clock import START_MS
from drawdown.engine.memory.log import MemoryLog
from drawdown.engine.records import Headers, Record
from drawdown.topics import CREDIT_CHARGING

EXPIRES = START_MS + 30_000
# until the wallet has acted on what the plans ledger has passed: carried, taken, timer sent, timer taken
SOON_MS = WATERMARK_MARGIN_MS + WATERMARK_CARRY_MS + 4 * PROBE_INTERVAL_MS


@pytest.fixture
async def two() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def with_a_voucher(world: World) -> tuple[Lane, Lane]:
    """Start both ledgers with an account on shard 0 and its voucher of 10."""
    lanes = await world.start()
    world.open(A)
    world.grant(A, EXPIRES)
    await world.pass_time(1_000)
    return lanes


async def until_expiry(world: World) -> None:
    await world.pass_time(EXPIRES - world.now)


def tick(watermark: int) -> Record:
    return Record(CREDIT_CHARGING, 0, 0, 0, None, b"", (("watermark", b"%d" % watermark),))


# --- carrying ------------------------------------------------------------------------------------


async def test_the_watermark_is_carried_whenever_it_has_moved_far_enough(two: World) -> None:
    await two.lane("plans")
    await two.pass_time(100_000)
    for shard in (0, 1):
        ticks = two.ticks(shard)
        assert 7 <= len(ticks) <= 10
        assert all(later - earlier >= WATERMARK_CARRY_MS for earlier, later in pairwise(ticks))
        assert two.now - SOON_MS <= ticks[-1] <= two.now - WATERMARK_MARGIN_MS


async def test_the_watermark_is_not_carried_while_it_stands_still(two: World) -> None:
    first, _ = await with_a_voucher(two)
    await two.pass_time(20_000)
    first.transport.throttle(0, full=True)
    two.use(A, "late", two.now)
    before = two.ticks()
    await two.pass_time(100_000)
    assert two.ticks() == before
    assert len(two.ticks(1)) > len(before) + 5


async def test_what_was_committed_up_to_a_watermark_stands_before_it(two: World) -> None:
    await with_a_voucher(two)
    for number in range(30):
        two.use(A, f"e-{number}", two.now)
        await two.pass_time(1_700)
    carried = 0
    for entry in two.read(CREDIT_CHARGING, 0):
        if entry.value:
            assert entry.timestamp > carried - WATERMARK_MARGIN_MS
        else:
            carried = int(dict(entry.headers)["watermark"])
            assert carried < entry.timestamp
    assert len(two.paid()) == 30


async def test_a_tick_moves_the_next_ledgers_watermark_and_nothing_else(two: World) -> None:
    _, wallet = await with_a_voucher(two)
    await two.pass_time(60_000)
    assert wallet.watermark() == two.ticks()[-1]
    assert wallet.watermark(1) == two.ticks(1)[-1]
    assert two.read("dead-letters") == []
    assert two.paid() == []
    assert wallet.runtime.counts.rated == 2


async def test_that_a_ledger_has_read_its_input_to_the_end_says_nothing(two: World) -> None:
    wallet = await two.lane("wallet")
    two.append(record(overage(account=A)))
    await two.pass_time(200_000)
    assert wallet.watermark() == 0
    two.append(tick(START_MS + 7), 0)
    await two.pass_time(1_000)
    assert wallet.watermark() == START_MS + 7


async def test_a_record_without_a_key_that_carries_nothing_is_a_dead_letter(two: World) -> None:
    wallet = await two.lane("wallet")
    two.append(Record(CREDIT_CHARGING, 0, 0, 0, None, b"", ()), 0)
    two.append(Record(CREDIT_CHARGING, 0, 0, 0, None, b"", (("watermark", b"soon"),)), 0)
    await two.pass_time(1_000)
    assert len(two.read("dead-letters")) == 2
    assert wallet.watermark() == 0


# --- timers of the second ledger -----------------------------------------------------------------


async def test_a_voucher_is_forfeited_once_the_carried_watermark_has_passed_its_time(two: World) -> None:
    await with_a_voucher(two)
    await two.pass_time(EXPIRES + FORFEIT_AFTER_MS - two.now)
    assert two.forfeited() == []
    await two.pass_time(SOON_MS)
    assert two.forfeited() == ["10.000000000"]
    await two.pass_time(100_000)
    assert len(two.forfeited()) == 1


async def test_a_backlog_in_the_first_ledger_holds_the_seconds_timers_back(two: World) -> None:
    first, _ = await with_a_voucher(two)
    await until_expiry(two)
    first.transport.throttle(0, full=True)  # nothing more is fetched
    two.use(A, "from before the expiry", EXPIRES - 1)
    two.use(A, "at the expiry", EXPIRES)
    two.use(A, "after it", EXPIRES + 1)
    await two.clock.jump(10 * FORFEIT_AFTER_MS)
    await two.pass_time(4 * SOON_MS)
    assert two.forfeited() == []
    first.transport.throttle(0, full=False)
    await two.pass_time(2 * SOON_MS)
    assert two.paid() == [
        ("from before the expiry", "voucher"),
        ("at the expiry", "voucher"),
        ("after it", "debt"),
    ]
    assert two.forfeited() == ["9.670000000"]


async def test_a_first_ledger_that_is_down_holds_them_back_until_its_next_owner(two: World) -> None:
    first, _ = await with_a_voucher(two)
    await until_expiry(two)
    await first.stop()
    two.use(A, "while it is down", EXPIRES)
    await two.pass_time(10 * FORFEIT_AFTER_MS)
    assert two.forfeited() == []
    await two.lane("plans")
    await two.pass_time(2 * SOON_MS)
    assert two.paid() == [("while it is down", "voucher")]
    assert two.forfeited() == ["9.835000000"]


async def test_a_second_ledger_that_lags_takes_the_overage_before_the_tick_behind_it(two: World) -> None:
    _, wallet = await with_a_voucher(two)
    await until_expiry(two)
    wallet.transport.throttle(0, full=True)
    two.use(A, "waits in the second", EXPIRES - 1)
    await two.pass_time(10 * FORFEIT_AFTER_MS)
    assert two.paid() == []
    wallet.transport.throttle(0, full=False)
    await two.pass_time(2 * SOON_MS)
    assert two.paid() == [("waits in the second", "voucher")]
    assert two.forfeited() == ["9.835000000"]


async def test_the_next_owner_of_the_second_ledger_goes_on_from_its_watermark(two: World) -> None:
    _, wallet = await with_a_voucher(two)
    await two.pass_time(60_000)
    before = wallet.watermark()
    await wallet.stop()
    wallet = await two.lane("wallet")
    assert before - SOON_MS <= wallet.watermark() <= before
    await two.pass_time(EXPIRES + FORFEIT_AFTER_MS + SOON_MS - two.now)
    assert two.forfeited() == ["10.000000000"]


# --- zombies -------------------------------------------------------------------------------------


class Stalled(MemoryLog):
    """The log of an owner whose sends outside transactions reach the broker only once `awake` is set."""

    awake: asyncio.Event

    async def send(
        self, topic: str, partition: int, key: bytes | None, value: bytes, timestamp: int | None, headers: Headers = ()
    ) -> None:
        await self.awake.wait()
        await super().send(topic, partition, key, value, timestamp, headers)


async def test_the_tick_of_an_owner_that_slept_does_no_harm(two: World) -> None:
    log = Stalled(two.broker, "plans")
    log.awake = asyncio.Event()
    await two.lane("plans", log=log)  # its first ticks stall
    await two.pass_time(20_000)
    assert two.ticks() == []
    await two.lane("plans")
    wallet = await two.lane("wallet")
    two.open(A)
    two.grant(A, EXPIRES)
    await two.pass_time(60_000)
    newest = wallet.watermark()
    assert newest == two.ticks()[-1]
    log.awake.set()
    await two.pass_time(1_000)
    assert two.ticks()[-1] < newest
    assert wallet.watermark() >= newest
    assert two.forfeited() == []
    assert two.read("dead-letters") == []
    await two.pass_time(EXPIRES + FORFEIT_AFTER_MS + SOON_MS - two.now)
    assert two.forfeited() == ["10.000000000"]


# --- halting one shard ---------------------------------------------------------------------------


async def halted(world: World, wallet: Lane) -> str:
    await world.until(lambda: bool(wallet.runtime.halted))
    assert set(wallet.runtime.halted) == {0}
    assert wallet.runtime.open_shards == {1}
    assert not wallet.runtime.failure.done()
    return str(wallet.runtime.halted[0])


async def test_a_missing_overage_halts_its_shard_and_says_what_is_missing(two: World) -> None:
    wallet = await two.lane("wallet")
    two.append(record(overage(1, account=A)))
    await two.pass_time(1_000)
    two.append(record(overage(3, account=A)))
    said = await halted(two, wallet)
    assert f"credit-charging/0 offset 1: account {A}: overage 3 came after 1" in said
    assert two.paid() == [("e-1", "debt")]


async def test_nothing_of_a_take_that_halts_is_committed(two: World) -> None:
    two.append(record(top_up(account=A)))
    two.append(record(overage(1, account=A)))
    two.append(record(overage(3, account=A)))
    wallet = await two.lane("wallet")
    await halted(two, wallet)
    assert two.read("changelog.wallet", 0) == []
    assert two.paid() == []


async def test_the_other_shards_and_the_other_ledger_go_on(two: World) -> None:
    _, wallet = await two.start()
    for account in (A, B):
        two.open(account)
    two.append(record(overage(2, account=A)))
    await halted(two, wallet)
    two.use(A, "waits", two.now)
    two.use(B, "drawn", two.now)
    await two.pass_time(10_000)
    assert two.paid() == [("drawn", "debt")]
    assert [said["event"]["id"] for said in two.said(CREDIT_CHARGING, "plans")] == ["e-2", "waits", "drawn"]


async def test_the_next_owner_halts_again_at_the_same_place(two: World) -> None:
    two.append(record(overage(2, account=A)))
    first = await two.lane("wallet")
    said = await halted(two, first)
    await first.stop()
    assert await halted(two, await two.lane("wallet")) == said
