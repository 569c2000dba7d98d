"""Twenty accounts redeem one code at the same time while the worker is killed, on a real Kafka and Redis."""

import asyncio

from tests.support import credit
from tests.support.codes import issue_code, redeem_code
from tests.support.load import ACCOUNTS, conserved, flush, now_ms, stage_on, started
from tests.support.messages import Message, written

from drawdown.demo.stage import Stage
from drawdown.local.stack import LocalStack
from drawdown.topics import ACCOUNT_EVENTS, CODE_COMMANDS, WALLET_COMMANDS
from drawdown.traces.events import Outgoing

TRYING = ACCOUNTS[:20]


def outgoing(message: Message) -> Outgoing:
    if "account" in message:
        return Outgoing(WALLET_COMMANDS, str(message["account"]).encode(), written(message), now_ms())
    return Outgoing(CODE_COMMANDS, str(message["code"]).encode(), written(message), now_ms())


async def test_exactly_one_gets_the_credit(stack: LocalStack, prefix: str) -> None:
    now = now_ms()
    async with stage_on(stack, prefix) as stage:
        await stage.publish(credit.open_wallet(account, now) for account in TRYING)
        await started(stage)
        await stage.publish([outgoing(issue_code())])
        await stage.publish(outgoing(redeem_code(account)) for account in TRYING)
        await until_asked(stage)
        stage.workers[0].kill()
        assert await flush(stage)
        stage.start_worker()
        await conserved(stage, 0)
        granted = await credit.events(stage, "voucher_granted")
        refused = await credit.events(stage, "redemption_refused")
        assert [event["amount"].rstrip("0").rstrip(".") for event in granted] == ["10"]
        assert [event["code"] for event in refused] == ["code_used"] * (len(TRYING) - 1)


async def until_asked(stage: Stage) -> None:
    """Wait until the first redemption is under way."""
    async with asyncio.timeout(60):
        while not [said for said in await credit.said(stage, ACCOUNT_EVENTS, "wallet")
                   if said["kind"] == "redemption_asked"]:  # fmt: skip
            stage.check_alive()
            await asyncio.sleep(0.01)
