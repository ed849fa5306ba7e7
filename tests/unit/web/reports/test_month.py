"""The month: its figures are those of the documents, each leads to them, and what looks odd is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape

import pytest
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_account, make_document, make_store
from dev.report_factories import issue, line, make_month, vies_proof
from shopapp.fiscal.document import PaymentMeans
from shopapp.models import Decision, Document, ExportProof, set_clock
from shopapp.models.document import BLOCKED
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text, reload

NOVEMBER = datetime(2026, 11, 10, 12, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 10, 12, tzinfo=UTC)


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


def month(shop: StoreSession, query: str = "mes=2026-11", path: str = "/reports") -> str:
    answer = shop.client.get(f"{path}?{query}")
    assert answer.status_code == 200
    return page_text(answer)


def part(page: str, begins: str, ends: str) -> str:
    return page.split(begins, 1)[1].split(ends, 1)[0]


def links(shop: StoreSession, query: str = "mes=2026-11") -> list[tuple[str, str]]:
    """Return address and row of every link to documents behind a figure."""
    page = shop.client.get(f"/reports?{query}").get_data(as_text=True)
    rows = re.findall(r'<tr><th scope="row"><a href="(/reports/documents[^"]*)">(.*?)</tr>', page, re.DOTALL)
    return [(unescape(path), " ".join(re.sub(r"<[^>]+>", " ", row).split())) for path, row in rows]


def amounts(text: str) -> list[Decimal]:
    plain = text.replace("\xa0", "").replace("\u2212", "-")
    found = re.findall(r"-?\d+,\d\d", plain)
    return [Decimal(one.replace(",", ".")) for one in found]


@pytest.mark.parametrize("query", ["mes=2026-11", "mes=2026-11&por=pagamento", "mes=2026-T4"])
def test_every_figure_leads_to_documents_that_add_up_to_it(books: StoreSession, query: str) -> None:
    make_month(books.store)
    make_month(books.store, month=10)
    seen = 0
    for path, row in links(books, query):
        if "so=diferem" in path or "documents?" not in path:
            continue
        behind = month(books, path.partition("?")[2], "/reports/documents")
        assert amounts(row)[-1] in amounts(behind.split("Documento Cliente")[0]), path
        seen += 1
    assert seen > 15


def test_the_rows_of_each_table_add_up_to_its_total(books: StoreSession) -> None:
    make_month(books.store)
    page = books.client.get("/reports?mes=2026-11").get_data(as_text=True)
    for name in ("taxas", "tipos"):
        table = re.search(rf'aria-labelledby="{name}">(.*?)</table>', page, re.DOTALL)
        assert table is not None
        rows = [re.findall(r'<td class="num[^"]*">([^<]*)</td>', row) for row in table[1].split("<tr>")[2:]]
        sums = [[amounts(text)[0] for text in row[1:]] for row in rows]
        assert [sum(column) for column in zip(*sums[:-1], strict=True)] == sums[-1]


def test_credit_notes_are_subtracted_and_the_title_is_the_sum(books: StoreSession) -> None:
    sale = issue(books.store, [line("123.00"), line("10.60", "6")], NOVEMBER)
    issue(books.store, [line("24.60")], NOVEMBER, kind="NC", original=sale)
    page = month(books)
    assert "Novembro de 2026: 109,00 € 2 documentos" in page
    assert "23% Continente 80,00 sem IVA · 18,40 de IVA 2 80,00 18,40 98,40" in page
    assert "Notas de crédito NC −20,00 sem IVA · −4,60 de IVA 1 −20,00 −4,60 −24,60" in page


def test_a_document_counts_by_its_date_or_by_the_day_of_its_payment(books: StoreSession) -> None:
    # half past midnight of the first of November in Lisbon
    paid = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
    issue(books.store, [line("5.00")], paid, issued_on=date(2026, 10, 31))
    issue(books.store, [line("7.00")], datetime(2026, 10, 31, 12, tzinfo=UTC), issued_on=date(2026, 11, 2))
    assert "Novembro de 2026: 7,00 €" in month(books)
    assert "Novembro de 2026: 5,00 €" in month(books, "mes=2026-11&por=pagamento")
    assert "4.º trimestre de 2026: 12,00 €" in month(books, "mes=2026-T4&por=pagamento")


def test_what_the_provider_stated_counts_and_what_its_lines_do_not_say_is_a_row(books: StoreSession) -> None:
    issue(books.store, [line("12.30")], NOVEMBER, provider_total=Decimal("12.31"))
    issue(books.store, [], NOVEMBER, total=Decimal("9.00"), provider_total=Decimal("9.00"))
    page = month(books)
    assert "Novembro de 2026: 21,31 €" in page
    assert "indicado de outra forma pelo programa 9,01 sem IVA · 0,00 de IVA" in page


def test_what_deserves_a_look_is_said_and_leads_to_its_documents(books: StoreSession) -> None:
    for number in ("FR 2026FR/8", "FR 2026FR/12"):
        issue(books.store, [line("5.00")], OCTOBER, number)
    for number in ("FR 2026FR/14", "FR 2026FR/18"):
        issue(books.store, [line("5.00")], NOVEMBER, number)
    issue(books.store, [line("6.00")], NOVEMBER, "FR 2026FR/15", issued_on=date(2026, 11, 12))
    issue(books.store, [line("7.00")], NOVEMBER, "FR 2026FR/19", alarm="annulled")
    issue(books.store, [line("8.00")], NOVEMBER, "FR 2026FR/20", alarm="cancelled-after")
    issue(books.store, [line("9.00")], NOVEMBER, "FR 2026FR/21", warnings=["text-shortened"])
    make_document(books.store, BLOCKED, at=NOVEMBER, total="64.90")
    page = part(month(books), "O que convém rever", "Por taxa e isenção")
    assert "Na série FR 2026FR há 3 números que não são nossos: 13, 16–17." in page
    for sentence, query, number in (
        ("1 encomenda paga neste período ainda não tem documento", "so=faltam", "64,90"),
        ("1 documento foi anulado no iGEST", "so=anulados", "FR 2026FR/19"),
        ("1 documento emitido espera por uma decisão sua", "so=alarme", "FR 2026FR/20"),
        ("1 fatura tem data posterior à do pagamento", "so=tarde", "FR 2026FR/15"),
        ("Um texto da loja era maior", "aviso=text-shortened", "FR 2026FR/21"),
    ):
        assert sentence in page
        behind = month(books, f"mes=2026-11&{query}", "/reports/documents")
        assert number in behind and ": 1 documento" not in behind and "1 documento:" in behind
    assert "Novembro de 2026: 33,00 €" in month(books)


def test_a_month_without_anything_odd_is_called_in_order(books: StoreSession) -> None:
    issue(books.store, [line("5.00")], NOVEMBER, "FR 2026FR/1")
    assert "Em ordem As séries estão completas" in month(books)
    assert "Ainda não há documentos neste período." in month(books, "mes=2026-09")


def test_oss_is_by_quarter_and_credits_of_earlier_quarters_are_corrections(books: StoreSession) -> None:
    before = issue(books.store, [line("120.00", "20", "FR")], datetime(2026, 9, 30, 12, tzinfo=UTC))
    same = issue(books.store, [line("60.00", "20", "FR")], OCTOBER)
    issue(books.store, [line("24.40", "22", "IT")], NOVEMBER)
    issue(books.store, [line("12.00", "20", "FR")], NOVEMBER, kind="NC", original=before)
    issue(books.store, [line("6.00", "20", "FR")], NOVEMBER, kind="NC", original=same)
    oss = part(month(books), "pelo OSS", "Declaração recapitulativa")
    assert "4.º trimestre de 2026" in oss
    assert "França, 20% 45,00 sem IVA · 9,00 de IVA 2 45,00 9,00 54,00" in oss
    assert "Itália, 22% 20,00 sem IVA · 4,40 de IVA 1 20,00 4,40 24,40" in oss
    assert "França, 20% Correção do 3.º trimestre de 2026 −10,00 sem IVA · −2,00 de IVA 1" in oss
    assert "França, 20% 100,00 sem IVA" in part(month(books, "mes=2026-08"), "pelo OSS", "Declaração")


def test_the_recapitulative_statement_is_by_number_with_its_proof(books: StoreSession) -> None:
    sale = issue(books.store, [line("300.00", "0", exemption="M16")], NOVEMBER, vat_check=vies_proof())
    issue(books.store, [line("100.00", "0", exemption="M16")], NOVEMBER, kind="NC", original=sale)
    issue(books.store, [line("40.00", "0", exemption="M40")], NOVEMBER, vat_check=vies_proof("FR40303265045"))
    issue(books.store, [line("70.00", "0", exemption="M40")], NOVEMBER)  # a business outside the Union
    stated = part(month(books), "Declaração recapitulativa", "Exportações")
    assert "ES12345674 200,00 Bens (M16) Válido 09/11/2026 Consulta WAPIAAAAXyz" in stated
    assert "FR40303265045 40,00 Serviços (M40)" in stated and "70,00" not in stated


def test_the_proof_of_an_export_is_written_down_and_shown(books: StoreSession, db: SQLAlchemy) -> None:
    sold = issue(books.store, [line("89.90", "0", exemption="M05")], NOVEMBER, country="US")
    exports = part(month(books), "Exportações (M05)", "Vales-oferta")
    assert "13" not in exports and "Estados Unidos 89,90 Em falta" in exports
    answer = books.post(f"/reports/documents/{sold.id}/proof", {"reference": " 26PT000040123456A1 "})
    assert answer.status_code == 303
    assert reload(db, db.session.get(ExportProof, sold.id)).reference == "26PT000040123456A1"
    assert "26PT000040123456A1" in part(month(books), "Exportações (M05)", "Vales-oferta")
    books.post(f"/reports/documents/{sold.id}/proof", {"reference": ""})
    assert "Em falta" in part(month(books), "Exportações (M05)", "Vales-oferta")


def test_vouchers_sold_used_and_open_are_counted(books: StoreSession) -> None:
    card = line("50.00", "0", exemption="M99", kind="giftcard")
    issue(books.store, [card], OCTOBER)
    issue(books.store, [card], NOVEMBER)
    paid = [PaymentMeans("CO", Decimal("20.00")), PaymentMeans("MB", Decimal("10.00"))]
    issue(books.store, [line("30.00")], NOVEMBER, payments=paid)
    vouchers = part(month(books), "Vales-oferta de finalidade múltipla", "Limites do ano")
    assert "Vendidos 50,00 € Usados 20,00 € Por usar 80,00 €" in vouchers


def test_the_decisions_in_force_are_listed_with_who_and_when(books: StoreSession, db: SQLAlchemy) -> None:
    account_id = db.session.query(Document.account_id).distinct().scalar() or make_account(books.store).id
    Decision.record(account_id, "tax-difference", "22>23", "follow-law", "merchant")
    db.session.commit()
    decisions = part(month(books), "Decisões em vigor", "Como se fazem")
    assert "Olaria do Sado, na página da encomenda" in decisions and "hoje às 09:00" in decisions


def test_another_stores_documents_are_not_counted(books: StoreSession) -> None:
    other = make_store("quinta")
    make_account(other)
    make_month(other)
    assert "Novembro de 2026: 0,00 €" in month(books)


@pytest.mark.parametrize("query", ["", "mes=2099-01", "mes=2026-13", "mes=x&por=y", "mes=2026-T5"])
def test_an_address_that_names_no_period_shows_the_current_month(books: StoreSession, query: str) -> None:
    assert "Dezembro de 2026: 0,00 €" in month(books, query)


@pytest.mark.parametrize(
    "query", ["taxa=x&regiao=PT", "taxa=23", "so=x&tipo=ZZZ", "antes=x&depois=-1", "aviso=%00"]
)
def test_odd_filters_break_nothing(books: StoreSession, query: str) -> None:
    assert books.client.get(f"/reports/documents?{query}").status_code in (200, 400)


def test_an_issued_document_is_shown_and_one_without_number_is_not(books: StoreSession) -> None:
    sold = issue(books.store, [line("12.30")], NOVEMBER, "FR 2026FR/7")
    page = month(books, "", f"/reports/documents/{sold.id}")
    assert "Fatura-recibo FR 2026FR/7" in page and "Multibanco, 12,30 €" in page
    blocked = make_document(books.store, BLOCKED)
    assert books.client.get(f"/reports/documents/{blocked.id}").status_code == 404
