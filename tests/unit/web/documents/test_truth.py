"""What a page says and offers is true: nothing is mailed that nobody looked at, and every wait has its button."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_document
from shopapp.errors import CredentialsError, TransientError
from shopapp.fiscal.comparison import DIFFERENCES
from shopapp.models import Account, Document, FollowUp, Sale, now
from shopapp.models.document import BLOCKED, IN_DOUBT, ISSUED, PENDING, REVIEW
from tests.fakes import FakeProvider
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text


def account_of(shop: StoreSession) -> Account:
    account = Account.find_current(shop.store)
    assert account is not None
    return account


def page_of(shop: StoreSession, document: Document) -> str:
    page: str = shop.client.get(f"/documents/{document.id}").get_data(as_text=True)
    return page


def mails(document: Document) -> int:
    return FollowUp.query.filter_by(document_id=document.id, kind="email").count()


# figures that nobody has looked at


@pytest.mark.parametrize("alarm", DIFFERENCES)
def test_a_document_whose_figures_differ_is_not_mailed_before_a_person_has_decided(
    shop: StoreSession, alarm: str
) -> None:
    document = make_document(shop.store, alarm=alarm)
    page = page_of(shop, document)
    assert "Enviar por e-mail" not in page and "Descarregar PDF" in page
    assert shop.post(f"/documents/{document.id}/mail", {"to": "ana@example.pt"}).status_code == 409
    bulk = {"do": "email", "id": str(document.id)}
    assert "Não há nada a fazer" in page_text(shop.client.get("/documents/bulk", query_string=bulk))
    assert shop.post("/documents/bulk", bulk).status_code == 303
    assert mails(document) == 0
    shop.post(f"/documents/{document.id}/acknowledge", {"deliver": "no"})
    assert "Enviar por e-mail" in page_of(shop, document)
    assert shop.post(f"/documents/{document.id}/mail", {"to": "ana@example.pt"}).status_code == 303
    assert mails(document) == 1


def test_the_head_of_a_document_says_the_total_that_the_provider_has(shop: StoreSession) -> None:
    document = make_document(shop.store, alarm="total-differs", provider_total=Decimal("140.75"))
    head = page_text(shop.client.get(f"/documents/{document.id}")).split("difere")[0]
    assert "173,12 € (no iGEST: 140,75 €)" in head
    same = make_document(shop.store)
    assert "no iGEST:" not in page_of(shop, same)


# an order that waits for another document


def _wait_behind(shop: StoreSession, state: str, stops: bool = False) -> tuple[Document, Document]:
    other = make_document(shop.store, state)
    account = account_of(shop)
    account.first_document_id, account.proved, account.proved_at = other.id, [], None
    if stops:
        account.differs_document_id = other.id
    return other, make_document(shop.store, PENDING)


@pytest.mark.parametrize(
    ("state", "stops", "cause", "button"),
    [
        (ISSUED, True, "A faturação está parada", "Ver a diferença"),
        (REVIEW, False, "Espera pelo primeiro documento", "Esclarecer"),
    ],
)
def test_an_order_that_waits_for_an_answer_is_one_click_from_it(
    shop: StoreSession, state: str, stops: bool, cause: str, button: str
) -> None:
    other, waiting = _wait_behind(shop, state, stops)
    page = page_of(shop, waiting)
    assert cause in page
    assert f'<a class="btn btn-main" href="/documents/{other.id}">{button}</a>' in page


def test_an_order_that_waits_for_a_document_on_its_way_says_so(shop: StoreSession) -> None:
    _, waiting = _wait_behind(shop, IN_DOUBT)
    page = page_of(shop, waiting)
    assert "Espera por outro documento" in page and "dentro de segundos" not in page


@pytest.mark.parametrize("trouble", ["refused", "reauthorise", "none"])
def test_an_order_that_waits_for_the_merchant_has_the_button_that_ends_it(
    shop: StoreSession, trouble: str
) -> None:
    waiting = make_document(shop.store, PENDING)
    account, store = account_of(shop), shop.store
    href = {"refused": "/setup/keys/igest", "reauthorise": "/authorise", "none": "/setup"}[trouble]
    if trouble == "refused":
        account.refused_at, account.refused_code = now(), "keys-refused"
    elif trouble == "reauthorise":
        store.state = "reauthorise"
    else:
        account.active_until = now()
    page = page_of(shop, waiting)
    assert f'<a class="btn btn-main" href="{href}"' in page and "dentro de segundos" not in page


def test_the_page_of_a_waiting_order_follows_the_stop_of_its_account(shop: StoreSession) -> None:
    waiting = make_document(shop.store, PENDING)
    before = shop.client.get(f"/documents/{waiting.id}/version").data
    account_of(shop).differs_document_id = make_document(shop.store).id
    assert shop.client.get(f"/documents/{waiting.id}/version").data != before


# the buyer's page


def _buyers_page(shop: StoreSession, token: str) -> Any:
    return shop.client.get(f"/d/{token}", headers={"Accept-Language": "pt"})


@pytest.mark.parametrize("case", ["by hand", "unknown", "keys refused", "not ready"])
def test_a_buyer_is_told_what_to_do_and_is_not_led_into_the_merchants_app(
    shop: StoreSession, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    document = make_document(shop.store)
    if case == "by hand":
        document.settled_by, document.provider_id, document.pdf_url = "merchant", "", ""

    def refused(self: object, issued: object) -> bytes:
        raise CredentialsError("keys-refused") if case == "keys refused" else TransientError("pdf-not-ready")

    monkeypatch.setattr(FakeProvider, "pdf", refused)
    answer = _buyers_page(shop, "0" * 32 if case == "unknown" else document.link_token)
    page = answer.get_data(as_text=True)
    assert answer.status_code == (404 if case in ("by hand", "unknown") else 503)
    assert "<a " not in page and "chaves" not in page and "Quick Invoice" not in page
    assert ("à loja" if case == "unknown" else shop.store.name) in page


@pytest.mark.parametrize(
    ("state", "text"),
    [("done", "Aberta"), ("due", "Por juntar à encomenda"), ("failed", "Não ficou na encomenda"), ("", "")],
)
def test_the_buyers_link_is_what_it_says(shop: StoreSession, db: SQLAlchemy, state: str, text: str) -> None:
    document = make_document(shop.store)
    row = FollowUp.query.filter_by(document_id=document.id, kind="attach").one()
    if state:
        row.state = state
    else:
        db.session.delete(row)
    page = page_of(shop, document)
    assert ("Ligação do cliente" in page, text in page) == (bool(text), True)
    assert (f'/d/{document.link_token}"' in page) == (state == "done")
    assert ("Fechar a ligação do cliente" in page) == (state in ("done", "due"))


def test_the_link_of_a_document_without_pdf_is_not_called_open(shop: StoreSession) -> None:
    document = make_document(shop.store, settled_by="merchant", provider_id="", pdf_url="")
    page = page_of(shop, document)
    assert "Sem PDF: diz ao cliente que lho peça" in page and ">Aberta<" not in page


# how long nobody answered


@pytest.mark.parametrize(
    ("detail", "cause", "told"),
    [
        (
            {"how": "timeout", "seconds": 15.2},
            "não respondeu a tempo",
            "Sem resposta ao fim de 15,2 segundos.",
        ),
        ({"how": "cut", "seconds": 0.0}, "caiu antes da resposta", "A ligação caiu antes da resposta."),
        ({"how": "status-502"}, "não se percebe", "A resposta não se percebe."),
        ({}, "não respondeu a tempo", "Sem resposta."),
    ],
)
def test_a_lost_answer_has_a_true_cause_and_a_true_duration_or_none(
    shop: StoreSession, detail: dict[str, Any], cause: str, told: str
) -> None:
    document = make_document(shop.store, REVIEW, "4711", detail=detail)
    attempt = document.attempts[-1]
    attempt.detail, attempt.ended_at = detail, attempt.started_at + timedelta(minutes=9)
    page = page_text(shop.client.get(f"/documents/{document.id}"))
    assert told in page and cause in page and "540 segundos" not in page


# an order in another currency


@pytest.fixture
def dollars(shop: StoreSession, db: SQLAlchemy) -> Document:
    """Return a blocked document of an order of 173.12 dollars, whose exchange rate nobody knows yet."""
    question = {"kind": "exchange-rate", "subjects": ["USD 2026-11"], "answers": {}}
    document = make_document(
        shop.store, BLOCKED, "4713", reason="currency", detail={"currency": "USD", "question": question}
    )
    document.total = None
    Sale.get_or_create(shop.store.id, "4713").currency = "USD"
    db.session.commit()
    return document


def test_dollars_are_shown_as_dollars_wherever_the_order_is(shop: StoreSession, dollars: Document) -> None:
    bulk = f"/documents/bulk?do=aside&id={dollars.id}"
    for path in (f"/documents/{dollars.id}", "/documents", "/", bulk):
        page = page_text(shop.client.get(path))
        assert "173,12 USD" in page and "173,12 €" not in page, path


def test_an_issued_document_is_shown_in_euros(shop: StoreSession, dollars: Document, db: SQLAlchemy) -> None:
    dollars.total = Decimal("159.80")
    db.session.commit()
    page = page_text(shop.client.get(f"/documents/{dollars.id}"))
    assert "159,80 €" in page and "USD" not in page.split("A encomenda está em USD")[0]


# what was said, and was not so


def test_an_order_is_not_set_aside_with_the_number_of_another_order(shop: StoreSession) -> None:
    other = make_document(shop.store, order_id="4801", number="FR 2026FR/90")
    document = make_document(shop.store, BLOCKED, "4802")
    answer = shop.post(f"/documents/{document.id}/aside", {"other": "fr 2026FR/90"})
    assert answer.status_code == 422 and "já é o da encomenda #4801" in page_text(answer)
    assert other.number and document.state == BLOCKED
    assert shop.post(f"/documents/{document.id}/aside", {"other": "FR A/1"}).status_code == 303


def test_a_cancelled_order_in_the_queue_is_not_said_to_be_issued(shop: StoreSession) -> None:
    document = make_document(shop.store, PENDING, "4803", reason="absent")
    sale = Sale.get_or_create(shop.store.id, "4803")
    sale.status, sale.cancelled_at = "cancelled", now()
    page = page_text(shop.client.get(f"/documents/{document.id}"))
    assert "fica sem efeito e nada é emitido" in page and "sai sozinha dentro de segundos" not in page


@pytest.mark.parametrize(
    ("old", "told"), [("pending", "Parámos antes de emitir."), ("issuing", "O iGEST não o emitiu.")]
)
def test_the_story_says_who_stopped_a_document(shop: StoreSession, old: str, told: str) -> None:
    document = make_document(shop.store, BLOCKED, reason="provider-refused", detail={"answer": "Não."})
    document.transitions[-1].old = old
    page = page_text(shop.client.get(f"/documents/{document.id}"))
    assert [text for text in ("Parámos antes de emitir.", "O iGEST não o emitiu.") if text in page] == [told]


@pytest.mark.parametrize(
    ("to", "told"), [("mc@example.pt", "ao cliente."), ("contas@example.pt", "e-mail. contas@example.pt")]
)
def test_the_story_says_to_whom_a_document_was_mailed(shop: StoreSession, to: str, told: str) -> None:
    document = make_document(shop.store)
    FollowUp.enqueue_again(document, "email", to=to)
    row = FollowUp.query.filter_by(document_id=document.id, kind="email").one()
    row.state, row.ended_at = "done", now()
    page = page_text(shop.client.get(f"/documents/{document.id}"))
    assert f"PDF enviado por e-mail{' ' if 'cliente' in told else ''}{told.removeprefix('e-mail')}" in page
