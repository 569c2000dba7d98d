"""Debt limits, adjustments and the withdrawal of a code from the command line, each waited for, on a real stack."""

from tests.support.codes import TEXT, issue_code
from tests.support.commands import drawdown
from tests.support.load import conserved, now_ms, stage_on, started
from tests.support.messages import written

from drawdown.local.stack import LocalStack
from drawdown.topics import CODE_COMMANDS
from drawdown.traces.events import Outgoing

BY = ("--reason", "a test", "--operator", "tests")
USD = ("--currency", "USD")


async def test_limits_and_adjustments_are_told_and_kept(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        assert (await drawdown(stage, "account", "open", "acme", *USD)).code == 0
        limited = await drawdown(stage, "wallet", "debt-limit", "acme", "--limit", "5.00", *USD, *BY)
        assert limited.code == 0
        assert "applied: the debt limit is set to 5.000000000 USD by tests: a test" in limited.out
        foreign = await drawdown(stage, "wallet", "debt-limit", "acme", "--none", "--currency", "VND", *BY)
        assert (foreign.code, "wrong_currency" in foreign.out) == (3, True)
        assert (await drawdown(stage, "wallet", "debt-limit", "acme", *USD, *BY)).code == 2
        granted = await drawdown(stage, "wallet", "adjust", "acme", "g", "--kind", "grant", "--amount", "2", *USD, *BY)
        assert "applied: adjusted by tests: a test" in granted.out
        again = await drawdown(stage, "wallet", "adjust", "acme", "g", "--kind", "grant", "--amount", "2", *USD, *BY)
        assert (again.code, "sent before" in again.out) == (0, True)
        off = await drawdown(stage, "wallet", "adjust", "acme", "w", "--kind", "write-off", "--amount", "1", *USD, *BY)
        assert (off.code, "more_than_debt" in off.out) == (3, True)
        wallet = (await drawdown(stage, "account", "show", "acme", "--json")).json["wallet"]
        assert (wallet["debt_limit"], wallet["top_up_credit"]) == ("5.000000000", "2.000000000")
        assert (await drawdown(stage, "wallet", "debt-limit", "acme", "--none", *USD, *BY)).code == 0
        await conserved(stage, 0)


async def test_a_withdrawn_code_is_redeemed_no_more(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        issue = issue_code()
        await stage.publish([Outgoing(CODE_COMMANDS, str(issue["code"]).encode(), written(issue), now_ms())])
        assert (await drawdown(stage, "account", "open", "acme", *USD)).code == 0
        withdrawn = await drawdown(stage, "codes", "withdraw", TEXT, *BY, "--id", "w-1")
        assert (withdrawn.code, withdrawn.out.strip()) == (0, "code-commands: applied")
        assert (await drawdown(stage, "codes", "withdraw", TEXT, *BY, "--id", "w-1")).code == 0
        assert "withdrawn" in (await drawdown(stage, "codes", "show", TEXT)).out
        redeemed = await drawdown(stage, "wallet", "redeem", "acme", TEXT)
        assert (redeemed.code, "code_withdrawn" in redeemed.out) == (3, True)
        unknown = await drawdown(stage, "codes", "withdraw", "NOSUCHCODE", *BY)
        assert (unknown.code, "no such code was issued" in unknown.out) == (3, True)
        assert TEXT not in withdrawn.out + redeemed.out
        await conserved(stage, 0)
