"""Overage drawn from vouchers, top-ups and debt by the second agent of a worker, on a real Kafka and Redis."""

import asyncio
from fractions import Fraction

from msgspec.structs import replace
from tests.support import credit
from tests.support.load import ACCOUNTS, call, calls, conserved, flush, now_ms, stage_on, started

from drawdown.demo.stage import Stage
from drawdown.local.stack import LocalStack
from drawdown.topics import CHARGES, CREDIT_CHARGING, WALLET_COMMANDS
from drawdown.wire.instants import format_instant

PAYERS = ACCOUNTS[::2]  # they have no plan
PAYER = PAYERS[0]
MANY = 100_000_000  # tokens: 16.5 USD and a little for the output
EVENTS, SECOND = 3_000, 1_000


async def test_overage_is_drawn_from_a_voucher_then_a_top_up_then_becomes_debt(stack: LocalStack, prefix: str) -> None:
    now = now_ms()
    async with stage_on(stack, prefix) as stage:
        await stage.publish([credit.voucher(PAYER, now, "10"), credit.open_wallet(PAYER, now)])
        await started(stage)
        rejected = await stage.read()
        assert [dict(letter.headers)["reason"] for letter in rejected["dead-letters"]] == [b"unknown_account"]
        await stage.publish([credit.voucher(PAYER, now, "10"), credit.top_up(PAYER, now)])  # a rejected id is free
        await stage.all_taken()
        usage = [call(number, now, tokens=MANY, account=PAYER) for number in range(5)]
        await stage.publish(usage)
        summary = await conserved(stage, len(usage))
        lines = await credit.drawn(stage)
        assert [kind for _, kind, _ in lines] == ["voucher", *["top_up"] * 3, *["debt"] * 3]
        sums = await credit.paid(stage)
        assert (sums["voucher"], sums["top_up"]) == (Fraction(10), Fraction(25))
        assert sum(sums.values()) == Fraction(summary.paid["USD"]["on demand"])
        assert summary.drawn == summary.overages == len(usage)
        assert len(await credit.events(stage, "voucher_used_up")) == 1


async def test_a_payment_after_the_usage_pays_its_debt(stack: LocalStack, prefix: str) -> None:
    now = now_ms()
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        await stage.publish([call(0, now, tokens=MANY, account=PAYER)])
        await stage.all_taken()
        await stage.publish([credit.top_up(PAYER, now), credit.top_up(PAYER, now)])
        await stage.all_taken()
        await stage.publish([call(1, now, tokens=MANY, account=PAYER)])
        await conserved(stage, 2)
        (settled,) = await credit.events(stage, "debt_paid")
        (first, owed), *rest = [(kind, amount) for _, kind, amount in await credit.drawn(stage)]
        assert (first, Fraction(settled["amount"])) == ("debt", owed)
        assert rest == [("top_up", 25 - owed), ("debt", 2 * owed - 25)]


async def test_a_killed_worker_and_an_empty_redis_change_nothing_that_is_drawn(stack: LocalStack, prefix: str) -> None:
    now = now_ms()
    async with stage_on(stack, prefix) as stage:
        await stage.publish(credit.open_wallet(account, now) for account in PAYERS)
        await started(stage)
        await stage.publish(credit.voucher(account, now, "0.003") for account in PAYERS)
        await stage.publish(credit.adjust(account, now, "0.004") for account in PAYERS[::2])
        publishing = asyncio.create_task(stage.publish(calls(0, EVENTS, now)))
        await until_drawn(stage, 100)
        stage.workers[0].kill()
        assert await flush(stage)
        stage.start_worker()
        await publishing
        summary = await conserved(stage, EVENTS)
        sums = await credit.paid(stage)
        assert summary.drawn == summary.overages
        assert sums["voucher"] == Fraction("0.003") * len(PAYERS)
        assert sums["top_up"] == Fraction("0.004") * len(PAYERS[::2])
        assert sums["debt"] > 0


async def until_drawn(stage: Stage, count: int) -> None:
    """Wait until the wallet has drawn so many overages."""
    async with asyncio.timeout(60):
        while len(await credit.said(stage, CHARGES, "wallet")) < count:
            stage.check_alive()
            await asyncio.sleep(0.02)


async def test_without_the_wallet_overages_wait_for_a_credit_service_and_nothing_draws_them(
    stack: LocalStack, prefix: str
) -> None:
    async with stage_on(stack, prefix, wallet=False) as stage:
        await started(stage)
        await stage.publish(calls(0, 400, now_ms()))
        summary = await conserved(stage, 400)
        log = await stage.read()
        assert WALLET_COMMANDS not in log
        overages = await credit.said(stage, CREDIT_CHARGING, "plans")
        assert len(overages) == summary.overages == 200
        assert await credit.said(stage, CHARGES, "wallet") == []
        assert {kind for kind, amount in summary.paid["USD"].items() if Fraction(amount)} == {"plan", "on demand"}
        assert summary.drawn == 0


async def test_a_voucher_is_forfeited_after_expiry_and_window_by_the_logs_own_clock(
    stack: LocalStack, prefix: str
) -> None:
    base = now_ms() - 3_600 * SECOND
    expires = base + 30 * SECOND
    settings = {"shards": 1, "timestamp_type": "CreateTime", "skew_seconds": 0}
    windows = {"window_seconds": 60, "inference_window_seconds": 60}
    last = replace(call(3, expires, account=PAYER), time=expires + 59 * SECOND)  # appended just within the window
    async with stage_on(stack, prefix, base, **settings, **windows) as stage:
        await stage.publish([credit.open_wallet(PAYER, base)])
        await started(stage)
        await stage.publish([credit.voucher(PAYER, base, "10", expires)])
        await stage.all_taken()
        ends = (expires - 1, expires, expires + 1)
        await stage.publish([*(call(number, end, account=PAYER) for number, end in enumerate(ends)), last])
        await stage.all_taken()
        await until_carried(stage, last.time)
        await stage.settled()
        payers = [(event, kind) for event, kind, _ in await credit.drawn(stage)]
        assert payers == [("call-0", "voucher"), ("call-1", "voucher"), ("call-2", "debt"), ("call-3", "voucher")]
        assert await credit.events(stage, "voucher_forfeited") == []  # the wall clock is long past it
        at = expires + 71 * SECOND
        await stage.publish([call(4, at, account=PAYER)])
        async with asyncio.timeout(60):
            while not (forfeited := await credit.events(stage, "voucher_forfeited")):
                stage.check_alive()
                await asyncio.sleep(0.1)
        spent = (await credit.paid(stage))["voucher"]
        assert [(Fraction(event["amount"]), event["appended"]) for event in forfeited] == [
            (10 - spent, format_instant(at))
        ]
        await conserved(stage, 5)


async def until_carried(stage: Stage, watermark: int) -> None:
    """Wait until the plans ledger has carried so high a watermark, and the wallet has taken it."""
    async with asyncio.timeout(60):
        while True:
            ticks = [dict(record.headers) for record in (await stage.read())[CREDIT_CHARGING] if not record.value]
            if any(int(tick["watermark"]) >= watermark for tick in ticks) and not await stage.waiting():
                return
            stage.check_alive()
            await asyncio.sleep(0.1)
