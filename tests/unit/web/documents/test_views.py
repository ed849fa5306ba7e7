"""The list of documents, its filters, and one document's page with its actions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_credit_note, make_document, make_documents_in_every_state, make_store
from shopapp.documents import hand_made_links
from shopapp.errors import TransientError
from shopapp.models import Account, Document, FollowUp, Sale, Webhook, now, set_clock
from shopapp.models import db as database
from shopapp.models.document import BLOCKED, IN_DOUBT, ISSUED, ISSUING, PENDING, REVIEW, VOID, WAITING
from shopapp.web.limits import limiter
from tests.fakes import FakeProvider
from tests.security.conftest import StoreSession, log_in, search
from tests.unit.web.conftest import page_text, reload


def listed(shop: StoreSession, query: str = "") -> list[str]:
    """Return the order numbers in the list, from the top."""
    text = query.removeprefix("q=") if query.startswith("q=") else ""
    address = search(shop, text) if text else f"/documents?{query}"
    page = shop.client.get(address).get_data(as_text=True)
    body = page.split('id="rows"')[1] if 'id="rows"' in page else ""
    return re.findall(r"Escolher a encomenda #(\d+)", body)


def page_of(shop: StoreSession, document: Document) -> str:
    answer = shop.client.get(f"/documents/{document.id}")
    assert answer.status_code == 200
    return page_text(answer)


# The list and its filters


def test_the_list_shows_the_newest_first(shop: StoreSession) -> None:
    for number in ("101", "102", "103"):
        make_document(shop.store, order_id=number)
    assert listed(shop) == ["103", "102", "101"]


@pytest.mark.parametrize(
    ("alarm", "cause"),
    [
        ("note-cancelled", "A encomenda foi cancelada depois desta nota de encomenda."),
        ("note-changed", "A encomenda mudou depois desta nota de encomenda"),
    ],
)
def test_an_order_note_left_open_at_the_provider_says_what_to_do(
    shop: StoreSession, alarm: str, cause: str
) -> None:
    note = make_document(shop.store, cause="dossier", alarm=alarm)
    note.kind = "NE"
    database.session.commit()
    page = page_of(shop, note)
    assert cause in page and "anule-a lá e marque aqui que está tratado" in page
    assert "nota de crédito" not in page.split("Está tratado")[0].split(cause)[1]
    assert listed(shop, "estado=espera") == [note.order_id]
    assert shop.post(f"/documents/{note.id}/acknowledge").status_code == 303
    assert listed(shop, "estado=espera") == []


def test_order_notes_and_guides_are_filters_when_the_merchant_has_them(
    shop: StoreSession,
) -> None:
    for number, kind, cause in (("101", "FR", "sale"), ("102", "NE", "dossier"), ("103", "GT", "transport")):
        make_document(shop.store, order_id=number, cause=cause).kind = kind
    database.session.commit()
    assert (listed(shop, "t=NE"), listed(shop, "t=GT"), listed(shop, "t=FR")) == (["102"], ["103"], ["101"])
    assert listed(shop, "t=XX") == ["103", "102", "101"]
    assert kinds_on_offer(shop) == ["FR", "FT", "FS", "NC"]
    assert kinds_on_offer(shop, "t=NE") == ["FR", "FT", "FS", "NC", "NE"]
    account = Account.find_current(shop.store)
    assert account is not None
    account.settings = {**account.settings, "series": {"FR": "2026FR", "NE": "1", "GT": "2"}}
    assert kinds_on_offer(shop) == ["FR", "FT", "FS", "NC", "NE", "GT"]


def kinds_on_offer(shop: StoreSession, query: str = "") -> list[str]:
    page = shop.client.get(f"/documents?{query}").get_data(as_text=True)
    field = page.split('<select class="in" id="t"')[1].split("</select>")[0]
    return [code for code in re.findall(r'<option value="(\w*)"', field) if code]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=101", ["101"]),
        ("q=#101", ["101"]),
        ("q=10", []),
        ("q=FR 2026FR/7", ["101"]),
        ("q=2026fr/7", ["101"]),
        ("q=2026FR/8", []),
        ("q=vasc", ["101"]),
        ("q=sa nog", ["101"]),
        ("q=SÁ vasconcelos", ["101"]),
        ("q=ogueira", []),
        ("q=123456789", ["101"]),
        ("q=123 456 789", ["101"]),
        ("q=PT123456789", ["101"]),
        ("q=123456780", []),
        ("q=joão", ["102"]),
        ("q=joao", ["102"]),
        ("q=%", []),
        ("q=_", []),
        ("q=' or 1=1 --", []),
        ("q=a\\b", []),
        ("t=FR", ["101"]),
        ("t=NC", []),
        ("t=XX", ["102", "101"]),
        ("estado=espera", ["102"]),
        ("estado=emitido", ["101"]),
        ("estado=nada", ["102", "101"]),
        ("p=7d", ["102", "101"]),
        ("p=2019-01", []),
        ("p=x", ["102", "101"]),
        ("antes=x&depois=y", ["102", "101"]),
    ],
)
def test_a_document_is_found_by_order_number_buyer_or_tax_id(
    shop: StoreSession, query: str, expected: list[str]
) -> None:
    make_document(shop.store, order_id="101", name="Maria de Vasconcelos e Sá Nogueira", number="FR 2026FR/7")
    make_document(shop.store, BLOCKED, order_id="102", name="João Pires", tax_id="")
    assert listed(shop, query) == expected


@pytest.mark.parametrize("query", ["%", "_", "%%", "m%", "%a", "mari_", "_aria", "\\", "/", "%vasconcelos"])
def test_a_search_has_no_wildcards(shop: StoreSession, query: str) -> None:
    make_document(shop.store, order_id="101", name="Maria de Vasconcelos", number="FR 2026FR/7")
    assert listed(shop, f"q={query}") == []


def test_no_address_holds_what_was_searched_for(shop: StoreSession) -> None:
    make_document(shop.store, order_id="101", name="Maria Nogueira")
    address = search(shop, "nogueira 123456789", estado="emitido", p="7d", t="FR")
    assert "nogueira" not in address and "123456789" not in address
    assert {"estado=emitido", "p=7d", "t=FR"} <= set(address.partition("?")[2].split("&"))
    page = shop.client.get(address).get_data(as_text=True)
    assert 'value="nogueira 123456789"' in page
    addresses = re.findall(r'(?:href|action)="([^"]*)"', page)
    assert not [one for one in addresses if "nogueira" in one or "123456789" in one]
    assert listed(shop, "q=nogueira") == ["101"]


def test_a_search_opens_for_its_own_store_and_for_half_a_day(shop: StoreSession) -> None:
    make_document(shop.store, order_id="101", name="Maria Nogueira")
    make_document(shop.store, order_id="102", name="João Pires")
    mine = search(shop, "nogueira", estado="emitido")
    other = make_store("quintadaserra")
    make_document(other, order_id="901", name="Rui Nogueira")
    stranger = log_in(shop.client.application, other)
    refused = stranger.get(mine)
    assert (refused.status_code, refused.headers["Location"]) == (302, "/documents?estado=emitido")
    assert "A procura já não está guardada" in page_text(stranger.get(refused.headers["Location"]))
    assert stranger.get(mine.replace("/documents?", "/documents/rows?")).status_code == 401
    later = datetime.now(UTC) + timedelta(hours=12, seconds=2)
    set_clock(lambda: later)
    try:
        assert log_in(shop.client.application, shop.store).get(mine).status_code == 302
    finally:
        set_clock(None)


def test_two_hundred_hostile_searches_find_nothing_and_break_nothing(
    shop: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "enabled", False)
    make_document(shop.store, order_id="101")
    parts = [
        "'",
        '"',
        "--",
        ";",
        "\\",
        "%",
        "_",
        "1=1",
        "union select",
        "(",
        ")",
        "/*",
        "\u202e",
        "🏺",
        "\n",
        "NaN",
    ]
    names = ("s", "t", "p", "estado", "antes", "depois")
    for number, text in enumerate(one + other for one in parts for other in parts[:12]):
        # In the form at once, then in one parameter alone.
        answer = shop.client.get(search(shop, text, t=text, p=text, estado=text))
        assert answer.status_code == 200, text
        name = names[number % len(names)]
        answer = shop.client.get("/documents", query_string={name: text})
        assert answer.status_code == (302 if name == "s" else 200), (name, text)
    assert listed(shop) == ["101"]


def test_pages_follow_one_another_without_gap_or_repeat(
    shop: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopapp.web.documents.views.documents.list_documents.__defaults__", (3,))
    for number in range(201, 209):
        make_document(shop.store, order_id=str(number))
    seen, address = [], "/documents"
    for _ in range(3):
        page = shop.client.get(address).get_data(as_text=True)
        seen.append(re.findall(r"Escolher a encomenda #(\d+)", page))
        older = re.search(r'href="([^"]*antes=\d+)" rel="next"', page)
        address = older.group(1) if older else ""
    assert seen == [["208", "207", "206"], ["205", "204", "203"], ["202", "201"]] and not address
    newer = re.search(r'href="([^"]*depois=\d+)" rel="prev"', page)
    assert newer is not None
    back = shop.client.get(newer.group(1)).get_data(as_text=True)
    assert re.findall(r"Escolher a encomenda #(\d+)", back) == ["205", "204", "203"]


def test_an_empty_list_and_a_search_without_results_say_so(shop: StoreSession) -> None:
    assert "Ainda não há documentos" in page_text(shop.client.get("/documents"))
    make_document(shop.store)
    assert "Nenhum documento com «ninguém»" in page_text(shop.client.get(search(shop, "ninguém")))


def test_a_row_says_why_and_what_to_do(shop: StoreSession) -> None:
    make_document(shop.store, BLOCKED, order_id="101", name="Ana", total="64.90")
    page = page_text(shop.client.get("/documents"))
    assert (
        "Bloqueado O NIF 123 456 780 não é válido" in page
        and "64,90 €" in page
        and "Fatura-recibo sem número" in page
    )


def test_a_credit_note_is_listed_with_a_minus(shop: StoreSession) -> None:
    make_document(shop.store, number="NC 2026NC/1", kind="NC", total="36.90")
    assert "−36,90 €" in page_text(shop.client.get("/documents"))


def test_the_rows_are_sent_again_only_when_one_changed(shop: StoreSession, db: SQLAlchemy) -> None:
    document = make_document(shop.store, PENDING)
    first = shop.client.get("/documents/rows")
    tag = first.headers["ETag"]
    assert shop.client.get("/documents/rows", headers={"If-None-Match": tag}).status_code == 304
    document.transition(WAITING, "unpaid")
    db.session.commit()
    second = shop.client.get("/documents/rows", headers={"If-None-Match": tag})
    assert second.status_code == 200 and f'id="d{document.id}"' in second.get_data(as_text=True)


def test_the_version_of_a_page_changes_with_the_document(shop: StoreSession, db: SQLAlchemy) -> None:
    document = make_document(shop.store)
    before = shop.client.get(f"/documents/{document.id}/version").data
    assert shop.client.get(f"/documents/{document.id}/version").data == before
    shop.post(f"/documents/{document.id}/mail", {"to": "a@b.pt"})
    assert shop.client.get(f"/documents/{document.id}/version").data != before


# The timeline


def test_the_timeline_shows_everything_that_happened(shop: StoreSession, db: SQLAlchemy) -> None:
    document = make_document(shop.store, order_id="10488", number="FR 2026FR/1188")
    hook = db.session.query(Webhook).one()
    hook.copies = 2
    db.session.commit()
    page = page_of(shop, document)
    shown = [
        "A loja avisou: encomenda #10488 paga. A loja avisou 2 vezes",
        "Lemos a encomenda na loja",
        "2 linhas, 173,12 €.",
        "Enviámos ao iGEST. Respondeu em 2 segundos.",
        "O iGEST emitiu a FR 2026FR/1188.",
        "Total devolvido: 173,12 €, igual ao enviado. ATCUD",
        "Documento junto à encomenda",
        "Linha escrita no histórico",
    ]
    places = [page.index(text) for text in shown]
    assert places == sorted(places)
    assert "Igual ao valor pago" in page and "Isento M07" in page and "NIF 123 456 789" in page


def test_issuing_a_dismissed_order_shows_no_failure_in_the_timeline(shop: StoreSession) -> None:
    document = make_document(shop.store, VOID, reason="set-aside")
    shop.post(f"/documents/{document.id}/issue")
    page = page_of(shop, document)
    assert "Pediu para emitir." in page
    assert "Uma falha nossa" not in page


def test_every_state_has_a_page_that_says_it(shop: StoreSession) -> None:
    world = make_documents_in_every_state(shop.store)
    expected = {
        WAITING: "À espera",
        PENDING: "Por emitir",
        ISSUING: "A emitir",
        ISSUED: "Emitido",
        IN_DOUBT: "A confirmar",
        REVIEW: "Por decidir",
        "nif": "Bloqueado",
        "aside": "Sem efeito",
    }
    for name, word in expected.items():
        assert word in page_of(shop, world[name]), name


def test_a_bounced_email_is_shown_with_its_address(shop: StoreSession, db: SQLAlchemy) -> None:
    document = make_document(shop.store)
    FollowUp.enqueue(document, "email", to="gone@b.pt")
    owed = db.session.query(FollowUp).filter_by(kind="email").one()
    owed.state, owed.reason, owed.ended_at = "failed", "mail-refused", now()
    db.session.commit()
    assert "O e-mail a gone@b.pt foi devolvido: endereço inexistente." in page_text(
        shop.client.get("/documents")
    )
    assert "O e-mail a gone@b.pt foi devolvido" in page_of(shop, document)


# Actions


def act(shop: StoreSession, document: Document, name: str, **form: str) -> Any:
    return shop.post(f"/documents/{document.id}/{name}", form)


@pytest.mark.parametrize(
    ("state", "reason", "name", "form", "becomes"),
    [
        (WAITING, "automatic-off", "issue", {}, PENDING),
        (WAITING, "older", "issue", {}, PENDING),
        (BLOCKED, "provider-refused", "issue", {}, PENDING),
        (VOID, "set-aside", "issue", {}, PENDING),
        (BLOCKED, "nif-invalid", "tax-id", {"nif": "123 456 789"}, PENDING),
        (BLOCKED, "nif-invalid", "no-tax-id", {}, PENDING),
        (BLOCKED, "nif-unreadable", "tax-id", {"nif": "123 456 789"}, PENDING),
        (BLOCKED, "country-missing", "country", {"country": "ES"}, PENDING),
        (BLOCKED, "customer-erased", "erased", {"country": "PT"}, PENDING),
        (BLOCKED, "business-unproven", "business", {}, PENDING),
        (BLOCKED, "business-unproven", "no-tax-id", {}, PENDING),
        (BLOCKED, "nif-invalid", "aside", {"other": "FR A/1"}, VOID),
        (WAITING, "unpaid", "aside", {}, VOID),
        (PENDING, "", "aside", {}, VOID),
        (
            REVIEW,
            "outcome-unknown",
            "exists",
            {"number": "FR 2026FR/99", "total": "173,12", "atcud": "JF8K2Q7T-99"},
            ISSUED,
        ),
        (REVIEW, "outcome-unknown", "absent", {"sure": "yes"}, PENDING),
    ],
)
def test_an_action_changes_the_state_of_the_document(
    shop: StoreSession, db: SQLAlchemy, state: str, reason: str, name: str, form: dict[str, str], becomes: str
) -> None:
    document = make_document(shop.store, state, reason=reason)
    answer = act(shop, document, name, **form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/documents/{document.id}")
    assert reload(db, document).state == becomes
    assert document.transitions[-1].by == "merchant"


@pytest.mark.parametrize(
    ("state", "reason", "name", "form"),
    [
        (ISSUED, "", "issue", {}),
        (ISSUING, "", "issue", {}),
        (REVIEW, "outcome-unknown", "issue", {}),
        (VOID, "cancelled", "issue", {}),
        (ISSUED, "", "aside", {}),
        (REVIEW, "outcome-unknown", "aside", {}),
        (ISSUED, "", "exists", {"number": "FR 2026FR/99", "total": "173.12"}),
        (IN_DOUBT, "", "absent", {"sure": "yes"}),
        (BLOCKED, "nif-invalid", "mail", {"to": "a@b.pt"}),
        (BLOCKED, "nif-invalid", "answer", {"answer": "follow-law"}),
        (ISSUING, "", "tax-id", {"nif": "123456789"}),
        (ISSUED, "", "no-tax-id", {}),
        (ISSUED, "", "country", {"country": "ES"}),
        (BLOCKED, "nif-invalid", "country", {"country": "ES"}),
        (BLOCKED, "country-missing", "erased", {"country": "PT"}),
        (BLOCKED, "nif-invalid", "business", {}),
    ],
)
def test_an_action_that_comes_too_late_says_so_and_changes_nothing(
    shop: StoreSession, db: SQLAlchemy, state: str, reason: str, name: str, form: dict[str, str]
) -> None:
    document = make_document(shop.store, state, reason=reason)
    moves = len(document.transitions)
    answer = act(shop, document, name, **form)
    assert answer.status_code == 409
    assert "já não está onde o viu" in page_text(
        answer
    ) and f'href="/documents/{document.id}"' in answer.get_data(as_text=True)
    assert reload(db, document).state == state and len(document.transitions) == moves


@pytest.mark.parametrize(
    "typed", ["", "123456780", "abc", "999999990", "12345678", "' or 1", "PT 123456780", "<b>"]
)
def test_an_invalid_tax_id_is_refused_where_it_was_typed(
    shop: StoreSession, db: SQLAlchemy, typed: str
) -> None:
    document = make_document(shop.store, BLOCKED)
    answer = act(shop, document, "tax-id", nif=typed)
    assert answer.status_code == 422 and "Este NIF não é válido." in page_text(answer)
    assert reload(db, document).state == BLOCKED and document.corrections is None


def test_the_corrected_tax_id_is_kept_for_the_next_draft(shop: StoreSession, db: SQLAlchemy) -> None:
    document = make_document(shop.store, BLOCKED)
    act(shop, document, "tax-id", nif="PT 501.442.600")
    assert reload(db, document).corrections == {"tax_id": "PT501442600"}
    other = make_document(shop.store, BLOCKED)
    act(shop, other, "no-tax-id")
    assert reload(db, other).corrections == {"tax_id": ""}


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"number": "FR 2026FR/50", "total": "173,12"}, "já é o da encomenda #777"),
        ({"number": "fr  2026fr/50", "total": "173,12"}, "já é o da encomenda #777"),
        ({"number": "FR 2026FR/99", "total": "173,13", "hour": "SENT"}, "é de 173,12 €, não de 173,13 €"),
        ({"number": "FR 2026FR/99", "total": "173,12"}, "Falta o que só o documento mostra"),
        ({"number": "FR 2026FR/99", "total": "173,12", "atcud": "JF8K2Q7T-98"}, "acaba noutro número"),
        ({"number": "FR 2026FR/99", "total": "173,12", "hour": "meio-dia"}, "não é uma hora"),
        ({"number": "FR 2026FR/99", "total": ""}, "Escreva o total"),
        ({"number": "", "total": "173,12"}, "não é um número"),
        ({"number": "abc", "total": "173,12"}, "não é um número"),
        ({"number": "1" * 61, "total": "173,12"}, "não é um número"),
    ],
)
def test_an_invalid_answer_in_review_is_explained_and_stays_in_the_form(
    shop: StoreSession, db: SQLAlchemy, form: dict[str, str], sentence: str
) -> None:
    make_document(shop.store, order_id="777", number="FR 2026FR/50")
    document = make_document(shop.store, REVIEW)
    sent = hand_made_links.sent_at(document).astimezone(ZoneInfo("Europe/Lisbon"))
    form = {name: f"{sent:%H:%M}" if text == "SENT" else text for name, text in form.items()}
    answer = act(shop, document, "exists", **form)
    assert answer.status_code == 422 and sentence in page_text(answer)
    page = answer.get_data(as_text=True)
    assert all(f'value="{text}"' in page for text in form.values() if text and "  " not in text)
    assert reload(db, document).state == REVIEW and document.number is None


def test_saying_that_it_does_not_exist_needs_a_tick(shop: StoreSession, db: SQLAlchemy) -> None:
    document = make_document(shop.store, REVIEW)
    answer = act(shop, document, "absent")
    assert answer.status_code == 422 and "Marque primeiro" in page_text(answer)
    assert reload(db, document).state == REVIEW


def test_a_review_shows_what_was_sent_when_and_where_to_look(shop: StoreSession, db: SQLAlchemy) -> None:
    sent = now() - timedelta(hours=2)
    make_document(shop.store, number="FR 2026FR/1184", at=sent - timedelta(hours=1))
    make_document(shop.store, number="FR 2026FR/1186", at=sent + timedelta(hours=1))
    page = page_of(shop, make_document(shop.store, REVIEW, total="89.35", at=sent))
    assert "89,35 €" in page and "QI-" in page and "Enviámos o pedido" in page
    # a number that no document has yet would be typed in without a look
    assert not any(number in page for number in ("1183", "1185", "1187"))


def test_an_alarm_stays_until_the_merchant_acknowledges_it(shop: StoreSession, db: SQLAlchemy) -> None:
    document = make_document(shop.store, alarm="cancelled-after")
    assert listed(shop, "estado=espera") == [document.order_id]
    assert act(shop, document, "acknowledge").status_code == 303
    assert listed(shop, "estado=espera") == [] and reload(db, document).state == ISSUED
    assert "Marcou o aviso como tratado." in page_of(shop, document)


def test_a_review_of_a_cancelled_order_says_so_and_promises_no_document(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    document = make_document(shop.store, REVIEW, reason="outcome-unknown")
    assert "Não existe: emitir" in page_of(shop, document)
    sale = Sale.get_or_create(shop.store.id, document.order_id)
    sale.status, sale.cancelled_at = "cancelled", now()
    db.session.commit()
    page = page_of(shop, document)
    assert "Esta encomenda foi cancelada na loja." in page and "Não existe: fica sem efeito" in page
    assert "Emitimos agora" not in page


@pytest.mark.parametrize(
    ("alarm", "detail", "button"),
    [
        (
            "changed-after",
            {"parts": ["lines", "buyer"], "ours": "173.12", "theirs": "170.00"},
            "credit?what=again",
        ),
        ("paid-again", {}, "reissue"),
        ("annulled", {}, "reissue"),
        ("unpaid-after", {}, "credit"),
    ],
)
def test_an_order_that_changed_after_its_document_is_one_click_from_what_answers_it(
    shop: StoreSession, alarm: str, detail: dict[str, Any], button: str
) -> None:
    document = make_document(shop.store, alarm=alarm, alarm_detail=detail)
    page = shop.client.get(f"/documents/{document.id}").get_data(as_text=True)
    assert f'/documents/{document.id}/{button}"' in page
    if detail:
        assert "Mudou: os artigos ou as quantidades; o NIF ou o país de entrega." in page
        assert "170,00" in page


def test_an_order_paid_again_is_issued_again_once_as_the_merchant_asks(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    document = make_document(shop.store, alarm="paid-again")
    assert act(shop, document, "reissue").status_code == 303
    assert act(shop, document, "reissue").status_code == 409
    again = Document.find(shop.store.id, document.order_id, "reissue:1")
    assert again is not None and again.state == PENDING and reload(db, document).alarm == ""


def test_an_email_goes_to_the_address_that_was_typed(shop: StoreSession, db: SQLAlchemy) -> None:
    document = make_document(shop.store)
    for wrong in ("", "x", "a@b", "a@b.pt\nBcc: c@d.pt e", "a@b.pt, c@d.pt"):
        assert act(shop, document, "mail", to=wrong).status_code == 422, wrong
    assert act(shop, document, "mail", to=" certa@example.pt ").status_code == 303
    (owed,) = db.session.query(FollowUp).filter_by(kind="email").all()
    assert owed.detail == {"to": "certa@example.pt"}


def test_the_pdf_is_the_providers_and_sandboxed(shop: StoreSession) -> None:
    document = make_document(shop.store, number='FR "2026"/../1188')
    answer = shop.client.get(f"/documents/{document.id}/pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf") and answer.data.startswith(
        b"%PDF-"
    )
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9-]+\.pdf"', answer.headers["Content-Disposition"])
    assert answer.headers["Content-Security-Policy"].endswith("; sandbox")
    public = shop.client.get(f"/d/{document.link_token}")
    assert public.data == answer.data and public.headers["X-Robots-Tag"].startswith("noindex")
    assert shop.client.get(f"/documents/{make_document(shop.store, BLOCKED).id}/pdf").status_code == 409


def test_a_pdf_that_is_not_ready_is_explained(shop: StoreSession, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: object, issued: object) -> bytes:
        raise TransientError("pdf-not-ready")

    monkeypatch.setattr(FakeProvider, "pdf", none)
    answer = shop.client.get(f"/documents/{make_document(shop.store).id}/pdf")
    assert answer.status_code == 503 and "O PDF ainda não está pronto" in page_text(answer)


# Bulk actions


def test_a_bulk_action_lists_its_documents_before_anything_happens(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    blocked, issued = make_document(shop.store, BLOCKED), make_document(shop.store, number="FR 2026FR/5")
    answer = shop.client.get(f"/documents/bulk?do=issue&id={blocked.id}&id={issued.id}")
    page = page_text(answer)
    assert (
        "Tentar de novo 1 encomenda" in page and "Ficam como estão FR 2026FR/5" in page and "173,12 €" in page
    )
    assert reload(db, blocked).state == BLOCKED


@pytest.mark.parametrize(
    ("name", "state", "becomes"), [("issue", BLOCKED, PENDING), ("aside", WAITING, VOID)]
)
def test_a_bulk_action_skips_documents_that_changed_meanwhile(
    shop: StoreSession, db: SQLAlchemy, name: str, state: str, becomes: str
) -> None:
    many = [make_document(shop.store, state) for _ in range(3)]
    late = make_document(shop.store)
    answer = shop.post("/documents/bulk", {"do": name, "id": [one.id for one in [*many, late]]})
    assert answer.status_code == 303
    assert [reload(db, one).state for one in many] == [becomes] * 3 and reload(db, late).state == ISSUED
    page = page_text(shop.client.get("/documents"))
    assert "Pedido feito para 3 encomendas." in page and "1 mudou entretanto" in page


def test_a_bulk_action_counts_refused_and_changed_documents_apart(shop: StoreSession, db: SQLAlchemy) -> None:
    original = make_document(shop.store)
    aside = make_credit_note(original, state=VOID)
    aside.reason = "set-aside"
    make_credit_note(original, state=BLOCKED, act=2)
    shop.post("/documents/bulk", {"do": "issue", "id": [aside.id]})
    assert reload(db, aside).state == VOID
    page = page_text(shop.client.get("/documents"))
    assert "1 não se pode fazer agora e ficou como estava" in page and "entretanto" not in page


def test_bulk_emails_go_to_each_documents_own_buyer(shop: StoreSession, db: SQLAlchemy) -> None:
    many = [make_document(shop.store) for _ in range(2)]
    shop.post("/documents/bulk", {"do": "email", "id": [one.id for one in many]})
    assert [one.detail for one in db.session.query(FollowUp).filter_by(kind="email")] == [
        {"to": "mc@example.pt"}
    ] * 2


@pytest.mark.parametrize(
    "query", ["do=steal&id=1", "id=1", "do=issue&id=x", "do=issue&id=-1", "do=issue&id=9" + "9" * 30]
)
def test_an_unknown_bulk_action_is_404(shop: StoreSession, query: str) -> None:
    assert shop.client.get(f"/documents/bulk?{query}").status_code == 404


def test_a_bulk_action_without_documents_says_so(shop: StoreSession) -> None:
    assert "Não há nada a fazer com os escolhidos" in page_text(shop.client.get("/documents/bulk?do=issue"))


def test_amounts_never_pass_through_a_float(shop: StoreSession) -> None:
    document = make_document(shop.store, total="1284.60")
    database.session.expire_all()
    assert document.total == Decimal("1284.60") and "1284,60 €" in page_of(shop, document)


def _with_other_figures(shop: StoreSession, db: SQLAlchemy) -> Document:
    """Return an issued document whose total stops its account."""
    document = make_document(shop.store, number="FR 2026FR/60", alarm="total-differs",
                             alarm_detail={"ours": "173.12", "theirs": "140.75"})  # fmt: skip
    document.provider_total, document.compared = Decimal("140.75"), {
        "told": ["total"], "reading": "prices-with-vat",
        "differences": [{"code": "total-differs", "ours": "173.12", "theirs": "140.75"}],
    }  # fmt: skip
    assert document.account is not None
    document.account.differs_document_id = document.id
    db.session.commit()
    return document


def test_figures_that_differ_are_shown_side_by_side_with_both_decisions(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    document = _with_other_figures(shop, db)
    page = page_of(shop, document)
    assert all(text in page for text in ("173,12", "140,75", "Parámos a faturação", "leu os preços"))
    assert "Está tratado" not in page
    assert "A faturação está parada" in page_text(shop.client.get("/"))


@pytest.mark.parametrize(("name", "alarm"), [("figures/accept", ""), ("figures/again", "total-differs")])
def test_a_decision_about_figures_lets_the_account_go_on(
    shop: StoreSession, db: SQLAlchemy, name: str, alarm: str
) -> None:
    document = _with_other_figures(shop, db)
    assert act(shop, document, name).status_code == 303
    document = reload(db, document)
    assert document.account is not None
    db.session.refresh(document.account)
    assert (document.account.differs_document_id, document.alarm) == (None, alarm)
    assert act(shop, document, name).status_code == 409


def test_a_document_recorded_by_hand_says_where_its_pdf_is_and_can_be_unlinked(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    document = make_document(shop.store, number="FR 2026FR/60")
    document.settled_by, document.provider_id, document.pdf_url = "merchant", "", ""
    db.session.commit()
    page = page_of(shop, document)
    assert "o PDF está no iGEST" in page and "Descarregar PDF" not in page
    buyers = shop.client.get(f"/d/{document.link_token}")
    assert buyers.status_code == 404 and "Peça o PDF" in page_text(buyers)
    assert act(shop, document, "sent").status_code == 303
    assert "já o enviou" in page_of(shop, document)
    assert act(shop, document, "unlink").status_code == 303
    assert (reload(db, document).state, document.number) == (REVIEW, None)
