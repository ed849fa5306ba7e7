"""The SAF-T file of the invoicing program held against our documents; what is no such file is refused in words."""

from __future__ import annotations

import io
import re
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from dev.report_factories import issue, line, make_month
from shopapp.models import Document, set_clock
from shopapp.models.queries.reconciliation import NOT_STANDING
from shopapp.web.reports import saft_file
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text

NOVEMBER = datetime(2026, 11, 10, 12, tzinfo=UTC)
HEAD = (
    '<?xml version="1.0" encoding="{encoding}"?><AuditFile xmlns="urn:OECD:StandardAuditFile-Tax:PT_1.04_01">'
    "<Header><TaxRegistrationNumber>{nif}</TaxRegistrationNumber><StartDate>2026-11-01</StartDate>"
    "<EndDate>2026-11-30</EndDate></Header><SourceDocuments><SalesInvoices>"
)
TAIL = "</SalesInvoices></SourceDocuments></AuditFile>"


@pytest.fixture
def books(shop: StoreSession) -> Iterator[StoreSession]:
    """Return a shop on the first of December."""
    yield shop
    set_clock(None)


def invoice(document: Document) -> str:
    """Return the document as the schema writes it."""
    side = "DebitAmount" if document.kind == "NC" else "CreditAmount"
    is_annulled = document.alarm in NOT_STANDING or document.provider_state == "annulled"
    lines = "".join(
        f"<Line><Quantity>1</Quantity><{side}>{each.net}</{side}><Tax><TaxType>IVA</TaxType>"
        f"<TaxCountryRegion>{each.region}</TaxCountryRegion><TaxCode>{each.tax_code}</TaxCode>"
        f"<TaxPercentage>{each.vat_rate}.00</TaxPercentage></Tax>"
        + (f"<TaxExemptionCode>{each.exemption_code}</TaxExemptionCode>" if each.exemption_code else "")
        + "</Line>"
        for each in document.lines
    )
    return (
        f"<Invoice><InvoiceNo>{document.number}</InvoiceNo><ATCUD>{document.atcud}</ATCUD><DocumentStatus>"
        f"<InvoiceStatus>{'A' if is_annulled else 'N'}</InvoiceStatus></DocumentStatus>"
        f"<InvoiceDate>{document.issued_on}</InvoiceDate><InvoiceType>{document.kind}</InvoiceType>{lines}"
        f"<DocumentTotals><TaxPayable>{document.provider_vat}</TaxPayable><NetTotal>{document.net}</NetTotal>"
        f"<GrossTotal>{document.provider_total}</GrossTotal></DocumentTotals></Invoice>"
    )


def saft(invoices: str, nif: str = "509999990", encoding: str = "UTF-8") -> bytes:
    return (HEAD.format(nif=nif, encoding=encoding) + invoices + TAIL).encode(encoding)


def upload(shop: StoreSession, content: bytes, status: int = 200) -> str:
    answer = shop.post("/reports/saft", {"file": (io.BytesIO(content), "saft.xml")}, buffered=True)
    assert answer.status_code == status
    return page_text(answer)


def issued(shop: StoreSession) -> list[Document]:
    return Document.query.filter_by(store_id=shop.store.id).order_by(Document.id).all()


def test_a_file_of_the_same_documents_is_matched_whole(books: StoreSession) -> None:
    make_month(books.store)
    page = upload(books, saft("".join(map(invoice, issued(books)))))
    assert "55 documentos são iguais nos dois lados" in page
    assert "Diferentes" not in page and "Só aqui" not in page and "Só no ficheiro" not in page
    assert re.search(r"23% Continente .* 2297,53 2297,53 0,00", page)


def test_three_planted_differences_are_found(books: StoreSession) -> None:
    rows = make_month(books.store)
    texts = {one.id: invoice(one) for one in issued(books)}
    texts[rows["plain"].id] = texts[rows["plain"].id].replace("<GrossTotal>144.20", "<GrossTotal>144.21")
    missing, strange = (
        rows["course"],
        texts[rows["far"].id].replace("/911", "/912").replace("JF8K2Q7T-", "X-"),
    )
    del texts[missing.id]
    page = upload(books, saft("".join(texts.values()) + strange))
    assert "Há diferenças" in page and "55 documentos no ficheiro, 53 iguais aos nossos" in page
    assert (
        f"Diferentes (1) O mesmo documento, com outros valores. Documento Total No ficheiro {rows['plain'].number}"
        in page
    )
    assert "total 144,21 €, aqui 144,20 €" in page
    assert "Só aqui (1)" in page and f"{missing.number} 45,00" in page
    assert "Só no ficheiro (1)" in page and "FR 2026FR/912 14,00" in page
    assert re.search(r"Isento \(M07\) Continente .* 0,00 45,00 −45,00", page)


def test_every_field_that_is_compared_can_differ(books: StoreSession) -> None:
    sold = issue(books.store, [line("123.00")], NOVEMBER, "FR 2026FR/7")
    plain = invoice(sold)
    for old, new, words in (
        ("<InvoiceDate>2026-11-10", "<InvoiceDate>2026-11-11", "data 11/11/2026, aqui 10/11/2026"),
        ("<TaxPayable>23.00", "<TaxPayable>23.01", "IVA 23,01 €, aqui 23,00 €"),
        ("JF8K2Q7T-1", "JF8K2Q7T-9", "ATCUD JF8K2Q7T-9, aqui JF8K2Q7T-1"),
        ("FR 2026FR/7", "FR 2026FR/8", "número FR 2026FR/8"),
        ("<InvoiceStatus>N", "<InvoiceStatus>A", "anulado no ficheiro, aqui não"),
    ):
        assert old in plain
        assert words in upload(books, saft(plain.replace(old, new))), words
    assert "está duas vezes no ficheiro" in upload(books, saft(plain + plain))
    assert "1 documento é igual" in upload(books, saft(plain.replace("FR 2026FR/7", " fr  2026FR/7 ")))


def test_old_encodings_and_zip_files_are_read(books: StoreSession) -> None:
    plain = invoice(issue(books.store, [line("12.30")], NOVEMBER))
    customer = "<MasterFiles><Customer><CompanyName>Olaria São João</CompanyName></Customer></MasterFiles>"
    for encoding in ("windows-1252", "iso-8859-1", "utf-8", "utf-16"):
        assert "1 documento é igual" in upload(books, saft(plain + customer, encoding=encoding)), encoding
    assert "1 documento é igual" in upload(books, zipped({"saft.XML": saft(plain), "leia-me.txt": b"x"}))


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


LAUGHS = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><AuditFile>&b;</AuditFile>'
OUTSIDE = b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><AuditFile>&a;</AuditFile>'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Escolha o ficheiro"),
        (b"%PDF-1.7", "não é um XML completo"),
        (saft("")[:-9], "não é um XML completo"),
        (b"<html></html>", "não é um SAF-T"),
        (b"<AuditFile/>", "não é um SAF-T"),
        (
            saft("<Invoice><DocumentTotals><GrossTotal>NaN</GrossTotal></DocumentTotals></Invoice>"),
            "não é um SAF-T",
        ),
        (LAUGHS, "definições que um SAF-T não tem"),
        (OUTSIDE, "definições que um SAF-T não tem"),
        (b"<AuditFile>" + b"<a>" * 40, "definições que um SAF-T não tem"),
        (saft("", nif="508888887"), "é de outra empresa: NIF 508 888 887, e não 509 999 990"),
        (b"PK\x03\x04 nothing", "um só ficheiro XML"),
        (zipped({"a.xml": b"<a/>", "b.xml": b"<a/>"}), "um só ficheiro XML"),
    ],
)
def test_what_is_no_saft_file_of_this_company_is_refused_in_words(
    books: StoreSession, content: bytes, sentence: str
) -> None:
    assert sentence in upload(books, content, 422)


def test_a_zip_that_unpacks_to_too_much_is_refused_without_filling_the_memory(
    books: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saft_file, "MAX_XML_BYTES", 8 * 1024 * 1024)
    bomb = zipped(
        {"a.xml": HEAD.format(nif="509999990", encoding="UTF-8").encode() + b"<x>y</x>" * 2_000_000}
    )
    tracemalloc.start()
    try:
        with pytest.raises(saft_file.UnreadableSaft, match="too-large"):
            saft_file.read_saft(io.BytesIO(bomb))
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert "maior do que conseguimos ler" in upload(books, bomb, 422)


def test_a_file_over_the_limit_is_refused_with_what_to_do(
    books: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopapp.web.reports.saft.MAX_UPLOAD_BYTES", 10_000)
    assert "Comprima-o em ZIP" in upload(books, b"<a>" + b" " * 10_000, 413)
    monkeypatch.undo()
    assert "não é um SAF-T" in upload(books, b"<a>" + b" " * 300_000, 422)
