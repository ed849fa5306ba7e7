"""The files of a month: every document and line, numbers as numbers, and no text that runs as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy
from openpyxl import load_workbook

from dev.report_factories import issue, line, make_month
from shopapp.models import Document, set_clock
from shopapp.web.reports import tables
from shopapp.web.reports.exports import csv_cell
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text

NOVEMBER = datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.fixture
def december() -> Iterator[None]:
    """Stop the clock on the first of December; to be requested before the fixture whose browser logs in."""
    set_clock(lambda: datetime(2026, 12, 1, 9, tzinfo=UTC))
    yield
    set_clock(None)


@pytest.fixture
def books(december: None, shop: StoreSession) -> StoreSession:
    """Return a shop on the first of December."""
    return shop


def read_csv(
    shop: StoreSession, table: str, query: str = "mes=2026-11", delimiter: str = ";"
) -> list[dict[str, str]]:
    answer = shop.client.get(f"/reports/{table}.csv?{query}", buffered=True)
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=delimiter))


def read_xlsx(shop: StoreSession, query: str = "mes=2026-11") -> dict[str, list[tuple[Any, ...]]]:
    answer = shop.client.get(f"/reports/export.xlsx?{query}", buffered=True)
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.data))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def euros(text: Any) -> Decimal:
    return Decimal(str(text).replace(",", ".")).quantize(Decimal("0.01"))


@pytest.mark.parametrize("query", ["mes=2026-11", "mes=2026-11&por=pagamento", "mes=2026-T4"])
def test_every_file_adds_up_to_the_page(
    books: StoreSession, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(tables, "BATCH", 7)
    make_month(books.store)
    make_month(books.store, month=10)
    title = page_text(books.client.get(f"/reports?{query}")).split(" €")[0].split(": ")[-1]
    whole = euros(title.replace(" ", ""))
    assert sum(euros(row["Total"]) for row in read_csv(books, "documentos", query)) == whole
    assert sum(euros(row["Total"]) for row in read_csv(books, "resumo", query)) == whole
    # the lines have what was sent; the provider stated a cent more on one document of each month
    lines = sum(euros(row["Total"]) for row in read_csv(books, "linhas", query))
    assert whole - lines == Decimal("0.01") * (2 if "T4" in query else 1)
    sheets = read_xlsx(books, query)
    assert [sum(euros(row[-1]) for row in sheets["Resumo"][1:])] == [whole]
    assert sum(euros(row[12]) for row in sheets["Documentos"][1:]) == whole


def test_a_workbook_holds_numbers_and_dates_and_not_their_texts(books: StoreSession) -> None:
    sale = issue(books.store, [line("123.00")], NOVEMBER, "FR 2026FR/7", order_id="1005")
    issue(books.store, [line("24.60")], NOVEMBER, "NC 2026NC/1", kind="NC", original=sale)
    header, first, note = read_xlsx(books)["Documentos"]
    row = dict(zip(header, first, strict=True))
    assert (row["Sem IVA"], row["IVA"], row["Total"]) == (100, 23, 123)
    assert isinstance(row["Data"], datetime) and row["Data"].date() == date(2026, 11, 10)
    assert (row["Número"], row["Encomenda"], row["NIF"], row["Pagamento"]) == (
        "FR 2026FR/7", "1005", "123456789", "Multibanco"
    )  # fmt: skip
    assert dict(zip(header, note, strict=True))["Total"] == -24.6
    assert dict(zip(header, note, strict=True))["Corrige"] == "FR 2026FR/7"


FORMULAS = [
    '=cmd|" /C calc"!A0',
    "+351 912 345 678",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    " =1+1",
    "\uff1d1+1",
    "a;b\n=1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_would_run_as_a_formula_stays_a_text(
    books: StoreSession, db: SQLAlchemy, text: str
) -> None:
    sold = issue(books.store, [line("12.30", description=text)], NOVEMBER)
    sold.set_buyer({**(sold.buyer or {}), "name": text})
    db.session.commit()
    cell = read_csv(books, "documentos")[0]["Cliente"]
    assert cell == (text if text[0] == "a" else f"'{text}")
    sheets = read_xlsx(books)
    assert sheets["Documentos"][1][7] == text and sheets["Linhas"][1][3] == text
    book = load_workbook(io.BytesIO(books.client.get("/reports/export.xlsx?mes=2026-11", buffered=True).data))
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= {"s", "n", "d"}


def test_a_negative_number_is_a_number_and_not_guarded() -> None:
    assert csv_cell(Decimal("-24.60"), has_commas=True) == "-24,60"
    assert csv_cell(Decimal("-24.60"), has_commas=False) == "-24.60"


def test_spreadsheets_in_english_get_commas_and_points(books: StoreSession, db: SQLAlchemy) -> None:
    issue(books.store, [line("12.30")], NOVEMBER)
    books.store.language = "en"
    db.session.commit()
    assert read_csv(books, "documentos", delimiter=",")[0]["Total"] == "12.30"


def test_annulled_documents_and_those_of_other_months_are_in_no_file(books: StoreSession) -> None:
    issue(books.store, [line("1.00")], NOVEMBER, "FR 2026FR/1", alarm="annulled")
    issue(books.store, [line("2.00")], datetime(2026, 10, 1, 12, tzinfo=UTC), "FR 2026FR/2")
    kept: Document = issue(books.store, [line("3.00")], NOVEMBER, "FR 2026FR/3")
    assert [row["Número"] for row in read_csv(books, "documentos")] == [kept.number]
    assert [row["Número"] for row in read_csv(books, "linhas")] == [kept.number]


def test_files_are_named_for_the_shop_and_the_month(books: StoreSession) -> None:
    answer = books.client.get("/reports/linhas.csv?mes=2026-11&por=pagamento", buffered=True)
    assert "olariadosado-pagamento-linhas-2026-11.csv" in answer.headers["Content-Disposition"]
    assert books.client.get("/reports/outra.csv").status_code == 404
