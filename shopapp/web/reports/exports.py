"""A period as files for a spreadsheet: one table as CSV, or all of them as XLSX.

Rows are read and written some hundred documents at a time; of a month, only the finished file is held in memory. A text
that a spreadsheet would run as a formula is written so that it stays a text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import IO, Any

from flask import Blueprint, abort, g, request, send_file
from flask.typing import ResponseReturnValue
from xlsxwriter import Workbook

from shopapp.messages.i18n import current_locale, gettext
from shopapp.models.queries.reports import Period
from shopapp.web.limits import EXPORTS
from shopapp.web.reports import period as periods
from shopapp.web.reports.tables import TABLES, Cell, Form, Table
from shopapp.web.session import accountant_allowed, store_required

bp = Blueprint("report_files", __name__, url_prefix="/reports")

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With what a cell begins that Excel, LibreOffice or Google Sheets may read as a formula (OWASP, CSV injection)."""
_XLSX_OPTIONS = {
    "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip
_WIDTHS: dict[Form, int] = {"text": 18, "money": 12, "number": 12, "date": 12}
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/<any(resumo, documentos, linhas):table>.csv")
@accountant_allowed
@store_required
@EXPORTS
def as_csv(table: str) -> ResponseReturnValue:
    """Send one table of a period as CSV."""
    period = _period_or_404()
    file = io.BytesIO()
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    write_csv(text, TABLES[table], period)
    text.detach()
    return _sent(file, f"{table}-{periods.written(period)}.csv", "text/csv")


@bp.get("/export.xlsx")
@accountant_allowed
@store_required
@EXPORTS
def as_xlsx() -> ResponseReturnValue:
    """Send all tables of a period as one workbook."""
    period = _period_or_404()
    file = io.BytesIO()
    write_xlsx(file, period)
    return _sent(file, f"{periods.written(period)}.xlsx", XLSX_TYPE)


def _period_or_404() -> Period:
    if g.account is None:
        abort(404)
    return periods.requested_period()


def _sent(file: io.BytesIO, name: str, mimetype: str) -> ResponseReturnValue:
    file.seek(0)
    by_payment = request.args.get(periods.BASIS) == "pagamento"
    shown = f"{g.store.code}-{'pagamento-' if by_payment else ''}{name}"
    return send_file(file, mimetype, as_attachment=True, download_name=shown)


def write_csv(file: IO[str], table: Table, period: Period) -> None:
    """Write the table as spreadsheets of the reader's language read it: `;` and decimal commas, or `,` and points."""
    has_commas = current_locale().language in ("pt", "es")
    out = csv.writer(file, delimiter=";" if has_commas else ",")
    out.writerow([gettext(title) for title, _ in table.columns])
    for row in table.rows(g.store, period):
        out.writerow([csv_cell(cell, has_commas) for cell in row])


def csv_cell(cell: Cell, has_commas: bool) -> str:
    """Return the cell's text; one that would run as a formula begins with an apostrophe."""
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(" \xa0").startswith(_STARTS_FORMULA) else cell
    return plain_number(cell).replace(".", "," if has_commas else ".")


def plain_number(number: Decimal | int) -> str:
    """Return the number without exponent; cents stay, as `12.30`."""
    return f"{number:f}"


def write_xlsx(file: IO[bytes], period: Period) -> None:
    """Write all tables, each on its sheet; the first row names the columns."""
    with Workbook(file, _XLSX_OPTIONS) as book:
        formats = {
            "money": book.add_format({"num_format": "#,##0.00"}), "number": book.add_format({"num_format": "0.######"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}), "text": None,
        }  # fmt: skip
        bold = book.add_format({"bold": True, "bottom": 1})
        for table in TABLES.values():
            sheet = book.add_worksheet(gettext(table.title)[:31])
            sheet.freeze_panes(1, 0)
            for column, (title, form) in enumerate(table.columns):
                sheet.set_column(column, column, _WIDTHS[form])
                sheet.write_string(0, column, gettext(title), bold)
            for at, row in enumerate(table.rows(g.store, period), 1):
                _write_row(sheet, at, row, [formats[form] for _, form in table.columns])


def _write_row(sheet: Any, at: int, row: Sequence[Cell], formats: Sequence[Any]) -> None:
    for column, (cell, form) in enumerate(zip(row, formats, strict=True)):
        if cell is None or cell == "":
            continue
        if isinstance(cell, str):
            sheet.write_string(at, column, cell, form)
        elif isinstance(cell, date):
            sheet.write_datetime(at, column, cell, form)
        else:
            sheet.write_number(at, column, cell, form)
