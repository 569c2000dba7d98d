"""Mistakes in `decide` itself, which a replay would repeat, are found by what must hold of every step's money."""

import pytest
from msgspec.structs import replace
from tests.support.engine import SHARDS, owner_of
from tests.support.messages import HOUR, SECOND, activate_plan, command, container, structured
from tests.support.two_ledgers import LEDGERS, World, a_world
from tests.support.verifying import MemorySource

from drawdown.domain.model import Account
from drawdown.domain.wallet.model import Wallet
from drawdown.engine.input import Input
from drawdown.engine.outcome import Outcome
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.verify import Report, verify

ACC = "acc-0"


async def verified(world: World) -> Report:
    return await verify(MemorySource(world.broker, world.caches, world.clock, owner_of, SHARDS), LEDGERS, books=False)


async def used(world: World) -> None:
    for name in ("plans", "wallet"):
        await world.lane(name)
    world.open(ACC)
    await world.pass_time(SECOND)
    world.append(command(activate_plan("p", ACC, amount="0.2", start="2026-01-01T00:00:00Z")))
    world.grant(ACC, world.now + HOUR)
    await world.pass_time(5 * SECOND)
    for number in range(4):
        world.use(ACC, f"u{number}", world.now)
    await world.pass_time(30 * SECOND)


def with_state(outcome: Outcome, state: object) -> Outcome:
    return Outcome(state, outcome.emits, outcome.result, grew=outcome.grew, amounts=outcome.amounts)


async def test_a_plan_that_gives_more_than_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    right = PlansLedger.decide

    def oversold(self: PlansLedger, state: object | None, item: Input) -> Outcome:
        outcome = right(self, state, item)
        after = outcome.state
        if isinstance(after, Account) and after.plans and item.service:
            plans = tuple(replace(plan, spent=plan.amount + 1) for plan in after.plans)
            return with_state(outcome, replace(after, plans=plans))
        return outcome

    monkeypatch.setattr(PlansLedger, "decide", oversold)
    async with a_world() as world:
        await used(world)
        found = {one.invariant for one in (await verified(world)).findings}
    assert {"no_oversell", "conservation"} <= found


async def test_a_wallet_that_forgets_debt(monkeypatch: pytest.MonkeyPatch) -> None:
    right = WalletLedger.decide

    def forgetful(self: WalletLedger, state: object | None, item: Input) -> Outcome:
        outcome = right(self, state, item)
        if isinstance(outcome.state, Wallet) and outcome.state.vouchers and item.service:
            return with_state(outcome, replace(outcome.state, debt=outcome.state.debt + 5))
        return outcome

    monkeypatch.setattr(WalletLedger, "decide", forgetful)
    async with a_world() as world:
        await used(world)
        report = await verified(world)
    assert {one.invariant for one in report.findings} == {"conservation"}
    assert all("credit less debt" in one.expected for one in report.findings)


async def test_overlapping_intervals_are_told_and_are_no_finding() -> None:
    async with a_world() as world:
        await used(world)
        end = world.now
        for ident, start in (("c-first", end - 10 * SECOND), ("c-second", end - 5 * SECOND)):
            world.append(structured(container(start, end, ident=ident, account=ACC)))
        world.append(structured(container(end - 20 * SECOND, end - 10 * SECOND, ident="c-before", account=ACC)))
        await world.pass_time(30 * SECOND)
        report = await verified(world)
    assert report.clean
    (note,) = [note for note in report.notes if note.kind == "overlap"]
    assert "c-first and c-second" in note.text
