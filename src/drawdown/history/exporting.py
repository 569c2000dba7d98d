"""Exports of a period: CSV, Excel, FOCUS. Rows are written as they are read, so that no period is too long."""

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from tempfile import TemporaryDirectory
from typing import IO, Any, Final, Literal

from xlsxwriter import Workbook
from xlsxwriter.exceptions import XlsxFileError

from drawdown.domain.limits import EXCEL_CELL_CHARACTERS_MAX, EXCEL_ROWS_MAX
from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.quantity import format_quantity
from drawdown.errors import BadInput, UserError
from drawdown.history.archive import Archive, Rows
from drawdown.history.entries import description_of, event_entry
from drawdown.history.filters import Period
from drawdown.history.focus import usage_rows
from drawdown.history.focus_columns import COLUMNS as FOCUS_COLUMNS
from drawdown.history.focus_columns import NUMBERS as FOCUS_NUMBERS
from drawdown.history.focus_events import event_rows
from drawdown.wire.instants import format_instant

Form = Literal["csv", "xlsx", "focus"]
COLUMNS: Final = (
    "date",
    "used",
    "service",
    "source",
    "dimensions",
    "meter",
    "quantity",
    "unit_price",
    "per",
    "tier",
    "price_book",
    "balance",
    "paid_by",
    "description",
    "code",
    "status",
    "amount",
    "currency",
    "charges",
)
_NUMBERS: Final = ("quantity", "unit_price", "per", "tier", "amount", "charges")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_EXACT_DIGITS: Final = 15  # more than these, Excel's numbers do not hold
Cells = dict[str, str | None]


def cells_of(rows: Rows) -> Iterator[Cells]:
    """Give the cells of each row: usage, oldest first, then what changed a balance, or failed to."""
    owner = rows.owner
    of = CURRENCIES[owner.currency]
    for row in rows.usage:
        yield {
            "date": format_instant(row.charged),
            "used": format_instant(row.used),
            "service": row.service,
            "source": row.resource,
            "dimensions": "; ".join(f"{name}={value}" for name, value in sorted(row.dimensions.items())),
            "meter": row.meter or None,
            "quantity": format_quantity(row.quantity) if row.meter else None,
            "unit_price": row.unit_price or None,
            "per": str(row.per) if row.meter else None,
            "tier": str(row.tier) if row.tier else None,
            "price_book": f"{row.book}:{row.book_version}" if row.book else None,
            "balance": None if row.payer == "none" else row.payer,
            "paid_by": row.payer_id or None,
            "description": description_of(owner, row),
            "code": row.payer_id if row.payer == "voucher" else None,
            "status": "processed",
            "amount": format_amount(-row.amount, of),
            "currency": owner.currency,
            "charges": str(row.lines),
        }
    for event in rows.events:
        if event.change or (event.status == "failed" and event.ledger == "wallet"):
            entry = event_entry(owner, event)
            names = ("date", "source", "balance", "paid_by", "description", "code", "status", "amount", "currency")
            yield {name: getattr(entry, name) or None for name in names}


def focus_cells_of(rows: Rows) -> Iterator[Cells]:
    """Give the cells of each row of FOCUS: usage, oldest first, then money that came and credit that went."""
    funding = rows.funding()
    for usage in rows.usage:
        yield from usage_rows(rows.owner, usage, funding, rows.provider)
    for event in rows.events:
        yield from event_rows(rows.owner, event, funding, rows.provider)


def write_csv(
    rows: Iterable[Cells], columns: Iterable[str], to: Callable[[str], object], numbers: Collection[str] = _NUMBERS
) -> int:
    """Write rows as CSV (RFC 4180); give how many. A text that a spreadsheet would run as a formula gets a quote."""
    names = list(columns)
    line = io.StringIO()
    writer = csv.DictWriter(line, names, lineterminator="\r\n", restval="")
    writer.writeheader()
    count = 0
    for cells in rows:
        texts = {name: cells.get(name) or "" for name in names}
        writer.writerow({name: text if name in numbers else _harmless(text) for name, text in texts.items()})
        to(line.getvalue())
        line.seek(0)
        line.truncate()
        count += 1
    to(line.getvalue())
    return count


def write_excel(rows: Iterable[Cells], columns: Iterable[str], to: IO[bytes], title: str) -> int:
    """Write rows as a workbook, row by row; give how many.

    Raise BadInput past the rows that a sheet can have, UserError where the workbook cannot be put.
    Amounts and quantities are numbers where Excel's hold all their digits, else texts: none is rounded.
    """
    names = list(columns)
    with TemporaryDirectory(prefix="drawdown-export-") as folder:  # rows wait there; it goes whatever happens
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": folder}
        book = Workbook(to, options)
        book.set_properties({"title": title})
        sheet = book.add_worksheet("History")
        sheet.write_row(0, 0, names, book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, 0, len(names) - 1)
        count = 0
        for count, cells in enumerate(rows, 1):
            if count >= EXCEL_ROWS_MAX:
                most = f"more than {EXCEL_ROWS_MAX - 1} rows, which is all that a sheet can have below its heading"
                raise BadInput(f"{most}: export CSV instead")
            _write_row(sheet, count, names, cells)
        try:
            book.close()
        except XlsxFileError as error:
            raise UserError(f"the workbook cannot be written: {error}") from error
    return count


def _write_row(sheet: Any, row: int, names: Sequence[str], cells: Cells) -> None:
    for column, name in enumerate(names):
        text = cells.get(name)
        if text is not None:
            _write_cell(sheet, row, column, text, number=name in _NUMBERS)


def _write_cell(sheet: Any, row: int, column: int, text: str, *, number: bool) -> None:
    if number and len(text.strip("-").replace(".", "").strip("0")) <= _EXACT_DIGITS:
        sheet.write_number(row, column, Decimal(text))
    else:
        sheet.write_string(row, column, text[:EXCEL_CELL_CHARACTERS_MAX])


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def export_csv(archive: Archive, account: str, period: Period, to: IO[bytes]) -> int:
    """Write a period as CSV; give how many rows. Raise NoHistory, UserError."""
    return archive.rows(account, period, lambda rows: write_csv(cells_of(rows), COLUMNS, _encoded(to)))


def export_focus(archive: Archive, account: str, period: Period, to: IO[bytes]) -> int:
    """Write a period in FOCUS, as CSV; give how many rows. Raise NoHistory, UserError."""
    return archive.rows(
        account, period, lambda rows: write_csv(focus_cells_of(rows), FOCUS_COLUMNS, _encoded(to), FOCUS_NUMBERS)
    )


def export_excel(archive: Archive, account: str, period: Period, to: IO[bytes]) -> int:
    """Write a period as a workbook; give how many rows. Raise NoHistory, BadInput, UserError."""
    title = f"Credit History of {account}"
    return archive.rows(account, period, lambda rows: write_excel(cells_of(rows), COLUMNS, to, title))


def _encoded(to: IO[bytes]) -> Callable[[str], object]:
    return lambda text: to.write(text.encode())


FORMS: Final[dict[Form, Callable[[Archive, str, Period, IO[bytes]], int]]] = {
    "csv": export_csv,
    "xlsx": export_excel,
    "focus": export_focus,
}
