"""Accounts try one code at the same time while owners are lost at every step: it is granted exactly once."""

import json
from fractions import Fraction

import pytest
from tests.support.codes import code_record, issue_code, redeem_code
from tests.support.messages import SECOND, open_account
from tests.support.two_ledgers import POLICY, World, a_world
from tests.support.wallet_messages import record

from drawdown.engine.memory.broker import CommitFault
from drawdown.engine.records import Record
from drawdown.oracle.audit import Audit
from drawdown.oracle.codes import audit_codes
from drawdown.oracle.rater import Oracle
from drawdown.oracle.wallet import WalletOracle
from drawdown.oracle.wallet_audit import audit_wallet
from drawdown.topics import ACCOUNT_EVENTS, CODE_COMMANDS, WALLET_COMMANDS

ACCOUNTS = [f"acc-{number}" for number in range(12)]
AUDITED = ("credit-charging", WALLET_COMMANDS, CODE_COMMANDS, "charges", ACCOUNT_EVENTS, "dead-letters")
FAULTS = (CommitFault.ABORTED, CommitFault.UNANSWERED, CommitFault.LEFT_OPEN)


def findings(world: World) -> list[str]:
    log = {
        topic: [
            Record(topic, shard, entry.offset, entry.timestamp, entry.key, entry.value, entry.headers)
            for shard in range(2)
            for entry in world.read(topic, shard)
        ]
        for topic in AUDITED
    }
    found, wallets = Audit(Oracle()), WalletOracle(POLICY.longest_window_ms + POLICY.skew_ms)
    audit_wallet(log, wallets, found)
    audit_codes(log, wallets, found)
    return found.findings


def ended(world: World) -> int:
    kinds = ("voucher_granted", "redemption_refused")
    return sum(json.loads(entry.value or b"{}")["kind"] in kinds for entry in world.read(ACCOUNT_EVENTS))


@pytest.mark.parametrize("at", range(8))
@pytest.mark.parametrize("fault", [None, *FAULTS])
async def test_one_of_many_gets_the_code_whatever_fails(at: int, fault: CommitFault | None) -> None:
    async with a_world() as world:
        if fault is not None:
            world.broker.faults.extend([None] * at + [fault])
        await world.lane("wallet")
        await world.lane("codes")
        world.append(code_record(issue_code()))
        for account in ACCOUNTS:
            world.append(record(open_account(account)))
            world.append(record(redeem_code(account)))
            world.append(record(redeem_code(account, "ZZ99ZZ99ZZ", "wrong")))
        await world.until(lambda: ended(world) == 2 * len(ACCOUNTS))
        await world.pass_time(10 * SECOND)
        events = world.said(ACCOUNT_EVENTS)
        granted = [event for event in events if event["kind"] == "voucher_granted"]
        assert [Fraction(event["amount"]) for event in granted] == [10]
        refused = sorted(event["code"] for event in events if event["kind"] == "redemption_refused")
        assert refused == ["code_used"] * (len(ACCOUNTS) - 1) + ["wrong_code"] * len(ACCOUNTS)
        assert findings(world) == []


async def test_a_code_that_the_wallet_refuses_goes_to_the_next_who_asks() -> None:
    async with a_world() as world:
        await world.lane("wallet")
        await world.lane("codes")
        world.append(code_record(issue_code()))
        world.append(record(open_account("yen", currency="JPY")))
        world.append(record(redeem_code("yen")))
        await world.until(lambda: ended(world) == 1)
        await world.pass_time(10 * SECOND)
        world.append(record(open_account("acc")))
        world.append(record(redeem_code("acc")))
        await world.until(lambda: ended(world) == 2)
        await world.pass_time(10 * SECOND)
        told = [(event["account"], event["kind"], event["code"]) for event in world.said(ACCOUNT_EVENTS)]
        assert ("yen", "redemption_refused", "wrong_currency") in told
        assert ("acc", "voucher_granted", None) in told
        assert findings(world) == []
