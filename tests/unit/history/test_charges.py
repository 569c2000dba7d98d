"""Charges cut into lines that one payer pays: nothing of an amount or a quantity is lost, whoever pays how much."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from tests.support.examples import examples

from drawdown.domain.limits import AMOUNT_MAX, QUANTITY_MAX
from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.quantity import format_quantity
from drawdown.history.charges import (
    NOBODY,
    Charge,
    Event,
    Line,
    Payer,
    Position,
    decode_charge,
    millionths,
    paid_lines,
    quanta,
)

USD = CURRENCIES["USD"]
VOUCHER, TOP_UP, DEBT = Payer("voucher", "v"), Payer("top_up", "t"), Payer("debt", None)
EVENT = Event("inference", "ep", Raw(b"{}"))


def charge(*lines: Line, ledger: str = "plans") -> Charge:
    return Charge("c", ledger, "acc", "USD", EVENT, list(lines), 1, Position("usage", 0, 0), "2026-01-01T00:00:00.000Z")


def rated(amount: int, quantity: str = "1", payer: Payer | None = None, meter: str = "input_tokens") -> Line:
    at = "2026-01-01T00:00:00.000Z"
    return Line(format_amount(amount, USD), payer, at, meter, quantity, "2.000000000", 1000, "book", 3, 2)


def paid(payer: Payer, amount: int) -> Line:
    return Line(format_amount(amount, USD), payer)


def cut(lines: list[Line], *payments: Line) -> list[tuple[str, str, int, int]]:
    """Cut an overage as the wallet paid it: who, its id, millionths, quanta."""
    found = paid_lines(charge(*payments, ledger="wallet"), charge(*lines))
    return [(one.payer, one.payer_id, one.quantity, one.amount) for one in found]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.000000000", 0),
        ("12.500000000", 12_500_000_000),
        ("-0.500000000", -500_000_000),
        (format_amount(AMOUNT_MAX, USD), AMOUNT_MAX),
        (format_amount(AMOUNT_MAX, CURRENCIES["VND"]), AMOUNT_MAX),
    ],
)
def test_amounts_are_read_to_the_last_quantum(text: str, amount: int) -> None:
    assert quanta(text) == amount


@pytest.mark.parametrize(
    ("text", "quantity"),
    [("0", 0), ("7", 7_000_000), ("7.5", 7_500_000), ("0.000001", 1), (format_quantity(QUANTITY_MAX), QUANTITY_MAX)],
)
def test_quantities_are_read_to_the_last_millionth(text: str, quantity: int) -> None:
    assert millionths(text) == quantity


@given(st.integers(0, QUANTITY_MAX))
def test_every_quantity_reads_back(quantity: int) -> None:
    assert millionths(format_quantity(quantity)) == quantity


def test_a_plans_charge_has_its_payers_on_its_lines() -> None:
    lines = rated(5, "1.5", Payer("plan", "a")), rated(0, "2", Payer("plan", "b"))
    found = list(paid_lines(charge(*lines), None))
    assert [(one.payer, one.payer_id, one.quantity, one.amount) for one in found] == [
        ("plan", "a", 1_500_000, 5),
        ("plan", "b", 2_000_000, 0),
    ]
    assert [one.line for one in found] == list(lines)


def test_credit_pays_lines_in_their_order() -> None:
    found = cut([rated(6, "2"), rated(4, "1")], paid(VOUCHER, 6), paid(TOP_UP, 4))
    assert found == [("voucher", "v", 2_000_000, 6), ("top_up", "t", 1_000_000, 4)]


def test_a_line_that_several_pay_is_divided_in_proportion_and_the_last_has_the_rest() -> None:
    found = cut([rated(9, "0.00001")], paid(VOUCHER, 4), paid(TOP_UP, 4), paid(DEBT, 1))
    assert found == [("voucher", "v", 4, 4), ("top_up", "t", 4, 4), ("debt", "", 2, 1)]


def test_a_payer_pays_the_end_of_one_line_and_the_beginning_of_the_next() -> None:
    found = cut([rated(10, "1"), rated(10, "2")], paid(VOUCHER, 5), paid(TOP_UP, 10), paid(DEBT, 5))
    assert found == [
        ("voucher", "v", 500_000, 5),
        ("top_up", "t", 500_000, 5),
        ("top_up", "t", 1_000_000, 5),
        ("debt", "", 1_000_000, 5),
    ]


def test_nobody_pays_what_costs_nothing() -> None:
    assert cut([rated(0, "3")]) == [(NOBODY, "", 3_000_000, 0)]
    found = cut([rated(0, "3"), rated(2, "1"), rated(0, "4")], paid(VOUCHER, 2))
    assert found == [(NOBODY, "", 3_000_000, 0), ("voucher", "v", 1_000_000, 2), (NOBODY, "", 4_000_000, 0)]


def test_a_payment_of_nothing_pays_nothing() -> None:
    found = cut([rated(3, "1")], paid(VOUCHER, 0), paid(TOP_UP, 3), paid(DEBT, 0))
    assert found == [("top_up", "t", 1_000_000, 3)]


def test_without_its_overage_a_charge_of_the_wallet_keeps_its_amounts_and_payers() -> None:
    found = list(paid_lines(charge(paid(VOUCHER, 2), paid(DEBT, 3), ledger="wallet"), None))
    assert [(one.payer, one.payer_id, one.quantity, one.amount) for one in found] == [
        ("voucher", "v", 0, 2),
        ("debt", "", 0, 3),
    ]
    assert {(one.line.meter, one.line.time, one.line.book, one.line.tier) for one in found} == {("", "", "", 0)}


def test_a_charge_is_read_with_whatever_a_later_release_adds() -> None:
    told = decode_charge(
        b'{"version":1,"id":"c","ledger":"wallet","account":"acc","currency":"USD","event":{"source":"s","id":"e",'
        b'"service":"inference","resource":"ep","dimensions":{"model":"Q"},"time":"t","start":null},"overage":{"id":'
        b'"o","seq":1},"lines":[{"amount":"1.000000000","payer":{"kind":"debt","id":null}}],"total":"1.000000000",'
        b'"seq":4,"position":{"topic":"credit-charging","partition":3,"offset":8},"appended":"t","rules":1,"new":[]}'
    )
    assert (told.seq, told.position.offset, told.lines[0].payer) == (4, 8, DEBT)
    assert bytes(told.event.dimensions) == b'{"model":"Q"}'


@st.composite
def overages(draw: st.DrawFn) -> tuple[list[Line], list[Line]]:
    """Lines, and payments that come to the same in all."""
    amounts = draw(st.lists(st.integers(0, 9) | st.integers(0, 2**40), min_size=1, max_size=5))
    quantities = draw(st.lists(st.integers(0, 2**50), min_size=len(amounts), max_size=len(amounts)))
    lines = [
        rated(a, format_quantity(q), meter=f"m{n}") for n, (a, q) in enumerate(zip(amounts, quantities, strict=True))
    ]
    total = sum(amounts)
    ends = sorted(draw(st.lists(st.integers(0, total), max_size=4)))
    payers = [Payer(f"kind-{number}", None) for number in range(len(ends) + 1)]
    parts = [until - since for since, until in pairwise((0, *ends, total))]
    if not total:
        return lines, []
    return lines, [paid(payer, part) for payer, part in zip(payers, parts, strict=True)]


@examples(300)
@given(overages())
def test_amounts_sum_up_by_payer_and_by_line_and_quantities_by_line(made: tuple[list[Line], list[Line]]) -> None:
    lines, payments = made
    by_payer: Counter[str] = Counter()
    by_line: Counter[str] = Counter()
    quantity: Counter[str] = Counter()
    for one in paid_lines(charge(*payments, ledger="wallet"), charge(*lines)):
        assert one.amount >= 0
        assert one.quantity >= 0
        by_payer[one.payer] += one.amount
        by_line[one.line.meter] += one.amount
        quantity[one.line.meter] += one.quantity
    assert +by_payer == +Counter({one.payer.kind: quanta(one.amount) for one in payments if one.payer})
    assert +by_line == +Counter({one.meter: quanta(one.amount) for one in lines})
    assert +quantity == +Counter({one.meter: millionths(one.quantity) for one in lines})
