"""One transaction's worth: every number of an account counts once, none is passed over; charges roll up by the hour."""

from typing import Any

import pytest
from tests.support.told import CHARGES, EVENTS, HOUR, T0, charge, happening, line

from drawdown.history.batch import Batch, Gap, Known, SeriesKey, hour_of
from drawdown.history.charges import Payer
from drawdown.wire.instants import format_instant

H0 = T0 // HOUR
OLD = Known(7, "USD", 3, True, [4, 2, 0, 0])


def new() -> Batch:
    return Batch(lambda _: None)


def test_an_hour_is_read_off_an_instant() -> None:
    assert hour_of("2026-01-01T00") == H0
    assert hour_of(format_instant(T0 + HOUR - 1)[:13]) == H0
    assert hour_of(format_instant(T0 + HOUR)[:13]) == H0 + 1


def test_charges_of_one_hour_and_price_are_one_row() -> None:
    batch = new()
    for seq, at in enumerate((T0, T0 + HOUR - 1, T0 + HOUR), 1):
        batch.charge(charge(seq, line(5, "1.5"), at=at), None, CHARGES, 100 + seq, cut=False)
    assert batch.hours == {(0, H0, H0): [2, 2, 1_000_000, 10], (0, H0 + 1, H0): [1, 1, 500_000, 5]}
    assert batch.places == {(0, H0): [101, 102], (0, H0 + 1): [103]}
    assert list(batch.series) == [
        SeriesKey(0, "input_tokens", "plan", "p", "book", 3, 0, "2.000000000", 1000),
    ]
    assert [(key.account, key.service, key.resource, key.dimensions) for key in batch.resources] == [
        ("acc", "inference", "ep", '{"model":"Q"}')
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"meter": "output_tokens"},
        {"payer": Payer("plan", "q")},
        {"payer": Payer("voucher", "p")},
        {"book": "other"},
        {"book_version": 4},
        {"tier": 2},
        {"unit_price": "2.000000001"},
        {"per": 1},
    ],
)
def test_what_differs_in_meter_payer_or_price_is_another_row(other: dict[str, Any]) -> None:
    batch = new()
    batch.charge(charge(1, line(), line(**other)), None, CHARGES, 9, cut=False)
    assert (len(batch.series), len(batch.hours), len(batch.resources)) == (2, 2, 1)
    assert batch.places == {(0, H0): [9]}


@pytest.mark.parametrize("other", [{"service": "x"}, {"resource": "x"}, {"model": "x"}, {"account": "x"}])
def test_what_differs_in_resource_or_account_is_another_row(other: dict[str, str]) -> None:
    batch = new()
    batch.charge(charge(1), None, CHARGES, 9, cut=False)
    batch.charge(charge(1 if "account" in other else 2, **other), None, CHARGES, 10, cut=False)  # type: ignore[arg-type]
    assert (len(batch.series), len(batch.resources)) == (2, 2)
    assert batch.places == {(0, H0): [9], (1, H0): [10]}


def test_late_usage_is_told_by_the_hour_it_was_of() -> None:
    batch = new()
    late = line(time=format_instant(T0 - 30 * HOUR))
    batch.charge(charge(1, line(), late), None, CHARGES, 9, cut=False)
    assert set(batch.hours) == {(0, H0, H0), (0, H0, H0 - 30)}


def test_a_line_without_a_time_is_of_the_hour_it_was_charged_in() -> None:
    batch = new()
    drawn = charge(1, line(2, "0", Payer("debt", None), time="", meter="", book=""), ledger="wallet")
    batch.charge(drawn, None, CHARGES, 9, cut=False)
    assert batch.hours == {(0, H0, H0): [1, 0, 0, 2]}


def test_numbers_that_come_again_are_of_another_log() -> None:
    batch = Batch(lambda _: OLD)
    batch.charge(charge(5), None, CHARGES, 5, cut=False)
    for seq in (5, 4, 1):
        with pytest.raises(
            Gap, match=f"account acc has number {seq} after 5; this is not the log that was read so far"
        ):
            batch.charge(charge(seq), None, CHARGES, 6, cut=False)
    with pytest.raises(Gap, match="number 2 after 2"):
        batch.happening(happening(2, "plan_paused"), EVENTS, 3, cut=True)
    assert OLD.seqs == [4, 2, 0, 0], "what is known changes only once the batch is written"


def test_each_ledger_and_topic_counts_for_itself() -> None:
    batch = new()
    batch.charge(charge(1), None, CHARGES, 1, cut=False)
    batch.charge(charge(1, ledger="wallet"), None, CHARGES, 2, cut=False)
    batch.happening(happening(1, "account_opened"), EVENTS, 1, cut=False)
    batch.happening(happening(1, "wallet_opened", ledger="wallet"), EVENTS, 2, cut=False)
    batch.happening(happening(2, "topped_up", 5, ledger="wallet"), EVENTS, 3, cut=False)
    assert batch.accounts["acc"] == Known(None, "USD", 3, True, [1, 1, 1, 2])


@pytest.mark.parametrize("cut", [False, True])
def test_a_number_that_is_missing_is_a_gap_even_where_the_log_is_cut(cut: bool) -> None:
    batch = Batch(lambda _: OLD)
    with pytest.raises(Gap, match="account acc has number 6 after 4"):
        batch.charge(charge(6), None, CHARGES, 9, cut=cut)
    with pytest.raises(Gap, match=r"account-events of ledger plans, partition 3: .* number 4 after 2"):
        batch.happening(happening(4, "plan_paused"), EVENTS, 9, cut=cut)


def test_an_account_that_begins_late_on_a_whole_log_is_a_gap() -> None:
    with pytest.raises(Gap, match="number 2 after 0"):
        new().charge(charge(2), None, CHARGES, 9, cut=False)


def test_an_account_whose_beginning_the_log_has_lost_is_not_whole() -> None:
    batch = new()
    batch.charge(charge(5), None, CHARGES, 9, cut=True)
    batch.charge(charge(6), None, CHARGES, 10, cut=True)
    batch.charge(charge(1, account="young"), None, CHARGES, 11, cut=True)
    assert batch.accounts["acc"] == Known(None, "USD", 3, False, [6, 0, 0, 0])
    assert batch.accounts["young"].whole
    assert batch.hours[0, H0, H0][0] == 2
