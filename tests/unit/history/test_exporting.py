"""Exports: CSV that no spreadsheet runs, workbooks that round nothing, and nothing left behind where one fails."""

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from tests.support.examples import examples
from tests.support.told import OWNER, USAGE, event

from drawdown.domain.limits import EXCEL_CELL_CHARACTERS_MAX
from drawdown.errors import UserError
from drawdown.history import exporting
from drawdown.history.archive import Rows
from drawdown.history.exporting import COLUMNS, Cells, cells_of, write_csv, write_excel
from drawdown.history.focus_columns import Provider
from drawdown.history.rows import EventRow, UsageRow

VOUCHER = event("voucher_granted", 9, 9, "voucher", credit="v")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def rows_of(usage: Sequence[UsageRow], events: Sequence[EventRow] = ()) -> list[Cells]:
    return list(cells_of(Rows(OWNER, iter(usage), iter(events), pytest.fail, Provider())))


def as_csv(rows: list[Cells], columns: tuple[str, ...] = COLUMNS) -> str:
    written: list[str] = []
    assert write_csv(rows, columns, written.append) == len(rows)
    return "".join(written)


def as_cells(rows: list[Cells], columns: tuple[str, ...] = COLUMNS) -> list[list[Any]]:
    """Write a workbook and read it back, without its heading."""
    file = io.BytesIO()
    assert write_excel(rows, columns, file, "a title") == len(rows)
    book = load_workbook(file)
    assert book.properties.title == "a title"
    heading, *found = book.worksheets[0].iter_rows()
    assert tuple(cell.value for cell in heading) == columns
    return [list(row) for row in found]


def test_a_row_of_usage_has_all_columns() -> None:
    (cells,) = rows_of([USAGE])
    assert cells == {
        "date": "2026-01-01T00:00:00.000Z",
        "used": "2025-12-31T23:00:00.000Z",
        "service": "inference",
        "source": "ep",
        "dimensions": "a=1; b=2",
        "meter": "input_tokens",
        "quantity": "1.5",
        "unit_price": "2.500000000",
        "per": "1000000",
        "tier": None,
        "price_book": "b:3",
        "balance": "plan",
        "paid_by": "p",
        "description": "1.5 input tokens of a 1, b 2 at 2.5 USD per 1000000",
        "code": None,
        "status": "processed",
        "amount": "-1.500000000",
        "currency": "USD",
        "charges": "4",
    }
    assert tuple(cells) == COLUMNS


def test_a_row_without_price_or_payer_leaves_them_empty() -> None:
    lost = replace(
        USAGE, meter="", unit_price="", per=0, book="", book_version=0, quantity=0, payer="none", payer_id=""
    )
    (cells,) = rows_of([lost])
    empty = {"meter", "quantity", "unit_price", "per", "tier", "price_book", "balance", "paid_by", "code"}
    assert {name for name, text in cells.items() if text is None} == empty


def test_events_that_changed_nothing_are_left_out_unless_an_attempt_at_credit_failed() -> None:
    failed = replace(event("command_refused", ledger="wallet"), status="failed")
    events = [VOUCHER, event("voucher_expiring", 9), failed, replace(failed, ledger="plans")]
    rows = rows_of([], events)
    assert [(row["source"], row["status"], row["amount"]) for row in rows] == [
        ("voucher v", "success", "0.000000009"),
        ("wallet", "failed", "0.000000000"),
    ]
    assert all(set(row) <= set(COLUMNS) for row in rows)


def test_csv_of_nothing_has_its_heading() -> None:
    assert as_csv([]) == ",".join(COLUMNS) + "\r\n"


def test_csv_quotes_what_needs_it() -> None:
    text = as_csv([{"a": 'say "yes", or\r\nno', "b": None}, {"b": "x"}], ("a", "b"))
    assert text == 'a,b\r\n"say ""yes"", or\r\nno",\r\n,x\r\n'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
def test_csv_makes_no_formula_of_a_text(text: str) -> None:
    (row,) = csv.reader(io.StringIO(as_csv([{"source": text}], ("source",)).split("\r\n", 1)[1], newline=""))
    assert row == [f"'{text}"]


def test_csv_leaves_numbers_below_zero_as_they_are() -> None:
    (cells,) = rows_of([USAGE])
    (row,) = csv.DictReader(io.StringIO(as_csv([cells]), newline=""))
    assert row["amount"] == "-1.500000000"
    assert {name: text or None for name, text in row.items()} == cells


@examples(100)
@given(st.lists(st.fixed_dictionaries({"source": TEXTS, "description": TEXTS}), max_size=4))
def test_csv_reads_back(rows: list[Cells]) -> None:
    found = list(csv.DictReader(io.StringIO(as_csv(rows, ("source", "description")), newline="")))
    assert [{name: text.removeprefix("'") for name, text in row.items()} for row in found] == [
        {name: (text or "").removeprefix("'") for name, text in row.items()} for row in rows
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0.000000000", "n"),
        ("-1.500000000", "n"),
        ("0.000000001", "n"),
        ("123456.789012345", "n"),
        ("9999999999999.99", "n"),
        ("4611686018.427387903", "s"),
        ("1234567.890123456", "s"),
        ("-1000000.000000001", "s"),
        ("5000000000000000000000.000000000", "n"),
    ],
)
def test_a_number_is_one_in_excel_if_it_holds_all_its_digits_and_else_a_text(text: str, kind: str) -> None:
    ((cell,),) = as_cells([{"amount": text}], ("amount",))
    assert cell.data_type == kind
    assert Decimal(str(cell.value)) == Decimal(text)


@examples(25)
@given(st.lists(st.tuples(st.integers(1, 10**15 - 1), st.integers(0, 9)), min_size=1, max_size=40))
def test_no_number_of_fifteen_digits_is_changed_by_excel(numbers: list[tuple[int, int]]) -> None:
    texts = [f"{Decimal(digits).scaleb(-places):f}" for digits, places in numbers]
    for text, (cell,) in zip(texts, as_cells([{"amount": text} for text in texts], ("amount",)), strict=True):
        assert cell.data_type == "n"
        assert Decimal(str(cell.value)) == Decimal(text)


@pytest.mark.parametrize(
    "text", ["=1+1", "{=1}", "https://example.com", "mailto:a@b", "12", "1e5", "internal:x", " a "]
)
def test_a_text_stays_one_in_excel(text: str) -> None:
    ((cell,),) = as_cells([{"source": text}], ("source",))
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_a_text_longer_than_a_cell_is_cut() -> None:
    ((cell,),) = as_cells([{"description": "x" * (EXCEL_CELL_CHARACTERS_MAX + 1)}], ("description",))
    assert cell.value == "x" * EXCEL_CELL_CHARACTERS_MAX


def test_a_workbook_has_the_rows_that_csv_has() -> None:
    rows = rows_of([USAGE, replace(USAGE, payer="voucher")], [VOUCHER])
    for row, cells in zip(as_cells(rows), rows, strict=True):
        for cell, name in zip(row, COLUMNS, strict=True):
            text = cells.get(name)
            same = Decimal(str(cell.value)) == Decimal(text) if text and cell.data_type == "n" else cell.value == text
            assert same, name


def test_a_sheet_takes_as_many_rows_as_it_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "EXCEL_ROWS_MAX", 4)
    assert len(as_cells([{"source": "x"}] * 3, ("source",))) == 3
    with pytest.raises(UserError, match=r"more than 3 rows.*CSV"):
        as_cells([{"source": "x"}] * 4, ("source",))


def test_a_workbook_that_fails_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    waiting = tmp_path / "waiting"
    waiting.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(waiting))

    def rows() -> Iterator[Cells]:
        yield {"source": "x"}
        assert list(waiting.iterdir())
        raise OSError("the database is gone")

    with pytest.raises(OSError, match="database is gone"):
        write_excel(rows(), ("source",), io.BytesIO(), "t")
    assert list(waiting.iterdir()) == []
    assert write_excel([{"source": "x"}], ("source",), io.BytesIO(), "t") == 1
    assert list(waiting.iterdir()) == []


class Full(io.BytesIO):
    """A disk with no room left when it is first written to."""

    full = True

    def write(self, data: Any) -> int:
        if self.full:
            self.full = False
            raise OSError("no space left on device")
        return super().write(data)


def test_a_workbook_that_can_be_put_nowhere_says_so() -> None:
    with pytest.raises(UserError, match="no space left"):
        write_excel([], ("source",), Full(), "t")
