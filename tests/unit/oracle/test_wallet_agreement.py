"""The wallet ledger and the oracle, which share no code, agree on lives of wallets that neither was written for."""

import re
from collections import defaultdict
from fractions import Fraction

from hypothesis import given
from msgspec.structs import replace
from tests.support.examples import examples
from tests.support.messages import DAY
from tests.support.random_wallets import Life, lives
from tests.support.wallet_messages import overage, record
from tests.support.wallet_raters import GAP, Step, WalletRaters, applied_all, differences

from drawdown.domain.coverage import in_scope
from drawdown.domain.money import CURRENCIES
from drawdown.domain.wallet.credits import draw_order
from drawdown.domain.wallet.notices import limit_reached
from drawdown.oracle.audit import Audit
from drawdown.oracle.rater import Oracle
from drawdown.oracle.reading import instant
from drawdown.oracle.wallet_audit import _check_sources
from drawdown.topics import CODE_COMMANDS

thorough = examples(200)
moderate = examples(60)
CHARGES, EVENTS = "charges", "account-events"


def applied(life: Life) -> list[Step]:
    return [step for step in applied_all(life.records) if not step.code]


def total(steps: list[Step], kind: str) -> Fraction:
    return sum((Fraction(said["amount"]) for step in steps for said in step.events(kind)), Fraction(0))


def spent(steps: list[Step]) -> dict[tuple[str, str | None], Fraction]:
    found: dict[tuple[str, str | None], Fraction] = defaultdict(Fraction)
    for step in steps:
        for said in step.said(CHARGES):
            for line in said["lines"]:
                found[line["payer"]["kind"], line["payer"]["id"]] += Fraction(line["amount"])
    return found


@thorough
@given(lives())
def test_ledger_and_oracle_agree_on_every_outcome(life: Life) -> None:
    assert differences(applied_all(life.records)) == []


def test_both_stop_at_a_gap() -> None:
    steps = applied_all([record(overage(1)), record(overage(3)), record(overage(2))])
    assert [step.code for step in steps] == ["", GAP]
    assert differences(steps) == []


@moderate
@given(lives())
def test_every_source_is_conserved(life: Life) -> None:
    raters = WalletRaters()
    steps = [step for step in map(raters.apply, life.records) if not step.code]
    found = Audit(Oracle())
    for name, wallet in raters.oracle.wallets.items():
        _check_sources(name, wallet, spent(steps), found)
    assert found.findings == []


@moderate
@given(lives())
def test_what_came_in_is_what_went_out_and_what_is_left(life: Life) -> None:
    raters = WalletRaters()
    steps = [step for step in map(raters.apply, life.records) if not step.code]
    for state in raters.states.values():
        scale = 10 ** CURRENCIES[state.currency].quantum_digits
        paid: dict[str, Fraction] = defaultdict(Fraction)
        for (kind, _), amount in spent(steps).items():
            paid[kind] += amount
        vouchers = sum(part.amount - part.spent for voucher in state.vouchers for part in voucher.parts)
        left = sum(one.amount - one.spent for one in state.top_ups)
        assert total(steps, "voucher_granted") == paid["voucher"] + total(steps, "voucher_forfeited") + Fraction(
            vouchers, scale
        )
        bought = total(steps, "topped_up") + total(steps, "adjusted")  # what is written off is owed no more
        assert bought == paid["top_up"] + paid["debt"] + Fraction(left - state.debt, scale)


@moderate
@given(lives())
def test_no_source_falls_below_zero_and_debt_stands_beside_no_top_up(life: Life) -> None:
    for step in applied(life):
        assert step.after is not None
        assert step.after.debt >= 0
        assert not (step.after.debt and step.after.top_ups)
        for voucher in step.after.vouchers:
            assert all(0 <= part.spent <= part.amount for part in voucher.parts)
            assert any(part.spent < part.amount for part in voucher.parts)
        assert all(0 <= one.spent < one.amount for one in step.after.top_ups)


@moderate
@given(lives())
def test_an_overage_is_paid_whole_and_balances_fall_by_what_was_paid(life: Life) -> None:
    for step in applied(life):
        for said in step.said(CHARGES):
            amounts = [Fraction(line["amount"]) for line in said["lines"]]
            assert sum(amounts) == Fraction(said["total"]) == Fraction(step.message["total"])
            assert all(amounts)
            for line, balance in zip(said["lines"], said["balances"], strict=True):
                change = Fraction(balance["before"]) - Fraction(balance["after"])
                sign = -1 if line["payer"]["kind"] == "debt" else 1
                assert (line["payer"]["kind"], line["payer"]["id"]) == (balance["kind"], balance["id"])
                assert change == sign * Fraction(line["amount"])


@moderate
@given(lives())
def test_the_order_of_draw(life: Life) -> None:
    rank = {"voucher": 0, "top_up": 1, "debt": 2}
    for step in applied(life):
        for said in step.said(CHARGES):
            payers = [line["payer"] for line in said["lines"]]
            assert [rank[payer["kind"]] for payer in payers] == sorted(rank[payer["kind"]] for payer in payers)
            before = step.before
            if before is None:
                continue
            event = step.message["event"]
            dimensions = tuple(sorted(event["dimensions"].items()))
            first: dict[str, int] = {}
            places = sorted(
                (draw_order(voucher, part), voucher.id)
                for voucher in before.vouchers
                for part in voucher.parts
                if event["service"] not in part.others_than and in_scope(part.scope, event["service"], dimensions)
            )
            for place, (_, ident) in enumerate(places):
                first.setdefault(ident, place)
            drawn = list(dict.fromkeys(payer["id"] for payer in payers if payer["kind"] == "voucher"))
            assert [first[ident] for ident in drawn] == sorted(first[ident] for ident in drawn)
            topped = [payer["id"] for payer in payers if payer["kind"] == "top_up"]
            assert topped == [one.id for one in before.top_ups][: len(topped)]


@moderate
@given(lives())
def test_inputs_and_outputs_are_numbered_without_a_gap(life: Life) -> None:
    numbers: dict[str, list[int]] = defaultdict(list)
    for count, step in enumerate(applied(life), 1):
        assert step.after is not None
        assert step.after.applied == count
        for output in step.outputs:
            if output.topic == CODE_COMMANDS:  # what one ledger tells another is no output of the account
                continue
            assert output.said["applied"] == count
            numbers[output.topic].append(output.said["seq"])
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


@moderate
@given(lives())
def test_ids_of_outputs_are_never_the_same(life: Life) -> None:
    found = [output.said["id"] for step in applied(life) for output in step.outputs]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch("[0-9a-f]{24}", ident) for ident in found)


@moderate
@given(lives())
def test_what_was_not_applied_changed_nothing(life: Life) -> None:
    for step in applied_all(life.records):
        if step.code:
            assert step.before == step.after
            assert not step.outputs


@moderate
@given(lives())
def test_the_same_inputs_give_the_same_bytes_also_from_a_state_read_back(life: Life) -> None:
    once, again, reread = (applied_all(life.records, reread=reading) for reading in (False, False, True))
    assert [step.outputs for step in once] == [step.outputs for step in again] == [step.outputs for step in reread]
    encode = WalletRaters().ledger.encode_state
    states = [[encode(step.after) for step in steps if step.after is not None] for steps in (once, again, reread)]
    assert states[0] == states[1] == states[2]


@moderate
@given(lives())
def test_a_refused_command_changes_nothing_but_its_numbers(life: Life) -> None:
    for step in applied(life):
        if step.before is None or not step.events("command_refused"):
            continue
        assert len(step.outputs) == 1
        numbers = {"applied": step.before.applied + 1, "seq_events": step.before.seq_events + 1}
        assert step.after == replace(step.before, **numbers)


@moderate
@given(lives())
def test_debt_and_its_limit_are_told_when_they_become_so_and_at_no_other_time(life: Life) -> None:
    for step in applied(life):
        assert step.after is not None
        before = step.before or replace(step.after, debt=0, debt_limit=None)
        assert bool(step.events("debt_begun")) == (not before.debt and step.after.debt > 0)
        assert bool(step.events("debt_limit_reached")) == (limit_reached(step.after) and not limit_reached(before))


@moderate
@given(lives())
def test_low_balance_is_not_told_twice_without_credit_between_and_never_without_any(life: Life) -> None:
    told = False
    for step in applied(life):
        came_in = {"voucher_granted", "topped_up", "adjusted"} & {said["kind"] for said in step.said(EVENTS)}
        told = told and not came_in
        for said in step.events("low_balance"):
            assert not told
            assert step.before is not None
            assert step.before.vouchers or step.before.top_ups
            assert Fraction(said["reason"]) > 0
            told = True


@moderate
@given(lives())
def test_a_reminder_is_told_once_at_its_time_or_later_and_never_again(life: Life) -> None:
    seen = set()
    for step in applied(life):
        for said in step.events("voucher_expiring"):
            assert (said["credit"], said["reason"]) not in seen
            seen.add((said["credit"], said["reason"]))
            due = instant(said["about"]["period"]["end"]) - int(said["reason"]) * DAY
            assert step.record.timestamp >= due == instant(said["about"]["period"]["start"])
            assert Fraction(said["amount"]) > 0
